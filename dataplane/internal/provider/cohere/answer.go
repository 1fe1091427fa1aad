package cohere

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
)

func readAnswer(body []byte) (*chat.Response, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	if a.FinishReason == "" {
		return nil, errors.New("decode answer: no finish_reason")
	}
	m := chat.Message{Role: chat.Assistant}
	text, thought := []byte(a.Message.ToolPlan), []byte(nil)
	for i := range a.Message.Content {
		p := &a.Message.Content[i]
		text = append(text, p.Text...)
		thought = append(thought, p.Thinking...)
	}
	m.Content, m.ReasoningContent = chat.Text(string(text)), string(thought)
	for _, t := range a.Message.ToolCalls {
		m.ToolCalls = append(m.ToolCalls, chat.ToolCall{ID: t.ID, Type: chat.FunctionTool, Function: chat.Function{Name: t.Function.Name, Arguments: orEmpty(t.Function.Arguments)}})
	}
	m.Annotations = annotations(a.Message.Citations)
	r := &chat.Response{ID: a.ID, Choices: []chat.Choice{{Message: m, FinishReason: finish(a.FinishReason)}}}
	r.HasUsage = a.Usage.into(&r.Usage)
	return r, nil
}

// orEmpty is for tools without parameters, whose arguments may be missing.
func orEmpty(arguments string) string {
	if arguments == "" {
		return "{}"
	}
	return arguments
}

func finish(reason string) string {
	switch reason {
	case "MAX_TOKENS":
		return chat.FinishLength
	case "TOOL_CALL":
		return chat.FinishToolCalls
	case "ERROR_TOXIC":
		return chat.FinishContentFilter
	default: // COMPLETE, STOP_SEQUENCE, ERROR, TIMEOUT
		return chat.FinishStop
	}
}

func (u *usage) into(to *chat.Usage) bool {
	switch {
	case u == nil:
		return false
	case u.Tokens.Input != nil && u.Tokens.Output != nil:
		to.Input, to.Output = int64(*u.Tokens.Input), int64(*u.Tokens.Output)
	default:
		to.Input, to.Output = int64(u.Billed.Input), int64(u.Billed.Output)
	}
	to.CachedInput = int64(u.Cached)
	return true
}

// annotation is OpenAI's way to cite.
type annotation struct {
	Type string      `json:"type"`
	URL  urlCitation `json:"url_citation"`
}

type urlCitation struct {
	StartIndex int    `json:"start_index"`
	EndIndex   int    `json:"end_index"`
	URL        string `json:"url"`
	Title      string `json:"title"`
}

// annotations are one for each source of a citation, as LiteLLM has them: a
// document that has no URL is named by its id.
func annotations(citations []citation) json.RawMessage {
	var all []annotation
	for _, c := range citations {
		for _, s := range c.Sources {
			a := annotation{"url_citation", urlCitation{c.Start, c.End, s.Document.URL, s.Document.Title}}
			if a.URL.URL == "" {
				a.URL.URL = "source:" + s.ID
			}
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil
	}
	b, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return b
}

// decoder reads the events of a stream.
type decoder struct {
	tools  int  // how many have begun
	silent bool // the last tool has no arguments yet
	done   bool
}

func (d *decoder) Done() bool { return d.done }

func (d *decoder) Frame(f *frame.Frame, c *chat.Chunk) error {
	if string(f.Data) == "[DONE]" {
		return nil
	}
	var e event
	if err := json.Unmarshal(f.Data, &e); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	switch e.Type {
	case "message-start":
		c.ID = e.ID
	case "content-start", "content-delta":
		return content(e.Delta.Message.Content, c)
	case "tool-plan-delta":
		c.Add(0).Content = e.Delta.Message.ToolPlan
	case "tool-call-start", "tool-call-delta", "tool-call-end":
		return d.tool(&e, c)
	case "citation-start":
		var one citation
		if err := json.Unmarshal(e.Delta.Message.Citations, &one); err != nil {
			return fmt.Errorf("decode citation: %w", err)
		}
		if a := annotations([]citation{one}); a != nil {
			c.Add(0).Annotations = a
		}
	case "message-end":
		return d.end(&e, c)
	case "":
		if e.Message != "" {
			return &provider.Failure{Status: http.StatusInternalServerError, Text: e.Message}
		}
	}
	return nil
}

func content(raw json.RawMessage, c *chat.Chunk) error {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var p part
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("decode content: %w", err)
	}
	if p.Text != "" || p.Thinking != "" {
		d := c.Add(0)
		d.Content, d.Reasoning = p.Text, p.Thinking
	}
	return nil
}

func (d *decoder) tool(e *event, c *chat.Chunk) error {
	if e.Type == "tool-call-end" {
		if d.silent && d.tools > 0 {
			d.silent = false
			delta := c.Add(0)
			delta.ToolCalls = append(delta.ToolCalls, chat.ToolCallDelta{Index: d.tools - 1, Arguments: "{}"})
		}
		return nil
	}
	var t toolCall
	if raw := e.Delta.Message.ToolCalls; len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &t); err != nil {
			return fmt.Errorf("decode tool call: %w", err)
		}
	}
	if e.Type == "tool-call-start" {
		d.tools++
		d.silent = true
	}
	if d.tools == 0 {
		return errors.New("a tool call goes on that has not begun")
	}
	d.silent = d.silent && t.Function.Arguments == ""
	delta := c.Add(0)
	delta.ToolCalls = append(delta.ToolCalls, chat.ToolCallDelta{Index: d.tools - 1, ID: t.ID, Name: t.Function.Name, Arguments: t.Function.Arguments})
	return nil
}

func (d *decoder) end(e *event, c *chat.Chunk) error {
	d.done = true
	if e.Delta.Error != "" {
		return &provider.Failure{Status: http.StatusInternalServerError, Text: e.Delta.Error, Code: e.Delta.FinishReason}
	}
	c.Add(0).FinishReason = finish(e.Delta.FinishReason)
	c.HasUsage = e.Delta.Usage.into(&c.Usage)
	return nil
}
