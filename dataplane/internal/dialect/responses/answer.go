package responses

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// The statuses of a response and of its items.
const (
	completed  = "completed"
	incomplete = "incomplete"
	inProgress = "in_progress"
	failedWord = "failed"
)

// Response is the object of the API.
type Response struct {
	ID                string    `json:"id"`
	Object            string    `json:"object"`
	CreatedAt         int64     `json:"created_at"`
	Status            string    `json:"status"`
	Error             *problem  `json:"error"`
	IncompleteDetails *details  `json:"incomplete_details"`
	Instructions      *string   `json:"instructions"`
	MaxOutputTokens   *int64    `json:"max_output_tokens"`
	Model             string    `json:"model"`
	Output            []output  `json:"output"`
	ParallelToolCalls bool      `json:"parallel_tool_calls"`
	PreviousID        *string   `json:"previous_response_id"`
	Reasoning         Reasoning `json:"reasoning"`
	ServiceTier       string    `json:"service_tier,omitempty"`
	Store             bool      `json:"store"`
	Temperature       *float64  `json:"temperature"`
	Text              Text      `json:"text"`
	ToolChoice        any       `json:"tool_choice"`
	Tools             []tool    `json:"tools"`
	TopP              *float64  `json:"top_p"`
	Truncation        string    `json:"truncation"`
	Usage             *usage    `json:"usage"`
	User              *string   `json:"user"`
	Metadata          any       `json:"metadata"`
}

type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type details struct {
	Reason string `json:"reason"`
}

type usage struct {
	InputTokens        int64           `json:"input_tokens"`
	InputTokensDetails cachedTokens    `json:"input_tokens_details"`
	OutputTokens       int64           `json:"output_tokens"`
	OutputDetails      reasoningTokens `json:"output_tokens_details"`
	TotalTokens        int64           `json:"total_tokens"`
}

type cachedTokens struct {
	CachedTokens int64 `json:"cached_tokens"`
}

type reasoningTokens struct {
	ReasoningTokens int64 `json:"reasoning_tokens"`
}

// output is one item of the output, of any type.
type output struct {
	Type   string `json:"type"`
	ID     string `json:"id"`
	Status string `json:"status,omitempty"`
	// of a message
	Role    string       `json:"role,omitempty"`
	Content []outputPart `json:"content,omitzero"`
	// of a function call
	CallID    string  `json:"call_id,omitempty"`
	Name      string  `json:"name,omitempty"`
	Arguments *string `json:"arguments,omitempty"`
	// of a thought
	Summary          []outputPart `json:"summary,omitzero"`
	EncryptedContent string       `json:"encrypted_content,omitempty"`
}

type outputPart struct {
	Type        string          `json:"type"`
	Text        *string         `json:"text,omitempty"`
	Annotations json.RawMessage `json:"annotations,omitempty"`
	Refusal     string          `json:"refusal,omitempty"`
}

const noAnnotations = `[]`

func textPart(text string, annotations json.RawMessage) outputPart {
	if annotations == nil {
		annotations = json.RawMessage(noAnnotations)
	}
	return outputPart{Type: "output_text", Text: &text, Annotations: annotations}
}

// begin returns the response to a request before anything is known of it.
func begin(req *chat.Request, id, model string) *Response {
	in, _ := req.Origin.(*Request)
	if in == nil {
		in = &Request{}
	}
	r := &Response{
		ID: id, Object: "response", CreatedAt: time.Now().Unix(), Status: inProgress, Instructions: in.Instructions, MaxOutputTokens: in.MaxOutputTokens,
		Model: model, Output: []output{}, ParallelToolCalls: in.ParallelToolCalls == nil || *in.ParallelToolCalls, PreviousID: in.PreviousResponseID,
		Store: in.Store == nil || *in.Store, Temperature: in.Temperature, ToolChoice: "auto", Tools: in.Tools, TopP: in.TopP, Truncation: in.Truncation,
		User: in.User, Metadata: struct{}{}, ServiceTier: in.ServiceTier,
	}
	if in.Reasoning != nil {
		r.Reasoning = *in.Reasoning
	}
	if r.Tools == nil {
		r.Tools = []tool{}
	}
	if r.Truncation == "" {
		r.Truncation = "disabled"
	}
	if in.Text != nil {
		r.Text = *in.Text
	}
	if r.Text.Format == nil {
		r.Text.Format = &format{Type: chat.FormatText}
	}
	if len(in.ToolChoice) > 0 {
		r.ToolChoice = in.ToolChoice
	}
	if len(in.Metadata) > 0 {
		r.Metadata = in.Metadata
	}
	return r
}

// finish sets how the response ended.
func (r *Response) finish(reason string, u *chat.Usage) {
	r.Status = completed
	switch reason {
	case chat.FinishLength:
		r.Status, r.IncompleteDetails = incomplete, &details{"max_output_tokens"}
	case chat.FinishContentFilter:
		r.Status, r.IncompleteDetails = incomplete, &details{"content_filter"}
	}
	r.Usage = &usage{
		InputTokens: u.Input, InputTokensDetails: cachedTokens{u.CachedInput}, OutputTokens: u.Output, OutputDetails: reasoningTokens{u.Reasoning},
		TotalTokens: u.Input + u.Output,
	}
}

// NewID returns the id of a response that the gateway keeps.
func NewID() string { return "resp_" + newSuffix() }

func newSuffix() string { return ident.NewUUID(time.Now()).String() }

// Whole implements dialect.Dialect.
func (Dialect) Whole(req *chat.Request, a *chat.Response) ([]byte, error) {
	r := begin(req, NewID(), a.Model)
	reason := ""
	if len(a.Choices) > 0 {
		r.add(&a.Choices[0].Message)
		reason = a.Choices[0].FinishReason
	}
	r.finish(reason, &a.Usage)
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode response: %w", err)
	}
	return b, nil
}

// add turns a message into items.
func (r *Response) add(m *chat.Message) {
	n := 0
	id := func(prefix string) string { n++; return prefix + newSuffix() + strconv.Itoa(n) }
	if m.ReasoningContent != "" || len(m.ThinkingBlocks) > 0 {
		it := output{Type: "reasoning", ID: id("rs_"), Summary: []outputPart{}}
		if m.ReasoningContent != "" {
			it.Summary = append(it.Summary, outputPart{Type: "summary_text", Text: &m.ReasoningContent})
		}
		for i := range m.ThinkingBlocks {
			it.EncryptedContent = m.ThinkingBlocks[i].Signature
		}
		r.Output = append(r.Output, it)
	}
	var parts []outputPart
	if text := m.Content.Text(); text != "" {
		parts = append(parts, textPart(text, m.Annotations))
	}
	if m.Refusal != "" {
		parts = append(parts, outputPart{Type: "refusal", Refusal: m.Refusal})
	}
	if len(parts) > 0 || len(m.ToolCalls) == 0 {
		r.Output = append(r.Output, output{Type: "message", ID: id("msg_"), Status: completed, Role: chat.Assistant, Content: parts})
	}
	for i := range m.ToolCalls {
		t := &m.ToolCalls[i]
		r.Output = append(r.Output, output{
			Type: "function_call", ID: id("fc_"), Status: completed, CallID: t.ID, Name: t.Function.Name, Arguments: &t.Function.Arguments,
		})
	}
}

// Message returns the output of a response as the assistant's message, to be
// put in front of what follows it.
func (r *Response) Message() chat.Message {
	m := chat.Message{Role: chat.Assistant}
	for i := range r.Output {
		it := &r.Output[i]
		switch it.Type {
		case "message":
			for _, p := range it.Content {
				if p.Text != nil {
					m.Content = append(m.Content, chat.Part{Type: chat.TextPart, Text: *p.Text})
				}
			}
		case "function_call":
			m.ToolCalls = append(m.ToolCalls, chat.ToolCall{ID: it.CallID, Type: chat.FunctionTool, Function: chat.Function{Name: it.Name, Arguments: *it.Arguments}})
		case "reasoning":
			for _, p := range it.Summary {
				m.ReasoningContent += *p.Text
			}
			if it.EncryptedContent != "" {
				m.ThinkingBlocks = append(m.ThinkingBlocks, chat.ThinkingBlock{Type: chat.ThinkingType, Thinking: m.ReasoningContent, Signature: it.EncryptedContent})
			}
		}
	}
	return m
}
