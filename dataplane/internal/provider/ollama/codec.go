package ollama

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/prompt"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// codec translates chats.
type codec struct {
	model    string
	defaults map[string]json.RawMessage // the deployment's options
	template *prompt.Template           // nil where the server knows it
}

// Params implements native.Chatter. Nobody is told of the user; LiteLLM takes
// the parameter everywhere.
func (*codec) Params() []string {
	return []string{
		"tools", "tool_choice", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed", "frequency_penalty",
		"presence_penalty", "response_format", "reasoning_effort", "thinking", "user",
	}
}

// Inline implements native.Inliner: the server fetches nothing.
func (*codec) Inline(p *chat.Part) bool { return p.Image != nil }

// Chat implements native.Chatter.
func (c *codec) Chat(req *chat.Request) (*native.Exchange, error) {
	if req.N != nil && *req.N != 1 {
		return nil, native.Unsupported("ollama", c.model, "n")
	}
	r := &request{Model: req.Model, Stream: req.Stream, Options: c.options(req), Format: format(req), Think: c.think(req), KeepAlive: c.defaults["keep_alive"]}
	delete(r.Options, "keep_alive")
	if keep, ok := req.Extra["keep_alive"]; ok {
		r.KeepAlive = keep
	}
	path := "/api/chat"
	if c.template != nil {
		path = "/api/generate"
	}
	if err := c.say(r, req); err != nil {
		return nil, err
	}
	body, err := splice.Encode(r)
	if err != nil {
		return nil, err
	}
	return &native.Exchange{
		Request: native.Request{Path: path, Body: body}, Whole: readAnswer, Stream: &decoder{}, Framing: frame.Lines(),
	}, nil
}

// say puts the conversation and the tools into the request.
func (c *codec) say(r *request, req *chat.Request) error {
	names := map[string]string{} // of the tools that were called, by the id of the call
	var messages []message
	for i := range req.Messages {
		m, err := messageOf(&req.Messages[i], names)
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}
	if c.template != nil {
		r.Prompt, r.Raw = c.template.Render(req.Messages), true
		for i := range messages {
			r.Images = append(r.Images, messages[i].Images...)
		}
		return nil
	}
	r.Messages = messages
	return c.tools(r, req)
}

// tools translates tools. The server lets the model choose: a choice of one
// tool leaves the others out, "none" all of them.
func (*codec) tools(r *request, req *chat.Request) error {
	only := ""
	if t := req.ToolChoice; t != nil {
		if t.Mode == chat.ChooseNone {
			return nil
		}
		only = t.Function
	}
	for i := range req.Tools {
		t := &req.Tools[i]
		if t.Function == nil {
			return apierr.BadRequest("Invalid value for 'tools': ollama knows functions only, not %.64s", t.Type)
		}
		if only == "" || only == t.Function.Name {
			r.Tools = append(r.Tools, tool{Type: chat.FunctionTool, Function: functionDesc{t.Function.Name, t.Function.Description, t.Function.Parameters}})
		}
	}
	return nil
}

// foreign are members of OpenAI's requests that are no options of a model.
func foreign(name string) bool {
	switch name {
	case "keep_alive", "think", "options", "format", "raw", "metadata", "store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "verbosity",
		"prediction", "functions", "function_call", "stream_options", "extra_body", "extra_headers", "n":
		return true
	}
	return false
}

// optionNames are the options that a deployment may set by a parameter.
func optionNames() []string {
	return []string{
		"keep_alive", "main_gpu", "min_p", "mirostat", "mirostat_eta", "mirostat_tau", "num_batch", "num_ctx", "num_gpu", "num_keep", "num_predict",
		"num_thread", "repeat_last_n", "repeat_penalty", "seed", "stop", "temperature", "tfs_z", "top_k", "top_p", "typical_p", "use_mmap",
	}
}

// defaults are the options among a deployment's parameters.
func defaults(params map[string]json.RawMessage) map[string]json.RawMessage {
	options := map[string]json.RawMessage{}
	for _, name := range optionNames() {
		if value, ok := params[name]; ok {
			options[name] = value
		}
	}
	if limit, ok := params["max_tokens"]; ok {
		options["num_predict"] = limit
	}
	return options
}

// options are the parameters of the model. Penalties go by the server's own
// names for them: LiteLLM sends frequency_penalty as repeat_penalty, which
// counts from 1 and not from 0.
func (c *codec) options(req *chat.Request) map[string]json.RawMessage {
	o := maps.Clone(c.defaults)
	if o == nil {
		o = map[string]json.RawMessage{}
	}
	for name, value := range req.Extra {
		if !foreign(name) {
			o[name] = value
		}
	}
	var own map[string]json.RawMessage
	if json.Unmarshal(req.Extra["options"], &own) == nil {
		maps.Copy(o, own)
	}
	number := func(name string, f *float64) {
		if f != nil {
			o[name] = strconv.AppendFloat(nil, *f, 'g', -1, 64)
		}
	}
	integer := func(name string, n *int64) {
		if n != nil {
			o[name] = strconv.AppendInt(nil, *n, 10)
		}
	}
	if n, ok := req.Limit(); ok {
		integer("num_predict", &n)
	}
	number("temperature", req.Temperature)
	number("top_p", req.TopP)
	number("frequency_penalty", req.FrequencyPenalty)
	number("presence_penalty", req.PresencePenalty)
	integer("top_k", req.TopK)
	integer("seed", req.Seed)
	if req.Stop != nil {
		if list, err := json.Marshal([]string(req.Stop)); err == nil {
			o["stop"] = list
		}
	}
	return o
}

func format(req *chat.Request) json.RawMessage {
	f := req.ResponseFormat
	if f == nil || f.Type == chat.FormatText {
		return nil
	}
	if schema := req.OutputSchema(); len(schema) > 0 {
		return schema
	}
	return json.RawMessage(`"json"`)
}

// think says whether the model is to think. gpt-oss takes how much, and thinks
// in any case.
func (c *codec) think(req *chat.Request) json.RawMessage {
	if own, ok := req.Extra["think"]; ok {
		return own
	}
	effort := req.ReasoningEffort
	if t := req.Thinking; t != nil && effort == "" {
		effort = "medium"
		if t.Type == "disabled" {
			effort = "none"
		}
	}
	switch {
	case effort == "":
		return nil
	case effort == "none" || effort == "disable":
		return json.RawMessage("false")
	case !strings.Contains(c.model, "gpt-oss"):
		return json.RawMessage("true")
	case slices.Contains([]string{"low", "medium", "high"}, effort):
		return json.RawMessage(`"` + effort + `"`)
	case effort == "minimal":
		return json.RawMessage(`"low"`)
	}
	return json.RawMessage(`"high"`)
}

func messageOf(m *chat.Message, names map[string]string) (message, error) {
	out := message{Role: m.Role, Content: m.Content.Text(), Thinking: m.ReasoningContent}
	switch m.Role {
	case chat.Developer:
		out.Role = chat.System
	case chat.ToolRole:
		out.ToolCallID, out.ToolName = m.ToolCallID, m.Name
		if out.ToolName == "" {
			out.ToolName = names[m.ToolCallID]
		}
	}
	for i := range m.Content {
		p := &m.Content[i]
		switch {
		case p.Type == chat.TextPart, p.Type == chat.RefusalPart:
		case p.Image != nil:
			out.Images = append(out.Images, base64Of(p.Image.URL))
		default:
			return out, apierr.BadRequest("Invalid value for 'messages.content': ollama takes texts and pictures, not %.64s", p.Type)
		}
	}
	for i := range m.ToolCalls {
		t := &m.ToolCalls[i]
		names[t.ID] = t.Function.Name
		call := toolCall{ID: t.ID}
		call.Function.Name, call.Function.Arguments = t.Function.Name, object(t.Function.Arguments)
		out.ToolCalls = append(out.ToolCalls, call)
	}
	return out, nil
}

// base64Of is the content of a data URI, or what is one already.
func base64Of(uri string) string {
	if _, content, ok := strings.Cut(uri, ";base64,"); ok && strings.HasPrefix(uri, "data:") {
		return content
	}
	return uri
}

// object is a call's arguments as the object that the server wants. What the
// model got wrong is kept as a text.
func object(arguments string) json.RawMessage {
	trimmed := strings.TrimSpace(arguments)
	if trimmed == "" {
		return json.RawMessage("{}")
	}
	if trimmed[0] == '{' && json.Valid([]byte(trimmed)) {
		return json.RawMessage(trimmed)
	}
	wrong, err := json.Marshal(map[string]string{"arguments": arguments})
	if err != nil {
		return json.RawMessage("{}")
	}
	return wrong
}
