// Package responses is the dialect of OpenAI's Responses API, for providers
// that only chat. What an earlier response said is the pipeline's to put in
// front; this package is pure.
//
// Wire facts: https://platform.openai.com/docs/api-reference/responses
package responses

import (
	"encoding/json"
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/openai"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Dialect implements dialect.Dialect.
type Dialect struct{ openai.Dialect }

// Request is what a response remembers of its request.
type Request struct {
	Instructions       *string         `json:"instructions"`
	MaxOutputTokens    *int64          `json:"max_output_tokens"`
	Metadata           json.RawMessage `json:"metadata"`
	ParallelToolCalls  *bool           `json:"parallel_tool_calls"`
	PreviousResponseID *string         `json:"previous_response_id"`
	Reasoning          *Reasoning      `json:"reasoning"`
	Store              *bool           `json:"store"`
	Temperature        *float64        `json:"temperature"`
	Text               *Text           `json:"text"`
	ToolChoice         json.RawMessage `json:"tool_choice"`
	Tools              []tool          `json:"tools"`
	TopP               *float64        `json:"top_p"`
	Truncation         string          `json:"truncation"`
	User               *string         `json:"user"`
	ServiceTier        string          `json:"service_tier"`
	Background         bool            `json:"background"`

	Input json.RawMessage `json:"input"`
}

// Reasoning asks for thoughts.
type Reasoning struct {
	Effort  *string `json:"effort"`
	Summary *string `json:"summary"`
}

// Text says what the output's text has to look like.
type Text struct {
	Format    *format `json:"format,omitempty"`
	Verbosity string  `json:"verbosity,omitempty"`
}

type format struct {
	Type        string          `json:"type"`
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// tool is a function in the API's flat form; others are kept as they are.
type tool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`

	SearchContextSize string          `json:"search_context_size,omitempty"`
	UserLocation      json.RawMessage `json:"user_location,omitempty"`
}

// Decode implements dialect.Dialect.
func (Dialect) Decode(body []byte, members []jsonx.Member) (*chat.Request, error) {
	in := &Request{}
	if err := json.Unmarshal(body, in); err != nil {
		return nil, apierr.BadRequest("Invalid request: it is not a request of the Responses API").Because(err)
	}
	if in.Background {
		return nil, apierr.BadRequest("'background' is not offered for this model: its provider only chats")
	}
	req := &chat.Request{
		MaxTokens: in.MaxOutputTokens, ParallelToolCalls: in.ParallelToolCalls, Temperature: in.Temperature, TopP: in.TopP, ServiceTier: in.ServiceTier, Origin: in,
	}
	if in.User != nil {
		req.User = *in.User
	}
	if in.Instructions != nil && *in.Instructions != "" {
		req.Messages = append(req.Messages, chat.Message{Role: chat.System, Content: chat.Text(*in.Instructions)})
	}
	messages, err := decodeInput(in.Input)
	if err != nil {
		return nil, err
	}
	req.Messages = append(req.Messages, messages...)
	if err := in.settings(req); err != nil {
		return nil, err
	}
	return req, req.Merge(body, others(members))
}

// settings takes what stands elsewhere in a chat.
func (in *Request) settings(req *chat.Request) error {
	if in.Reasoning != nil && in.Reasoning.Effort != nil {
		req.ReasoningEffort = *in.Reasoning.Effort
	}
	if len(in.ToolChoice) > 0 && !jsonx.IsNull(in.ToolChoice) {
		req.ToolChoice = &chat.ToolChoice{}
		if err := json.Unmarshal(in.ToolChoice, req.ToolChoice); err != nil {
			return &chat.ParamError{Param: "tool_choice", Want: "a string or an object"}
		}
	}
	if in.Text != nil && in.Text.Format != nil && in.Text.Format.Type != chat.FormatText {
		f := in.Text.Format
		req.ResponseFormat = &chat.ResponseFormat{Type: f.Type}
		if f.Type == chat.FormatJSONSchema {
			req.ResponseFormat.JSONSchema = &chat.JSONSchema{Name: f.Name, Description: f.Description, Schema: f.Schema, Strict: f.Strict}
		}
	}
	for i := range in.Tools {
		if err := in.Tools[i].into(req); err != nil {
			return err
		}
	}
	return nil
}

func (t *tool) into(req *chat.Request) error {
	switch t.Type {
	case chat.FunctionTool:
		if t.Name == "" {
			return &chat.ParamError{Param: "tools.name", Want: "a string"}
		}
		req.Tools = append(req.Tools, chat.Tool{Type: chat.FunctionTool, Function: &chat.FunctionDef{
			Name: t.Name, Description: t.Description, Parameters: t.Parameters, Strict: t.Strict,
		}})
	case "web_search", "web_search_preview", "web_search_2025_08_26", "web_search_preview_2025_03_11":
		req.WebSearchOptions = &chat.WebSearchOptions{SearchContextSize: t.SearchContextSize, UserLocation: t.UserLocation}
	default:
		return &apierr.Error{
			Status: http.StatusBadRequest, Type: apierr.TypeInvalidRequest, Param: "tools",
			Message: "Tools of type '" + t.Type + "' are not offered for this model: its provider only chats",
		}
	}
	return nil
}

// others are the members that mean the same in a chat.
func others(members []jsonx.Member) []jsonx.Member {
	kept := make([]jsonx.Member, 0, len(members))
	for _, m := range members {
		switch string(m.Name) {
		case "input", "instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "previous_response_id", "reasoning", "store",
			"text", "tool_choice", "tools", "truncation", "background", "include", "stream", "stream_options", "conversation", "prompt", "max_tool_calls":
		default:
			kept = append(kept, m)
		}
	}
	return kept
}
