package cohere

import (
	"encoding/json"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// codec translates chats.
type codec struct{ slug, model string }

// Params implements native.Chatter. Nobody is told of the user; LiteLLM takes
// the parameter everywhere.
func (codec) Params() []string {
	return []string{
		"tools", "tool_choice", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed", "frequency_penalty",
		"presence_penalty", "response_format", "reasoning_effort", "thinking", "user",
	}
}

// Chat implements native.Chatter.
func (c codec) Chat(req *chat.Request) (*native.Exchange, error) {
	r, err := c.request(req)
	if err != nil {
		return nil, err
	}
	body, err := splice.Encode(r)
	if err != nil {
		return nil, err
	}
	return &native.Exchange{
		Request: native.Request{Path: "/v2/chat", Body: withExtra(body, req.Extra)},
		Whole:   readAnswer, Stream: &decoder{}, Framing: frame.SSE(),
	}, nil
}

// extras are the members of Cohere's own that a client may add.
func extras() []string {
	return []string{
		"citation_options", "connectors", "documents", "k", "logprobs", "p", "priority", "raw_prompting", "safety_mode", "strict_tools",
	}
}

// withExtra adds what belongs to Cohere; members that are other vendors' it
// would refuse.
func withExtra(body []byte, extra map[string]json.RawMessage) []byte {
	for _, name := range extras() {
		value, ok := extra[name]
		if !ok {
			continue
		}
		body = splice.Object(body, func(n string, _ []byte) splice.Edit { return splice.Edit{Cut: n == name} }, splice.NewMember(name, value))
	}
	return body
}

func (c codec) request(req *chat.Request) (*request, error) {
	if req.N != nil && *req.N != 1 {
		return nil, native.Unsupported(c.slug, c.model, "n") // version 2 gives one answer
	}
	r := &request{
		Model: req.Model, Stream: req.Stream, StopSequences: req.Stop, Temperature: req.Temperature, P: req.TopP, K: req.TopK, Seed: req.Seed,
		FrequencyPenalty: req.FrequencyPenalty, PresencePenalty: req.PresencePenalty, Thinking: thinkingOf(req),
	}
	if n, ok := req.Limit(); ok {
		r.MaxTokens = &n
	}
	if f := req.ResponseFormat; f != nil && f.Type != chat.FormatText {
		r.ResponseFormat = &responseFormat{Type: chat.FormatJSONObject, JSONSchema: req.OutputSchema()}
	}
	if err := c.tools(r, req); err != nil {
		return nil, err
	}
	r.Messages = make([]message, 0, len(req.Messages))
	for i := range req.Messages {
		m, err := messageOf(&req.Messages[i])
		if err != nil {
			return nil, err
		}
		r.Messages = append(r.Messages, m)
	}
	return r, nil
}

// tools translates tools and the choice among them. Cohere has no word for one
// tool that must be called: then it is the only one there is.
func (c codec) tools(r *request, req *chat.Request) error {
	only := ""
	if t := req.ToolChoice; t != nil {
		switch {
		case t.Function != "":
			r.ToolChoice, only = "REQUIRED", t.Function
		case t.Mode == chat.ChooseRequired:
			r.ToolChoice = "REQUIRED"
		case t.Mode == chat.ChooseNone:
			r.ToolChoice = "NONE"
		case t.Raw != nil:
			return native.Unsupported(c.slug, c.model, "tool_choice")
		}
	}
	strict := true // the word is for all of them
	for i := range req.Tools {
		t := &req.Tools[i]
		if t.Function == nil {
			return apierr.BadRequest("Invalid value for 'tools': cohere knows functions only, not %.64s", t.Type)
		}
		if only != "" && t.Function.Name != only {
			continue
		}
		strict = strict && t.Function.Strict != nil && *t.Function.Strict
		r.Tools = append(r.Tools, tool{Type: chat.FunctionTool, Function: functionDesc{t.Function.Name, t.Function.Description, t.Function.Parameters}})
	}
	if len(r.Tools) == 0 {
		r.ToolChoice = "" // it is refused without tools
	}
	r.StrictTools = strict && len(r.Tools) > 0
	return nil
}

// thinkingOf translates how much the model is to think. The budgets are
// LiteLLM's.
func thinkingOf(req *chat.Request) *thinking {
	if t := req.Thinking; t != nil {
		if t.Type == "disabled" {
			return &thinking{Type: "disabled"}
		}
		return &thinking{Type: "enabled", TokenBudget: t.BudgetTokens}
	}
	budgets := map[string]int64{"minimal": 512, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16384}
	switch effort := req.ReasoningEffort; {
	case effort == "":
		return nil
	case budgets[effort] == 0:
		return &thinking{Type: "disabled"}
	default:
		return &thinking{Type: "enabled", TokenBudget: new(budgets[effort])}
	}
}

func messageOf(m *chat.Message) (message, error) {
	switch m.Role {
	case chat.System, chat.Developer:
		return message{Role: chat.System, Content: m.Content.Text()}, nil
	case chat.ToolRole:
		return message{Role: chat.ToolRole, ToolCallID: m.ToolCallID, Content: m.Content.Text()}, nil
	case chat.Assistant:
		return assistant(m), nil
	}
	if !slices.ContainsFunc(m.Content, func(p chat.Part) bool { return p.Type != chat.TextPart }) {
		return message{Role: chat.User, Content: m.Content.Text()}, nil
	}
	parts := make([]part, 0, len(m.Content))
	for i := range m.Content {
		p := &m.Content[i]
		switch {
		case p.Type == chat.TextPart:
			parts = append(parts, part{Type: "text", Text: p.Text})
		case p.Image != nil:
			parts = append(parts, part{Type: "image_url", ImageURL: &imageURL{p.Image.URL, p.Image.Detail}})
		default:
			return message{}, apierr.BadRequest("Invalid value for 'messages.content': cohere takes texts and pictures, not %.64s", p.Type)
		}
	}
	return message{Role: chat.User, Content: parts}, nil
}

// assistant translates what the model has said. What it says besides calling
// tools is its plan.
func assistant(m *chat.Message) message {
	out := message{Role: chat.Assistant}
	for i := range m.ToolCalls {
		t := &m.ToolCalls[i]
		arguments := t.Function.Arguments
		if arguments == "" {
			arguments = "{}"
		}
		out.ToolCalls = append(out.ToolCalls, toolCall{ID: t.ID, Type: chat.FunctionTool, Function: function{t.Function.Name, arguments}})
	}
	text := m.Content.Text()
	var parts []part
	if m.ReasoningContent != "" {
		parts = append(parts, part{Type: "thinking", Thinking: m.ReasoningContent})
	}
	switch {
	case len(out.ToolCalls) > 0:
		out.ToolPlan = text
	case len(parts) == 0:
		out.Content = text
		return out
	case text != "":
		parts = append(parts, part{Type: "text", Text: text})
	}
	if len(parts) > 0 {
		out.Content = parts
	}
	return out
}
