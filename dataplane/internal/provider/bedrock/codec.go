package bedrock

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// codec translates chats to the Converse API. It is pure.
type codec struct {
	model *model
	// params are those of the deployment: the defaults of AWS's own settings.
	params map[string]json.RawMessage
	// dropped are members that no model gets.
	dropped map[string]bool
}

func newCodec(m *model, cfg *provider.Config) *codec {
	c := &codec{model: m, params: cfg.Params, dropped: map[string]bool{}}
	for _, name := range provider.Controls() {
		c.dropped[name] = true
	}
	// OpenAI's own, which mean nothing here.
	for _, name := range []string{
		"metadata", "store", "prediction", "verbosity", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "functions", "function_call", "extra_headers",
	} {
		c.dropped[name] = true
	}
	return c
}

// Params implements native.Chatter.
func (c *codec) Params() []string {
	known := []string{
		"tools", "tool_choice", "max_tokens", "max_completion_tokens", "stop", "response_format", "service_tier", "user",
	}
	if c.model.samples() {
		known = append(known, "temperature", "top_p")
	}
	switch c.model.family {
	case claude:
		known = append(known, "parallel_tool_calls")
		if c.model.thinks() {
			known = append(known, "thinking", "reasoning_effort")
		}
	case unknownFamily:
		known = append(known, "parallel_tool_calls", "thinking", "reasoning_effort")
	case nova:
		known = append(known, "web_search_options")
	case nova2:
		known = append(known, "web_search_options", "reasoning_effort")
	case gptOSS, openAI:
		known = append(known, "reasoning_effort")
	default:
	}
	return known
}

// Inline implements native.Inliner: AWS fetches from its own buckets alone.
func (c *codec) Inline(*chat.Part) bool { return true }

// translation is one request in the making.
type translation struct {
	model        *model
	req          *chat.Request
	wire         wireRequest
	inference    wireInference
	conversation conversation
	names        *toolNames
	toolList     []wireTool
	claudeTools  []json.RawMessage
	betas        []string
	// formatTool is the name of the tool whose arguments are the answer, as AWS
	// gets it.
	formatTool string
	thinks     bool
}

// Chat implements native.Chatter.
func (c *codec) Chat(req *chat.Request) (*native.Exchange, error) {
	t := &translation{model: c.model, req: req, names: newToolNames()}
	t.conversation.names = t.names
	if err := t.translate(c); err != nil {
		return nil, err
	}
	body, err := marshal(&t.wire)
	if err != nil {
		return nil, refuse("", "the request holds a member that is not JSON").Because(err)
	}
	r := reader{names: t.names, formatTool: t.formatTool}
	x := &native.Exchange{
		Request: native.Request{Path: c.model.path("converse"), Body: body},
		Whole:   r.whole, Stream: &decoder{reader: r}, Framing: frame.AWS(),
	}
	if req.Stream {
		x.Request.Path = c.model.path("converse-stream")
	}
	return x, nil
}

func (t *translation) translate(c *codec) error {
	t.limits()
	if err := t.conversation.read(t.req.Messages); err != nil {
		return err
	}
	if err := t.tools(); err != nil {
		return err
	}
	if err := t.reasoning(); err != nil {
		return err
	}
	if err := t.format(); err != nil {
		return err
	}
	t.wire.Messages, t.wire.System = t.conversation.messages, t.conversation.system
	t.wire.Tools = t.toolConfig()
	if err := t.extras(c); err != nil {
		return err
	}
	i := &t.inference
	if i.MaxTokens != nil || i.Temperature != nil || i.TopP != nil || i.Stop != nil {
		t.wire.Inference = i
	}
	return nil
}

func (t *translation) limits() {
	if n, ok := t.req.Limit(); ok {
		t.inference.MaxTokens = &n
	}
	t.inference.Temperature, t.inference.TopP = t.req.Temperature, t.req.TopP
	for _, s := range t.req.Stop {
		if s != "" { // AWS refuses it
			t.inference.Stop = append(t.inference.Stop, s)
		}
	}
	if k := t.req.TopK; k != nil && t.model.samples() {
		switch t.model.family {
		case claude, unknownFamily:
			t.additional("top_k", fmt.Append(nil, *k))
		case nova, nova2:
			t.additional("inferenceConfig", fmt.Appendf(nil, `{"topK":%d}`, *k))
		default: // LiteLLM leaves it out
		}
	}
}

// additional sets a parameter of the model's maker.
func (t *translation) additional(name string, value json.RawMessage) {
	if t.wire.Additional == nil {
		t.wire.Additional = map[string]json.RawMessage{}
	}
	t.wire.Additional[name] = value
}

// guardrail is AWS's setting of what may be asked and answered.
const guardrail = "guardrailConfig"

// setting returns where one of AWS's own settings goes.
func (t *translation) setting(name string) *json.RawMessage {
	switch name {
	case guardrail:
		return &t.wire.Guardrail
	case "performanceConfig":
		return &t.wire.Performance
	case "serviceTier":
		return &t.wire.ServiceTier
	case "requestMetadata":
		return &t.wire.Metadata
	case "promptVariables":
		return &t.wire.Variables
	case "outputConfig":
		return &t.wire.Output
	case "additionalModelResponseFieldPaths":
		return &t.wire.ResponsePaths
	}
	return nil
}

// extras takes what the client and the deployment say in AWS's own words; all
// else is for the model's maker.
func (t *translation) extras(c *codec) error {
	for name, value := range c.params {
		if to := t.setting(name); to != nil {
			*to = value
		}
	}
	if t.req.ServiceTier != "" {
		t.wire.ServiceTier = tier(t.req.ServiceTier)
	}
	for _, name := range slices.Sorted(maps.Keys(t.req.Extra)) {
		value := t.req.Extra[name]
		to := t.setting(name)
		switch {
		case c.dropped[name]:
		case to != nil:
			*to = value
		case name == "additionalModelRequestFields":
			if err := json.Unmarshal(value, &t.wire.Additional); err != nil {
				return &chat.ParamError{Param: name, Want: "an object"}
			}
		case name == "anthropic_beta":
			t.betas = append(t.betas, texts(value)...)
		case name == "inferenceConfig" && object(value):
			t.additional(name, merged(t.wire.Additional[name], value))
		default:
			t.additional(name, value)
		}
	}
	if own := c.params[guardrail]; object(own) {
		t.wire.Guardrail = own // what the deployment guards, no request unguards
	}
	t.betas = append(t.betas, texts(t.req.Anthropic["anthropic_beta"])...)
	return t.claudes()
}

// tier translates OpenAI's service_tier.
func tier(name string) json.RawMessage {
	if name == "auto" {
		name = "default"
	}
	return json.RawMessage(`{"type":` + string(quoted(name)) + `}`)
}

// claudes adds what Claude's own tools and betas need.
func (t *translation) claudes() error {
	if len(t.claudeTools) > 0 {
		raw, err := json.Marshal(t.claudeTools)
		if err != nil {
			return &chat.ParamError{Param: "tools", Want: "a list of tools"}
		}
		t.additional("tools", raw)
	}
	if betas := t.model.betas(t.betas); len(betas) > 0 {
		raw, err := json.Marshal(betas)
		if err != nil {
			return err
		}
		t.additional("anthropic_beta", raw)
	}
	return nil
}

// merged returns the members of both objects, those of the second one last.
func merged(a, b json.RawMessage) json.RawMessage {
	if len(a) < 3 || len(b) < 3 {
		return b
	}
	return json.RawMessage(strings.TrimSuffix(string(a), "}") + "," + strings.TrimPrefix(string(b), "{"))
}

// texts reads a text or a list of texts.
func texts(value json.RawMessage) []string {
	if len(value) == 0 {
		return nil
	}
	if s, err := jsonx.Unquote(value); err == nil {
		return strings.Split(s, ",")
	}
	var list []string
	if json.Unmarshal(value, &list) != nil {
		return nil
	}
	return list
}
