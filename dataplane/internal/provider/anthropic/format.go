package anthropic

import (
	"encoding/json"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/claude"
)

// formatTool is LiteLLM's name of the tool whose arguments are the answer.
const formatTool = "json_tool_call"

// structure asks for an answer that keeps to a schema. Models that do not
// offer that are given a tool with the schema, and its arguments are the
// answer. An object without a schema is left to the prompt, as in LiteLLM.
func (t *translation) structure() error {
	schema := t.req.OutputSchema()
	if t.req.ResponseFormat == nil || len(schema) == 0 {
		return nil
	}
	if !isObject(schema) {
		return &chat.ParamError{Param: "response_format", Want: "a JSON schema"}
	}
	if t.traits.schemas {
		t.format = slices.Concat([]byte(`{"type":"json_schema","schema":`), claude.StrictSchema(schema), []byte("}"))
		return nil
	}
	t.formatByTool(schema)
	return nil
}

func (t *translation) formatByTool(schema json.RawMessage) {
	tool := &wireTool{Name: formatTool, InputSchema: inputSchema(schema)}
	if f := t.req.ResponseFormat.JSONSchema; f != nil {
		tool.Description = f.Description
	}
	switch thinks := t.wire.Thinking != nil && t.wire.Thinking.Type != thinkingDisabled; {
	case thinks: // Anthropic refuses to force a model that thinks
	case len(t.wire.Tools) > 0 && (t.req.ToolChoice == nil || t.req.ToolChoice.Mode != chat.ChooseNone):
		t.wire.ToolChoice = &wireToolChoice{Type: "any"}
	default:
		t.wire.ToolChoice = &wireToolChoice{Type: "tool", Name: formatTool}
	}
	t.wire.Tools = append(t.wire.Tools, tool)
	t.reading.format = true
}
