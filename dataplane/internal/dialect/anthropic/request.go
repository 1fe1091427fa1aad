package anthropic

import (
	"encoding/json"
	"net/http"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Dialect implements dialect.Dialect.
type Dialect struct{}

// Decode implements dialect.Dialect.
func (Dialect) Decode(body []byte, members []jsonx.Member) (*chat.Request, error) {
	req, err := DecodeCount(body, members)
	if err != nil {
		return nil, err
	}
	if req.MaxTokens == nil {
		return nil, &apierr.Error{Status: http.StatusBadRequest, Type: apierr.TypeInvalidRequest, Param: "max_tokens", Message: "max_tokens: Field required"}
	}
	return req, nil
}

// DecodeCount reads a request whose tokens are to be counted: that of a
// message, which need not say how long the answer may be.
func DecodeCount(body []byte, members []jsonx.Member) (*chat.Request, error) {
	d := decoder{req: &chat.Request{}}
	var others []jsonx.Member // the same as OpenAI's, or LiteLLM's
	for i := range members {
		m := &members[i]
		value := m.Value.Of(body)
		if jsonx.IsNull(value) {
			continue
		}
		known, err := d.member(string(m.Name), value)
		if err != nil {
			return nil, err
		}
		if !known {
			others = append(others, *m)
		}
	}
	req := d.req
	if d.system != nil {
		req.Messages = append([]chat.Message{*d.system}, req.Messages...)
	}
	if len(req.Messages) == 0 {
		return nil, &chat.ParamError{Param: "messages", Want: "a list of at least one message"}
	}
	if c := req.ToolChoice; c != nil && (d.search != "" && c.Function == d.search || len(req.Tools) == 0) {
		req.ToolChoice = nil // nothing to choose from, or a search, which is no function elsewhere
	}
	return req, req.Merge(body, others)
}

// decoder reads one request.
type decoder struct {
	req    *chat.Request
	system *chat.Message
	search string // the name of the tool that searches the web
}

// member reads a member of the body that is not the same in OpenAI's wire.
func (d *decoder) member(name string, value []byte) (known bool, err error) {
	r := d.req
	switch name {
	case "messages":
		return true, d.messages(value)
	case "system":
		return true, d.systemPrompt(value)
	case "tools":
		return true, d.tools(value)
	case "tool_choice":
		return true, d.toolChoice(value)
	case "stop_sequences":
		return true, take(name, "a list of strings", value, (*[]string)(&r.Stop))
	case "metadata":
		var m struct {
			UserID string `json:"user_id"`
		}
		err := take(name, "an object", value, &m)
		r.User = m.UserID
		return true, err
	case "output_config":
		return true, d.outputConfig(value)
	case "output_format":
		return true, d.format(value)
	case "service_tier":
		err := take(name, "a string", value, &r.ServiceTier)
		if r.ServiceTier == "standard_only" {
			r.ServiceTier = "default"
		}
		return true, err
	case "cache_control", "container", "context_management", "mcp_servers", "speed", "inference_geo", "diagnostics", "compaction",
		"fallback_credit_token":
		d.keep(name, value)
		return true, nil
	}
	return false, nil
}

// keep keeps a member that means nothing outside Anthropic's wire.
func (d *decoder) keep(name string, value []byte) {
	if d.req.Anthropic == nil {
		d.req.Anthropic = map[string]json.RawMessage{}
	}
	d.req.Anthropic[name] = value
}

func take(name, want string, value []byte, to any) error {
	if json.Unmarshal(value, to) != nil {
		return &chat.ParamError{Param: name, Want: want}
	}
	return nil
}

// outputConfig takes the effort and the format of the answer. What else stands
// there is Anthropic's alone.
func (d *decoder) outputConfig(value []byte) error {
	var members map[string]json.RawMessage
	if err := take("output_config", "an object", value, &members); err != nil {
		return err
	}
	if effort, ok := members["effort"]; ok && !jsonx.IsNull(effort) {
		if err := take("output_config.effort", "a string", effort, &d.req.ReasoningEffort); err != nil {
			return err
		}
	}
	if format, ok := members["format"]; ok {
		if err := d.format(format); err != nil {
			return err
		}
	}
	delete(members, "effort")
	delete(members, "format")
	if len(members) == 0 {
		return nil
	}
	rest, err := json.Marshal(members)
	if err != nil {
		return &chat.ParamError{Param: "output_config", Want: "an object"}
	}
	d.keep("output_config", rest)
	return nil
}

// format takes the schema of the answer. It has no name in this wire, and
// OpenAI's wants one. Strictness is not asked for, because OpenAI's refuses
// schemas with optional members then.
func (d *decoder) format(value []byte) error {
	if jsonx.IsNull(value) {
		return nil
	}
	var f struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	}
	if json.Unmarshal(value, &f) != nil || f.Type != chat.FormatJSONSchema || len(f.Schema) == 0 {
		return &chat.ParamError{Param: "output_config.format", Want: "an object with type json_schema and a schema"}
	}
	d.req.ResponseFormat = &chat.ResponseFormat{Type: f.Type, JSONSchema: &chat.JSONSchema{Name: "answer", Schema: f.Schema}}
	return nil
}
