package bedrock

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/anthropic"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// invokePath is where a body of the model's maker goes.
func (m *model) invokePath(stream bool) string {
	if stream {
		return m.path("invoke-with-response-stream")
	}
	return m.path("invoke")
}

// invoker translates chats to the body of the model's maker, which AWS wraps.
type invoker struct {
	native.Chatter

	model  *model
	params map[string]json.RawMessage
	// body makes the maker's body one of Bedrock's.
	body func(body []byte) ([]byte, error)
}

// newInvoker returns the codec of a model that is called by its maker's body.
func newInvoker(m *model, cfg *provider.Config) *invoker {
	i := &invoker{model: m, params: cfg.Params}
	if m.route == invokeOpenAI {
		i.Chatter, i.body = openAICodec{m}, withoutRoute
		return i
	}
	i.Chatter = anthropic.NewCodec(anthropic.Options{
		Model: m.id, TraitsOf: m.name, ModelInPath: true, StreamInPath: true, BodyVersion: bedrockVersion, BodyBetas: true, InlineURLs: true,
		Budgets: anthropic.NewBudgets(cfg),
	})
	i.body = func(body []byte) ([]byte, error) {
		members, err := jsonx.Members(nil, body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		return m.claudeBody(body, members, nil), nil
	}
	return i
}

// Inline implements native.Inliner: AWS fetches nothing.
func (i *invoker) Inline(*chat.Part) bool { return true }

// Chat implements native.Chatter.
func (i *invoker) Chat(req *chat.Request) (*native.Exchange, error) {
	settings, extra := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	maps.Copy(settings, i.params)
	for name, value := range req.Extra {
		switch {
		case !isSetting(name):
			extra[name] = value
		case name != guardrail || !object(i.params[guardrail]): // what the deployment guards, no request unguards
			settings[name] = value
		}
	}
	if req.ServiceTier != "" {
		settings["serviceTier"] = tier(req.ServiceTier)
	}
	req.Extra, req.ServiceTier = extra, ""
	x, err := i.Chatter.Chat(req)
	if err != nil {
		return nil, err
	}
	if x.Request.Body, err = i.body(x.Request.Body); err != nil {
		return nil, err
	}
	x.Request.Path, x.Request.Header, x.Framing = i.model.invokePath(req.Stream), invokeHeader(settings), frame.AWS()
	if x.Stream != nil {
		x.Stream = wrapped{x.Stream}
	}
	return x, nil
}

// isSetting tells AWS's settings, which are header fields here.
func isSetting(name string) bool {
	return slices.Contains([]string{guardrail, "performanceConfig", "serviceTier"}, name)
}

// invokeHeader writes the settings that the Converse API has in its body:
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_RequestSyntax
func invokeHeader(settings map[string]json.RawMessage) []upstream.Field {
	var fields []upstream.Field
	add := func(name, setting, member string) {
		object := settings[setting]
		if value, err := jsonx.Unquote(jsonx.Lookup(object, member).Of(object)); err == nil && value != "" {
			fields = append(fields, upstream.Field{Name: name, Value: value})
		}
	}
	add("X-Amzn-Bedrock-GuardrailIdentifier", guardrail, "guardrailIdentifier")
	add("X-Amzn-Bedrock-GuardrailVersion", guardrail, "guardrailVersion")
	add("X-Amzn-Bedrock-PerformanceConfig-Latency", "performanceConfig", "latency")
	add("X-Amzn-Bedrock-Service-Tier", "serviceTier", "type")
	trace := settings[guardrail]
	if value, err := jsonx.Unquote(jsonx.Lookup(trace, "trace").Of(trace)); err == nil && value != "" {
		fields = append(fields, upstream.Field{Name: "X-Amzn-Bedrock-Trace", Value: strings.ToUpper(value)})
	}
	return fields
}

// wrapped takes the maker's events out of AWS's messages.
type wrapped struct{ native.Decoder }

// Frame implements native.Decoder.
func (w wrapped) Frame(f *frame.Frame, c *chat.Chunk) error {
	if f.Exception != "" {
		return exception(f)
	}
	event, err := inner(f)
	if err != nil || event == nil {
		return err
	}
	return w.Decoder.Frame(&frame.Frame{Data: event}, c)
}

// openAICodec is for models whose own body is OpenAI's: gpt-oss, and imported
// models behind that API.
type openAICodec struct{ model *model }

// Params implements native.Chatter.
func (openAICodec) Params() []string {
	return []string{
		"tools", "tool_choice", "parallel_tool_calls", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed", "frequency_penalty",
		"presence_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format", "reasoning_effort", "service_tier", "user",
	}
}

// Chat implements native.Chatter.
func (o openAICodec) Chat(req *chat.Request) (*native.Exchange, error) {
	body, err := req.Encode()
	if err != nil {
		return nil, err
	}
	return &native.Exchange{Request: native.Request{Body: body}, Whole: chat.DecodeResponse, Stream: &openAIDecoder{}}, nil
}

// withoutRoute cuts what stands in the path, or speaks to the gateway.
func withoutRoute(body []byte) ([]byte, error) {
	members, err := jsonx.Members(nil, body)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	cut := append(provider.Controls(), "model", "stream", "stream_options", "metadata", "store")
	var changes []jsonx.Change
	for i := range members {
		if slices.Contains(cut, string(members[i].Name)) {
			changes = append(changes, jsonx.Change{Index: i, Drop: true})
		}
	}
	return slices.Concat(jsonx.Rewrite(nil, body, members, changes)...), nil
}

// openAIDecoder reads OpenAI's chunks; AWS adds what was used to the last one.
type openAIDecoder struct{ done bool }

// Done implements native.Decoder.
func (d *openAIDecoder) Done() bool { return d.done }

// Frame implements native.Decoder.
func (d *openAIDecoder) Frame(f *frame.Frame, c *chat.Chunk) error {
	if string(f.Data) == "[DONE]" {
		d.done = true
		return nil
	}
	if err := chat.DecodeChunk(f.Data, c); err != nil {
		return err
	}
	for i := range c.Deltas {
		d.done = d.done || c.Deltas[i].FinishReason != ""
	}
	if used := jsonx.Lookup(f.Data, metrics).Of(f.Data); len(used) > 0 && !c.HasUsage {
		c.Usage.Input, c.Usage.Output = count(used, "inputTokenCount"), count(used, "outputTokenCount")
		c.HasUsage = true
	}
	return nil
}

func count(object []byte, name string) int64 { return jsonx.Int(jsonx.Lookup(object, name).Of(object)) }
