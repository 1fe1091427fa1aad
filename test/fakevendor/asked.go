package fakevendor

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// ReportPrompt makes a model answer with what it was asked, as the JSON of
// [Asked]: a client sees so what arrived of its request.
const ReportPrompt = "Report."

// Asked is what a caller wants of a model, whatever the wire it said so in.
type Asked struct {
	System string `json:"system,omitempty"`
	Turns  []Turn `json:"turns"`
	Tools  []Tool `json:"tools,omitempty"`
	Choice Choice `json:"tool_choice,omitzero"`
	// Schema is what the answer must follow.
	Schema json.RawMessage `json:"schema,omitempty"`
	// JSON asks for an object without a schema.
	JSON        bool     `json:"json,omitempty"`
	Thinking    bool     `json:"thinking,omitempty"`
	MaxTokens   int      `json:"max_tokens,omitempty"`
	Temperature *float64 `json:"temperature,omitempty"`
	TopP        *float64 `json:"top_p,omitempty"`
	Stop        []string `json:"stop,omitempty"`
	User        string   `json:"user,omitempty"`
}

// Choice is what the caller says about the use of tools.
type Choice struct {
	// Mode is "none", "any", "tool", or empty when the model decides.
	Mode string `json:"mode,omitempty"`
	// Name is the tool of mode "tool".
	Name string `json:"name,omitempty"`
	// Single forbids several calls at once.
	Single bool `json:"single,omitempty"`
}

// Turn is one message of the conversation.
type Turn struct {
	// Role is "user" or "assistant"; results of tools are the user's.
	Role     string `json:"role"`
	Text     string `json:"text,omitempty"`
	Thoughts string `json:"thoughts,omitempty"`
	// Signed: it has thoughts with a valid signature, told or not.
	Signed  bool         `json:"-"`
	Files   []File       `json:"files,omitempty"`
	Calls   []ToolCall   `json:"calls,omitempty"`
	Results []ToolResult `json:"results,omitempty"`
}

// File is an image or a document in a message.
type File struct {
	Type string `json:"type,omitempty"`
	URL  string `json:"url,omitempty"`
	Size int    `json:"size,omitempty"`
	// Sum is the start of the content's SHA-256.
	Sum string `json:"sum,omitempty"`
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
}

// ToolCall is a call that the model makes.
type ToolCall struct {
	ID        string `json:"id,omitempty"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// ToolResult is what a call gave.
type ToolResult struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	Text string `json:"text"`
}

// Inline is a file whose content stands in the request.
func Inline(mediaType, content string) (File, error) {
	b, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return File{}, fmt.Errorf("decode base64: %w", err)
	}
	sum := sha256.Sum256(b)
	return File{Type: mediaType, Size: len(b), Sum: hex.EncodeToString(sum[:4])}, nil
}

// DataURI is the file that a URI such as data:image/png;base64,AA== has in it.
func DataURI(uri string) (File, error) {
	head, content, found := strings.Cut(strings.TrimPrefix(uri, "data:"), ",")
	mediaType, encoded := strings.CutSuffix(head, ";base64")
	if !found || !encoded {
		return File{}, fmt.Errorf("%.40q is no data URI with base64", uri)
	}
	return Inline(mediaType, content)
}

// String is how a model describes the file.
func (f File) String() string {
	if f.URL != "" {
		return f.URL
	}
	return fmt.Sprintf("%s of %d bytes (%s)", f.Type, f.Size, f.Sum)
}

// Last is the newest turn; its zero value stands for none.
func (a *Asked) Last() Turn {
	if len(a.Turns) == 0 {
		return Turn{}
	}
	return a.Turns[len(a.Turns)-1]
}

// AddResult adds a result to the turn of results that stands last, or in a turn
// of its own.
func (a *Asked) AddResult(r ToolResult) {
	if len(a.Last().Results) == 0 {
		a.Turns = append(a.Turns, Turn{Role: "user"})
	}
	last := &a.Turns[len(a.Turns)-1]
	last.Results = append(last.Results, r)
}

// uses returns the names of the tools that the model calls now: all that it has
// when it may, one when it must not call several, and none once it has results.
func (a *Asked) uses() []string {
	var names []string
	for _, t := range a.Tools {
		names = append(names, t.Name)
	}
	switch {
	case len(names) == 0 || a.Choice.Mode == "none":
		return nil
	case a.Choice.Mode == "tool":
		return []string{a.Choice.Name}
	case len(a.Last().Results) > 0 && a.Choice.Mode != "any":
		return nil
	case a.Choice.Single:
		return names[:1]
	}
	return names
}

// says is what the model answers in words.
func (a *Asked) says() []string {
	last := a.Last()
	switch {
	case strings.HasSuffix(strings.TrimSpace(last.Text), ReportPrompt):
		return cut(Render(a), 5)
	case len(a.Schema) > 0 || a.JSON:
		return cut(Arguments, 3)
	case len(last.Files) > 0:
		pieces := []string{"I see"}
		for _, f := range last.Files {
			pieces = append(pieces, " "+f.String())
		}
		return append(pieces, ".")
	case len(last.Results) > 0:
		pieces := []string{"The tools said:"}
		for _, r := range last.Results {
			pieces = append(pieces, " "+r.Text)
		}
		return pieces
	}
	return Pieces()
}

// cut splits a text into n parts of about the same length.
func cut(s string, n int) []string {
	var parts []string
	for ; n > 1 && len(s) > 1; n-- {
		at := max(1, len(s)/n)
		for at < len(s) && s[at]&0xC0 == 0x80 { // not within a character
			at++
		}
		parts, s = append(parts, s[:at]), s[at:]
	}
	return append(parts, s)
}
