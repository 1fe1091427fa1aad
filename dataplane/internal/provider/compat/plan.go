package compat

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// plan is what a call needs that is more than the edits of its members. The
// zero value is most calls'.
type plan struct {
	// replay asks for a whole answer and gives it as a stream.
	replay bool
	// byTool asks for structured output as the arguments of a tool.
	byTool bool
	extra  [][]byte
	// after reads the vendor's answer; nil passes it through.
	after func(*upstream.Response) (provider.Reply, error)
}

// toolName is LiteLLM's name of the tool whose arguments are the answer.
const toolName = "json_tool_call"

func (b *Backend) plan(call *provider.Call, p *plan) {
	if call.Surface == provider.ChatCompletions && (b.quirks.StructuredWhole || b.quirks.StructuredOutput == catalog.StructuredByTool) {
		b.planStructured(call, p)
	}
	answered := b.answer != nil && b.answer.concerns(call.Surface)
	if answered || p.replay || p.byTool {
		surface, stream, replay, byTool := call.Surface, call.Stream, p.replay, p.byTool
		p.after = func(resp *upstream.Response) (provider.Reply, error) {
			return b.read(resp, reading{surface: surface, stream: stream, replay: replay, byTool: byTool})
		}
	}
}

// planStructured decides how a schema is asked for.
func (b *Backend) planStructured(call *provider.Call, p *plan) {
	format := call.Lookup("response_format")
	kind := splice.Text(jsonx.Lookup(format, "type").Of(format))
	if kind == "" || kind == chat.FormatText {
		return
	}
	p.replay = b.quirks.StructuredWhole && call.Stream
	if b.quirks.StructuredOutput != catalog.StructuredByTool || kind != chat.FormatJSONSchema || call.Lookup("tools") != nil {
		return // a client's own tools can not be forced aside
	}
	schema := jsonx.Lookup(format, "json_schema").Of(format)
	schema = jsonx.Lookup(schema, "schema").Of(schema)
	tool, err := json.Marshal(chat.Tool{Type: chat.FunctionTool, Function: &chat.FunctionDef{Name: toolName, Parameters: schema}})
	if err != nil || len(schema) == 0 {
		return
	}
	p.byTool, p.replay = true, call.Stream
	p.extra = [][]byte{
		splice.NewMember("tools", splice.Join([]json.RawMessage{tool})),
		[]byte(`"tool_choice":{"type":"function","function":{"name":"` + toolName + `"}}`),
	}
}
