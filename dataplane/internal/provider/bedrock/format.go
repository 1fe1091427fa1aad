package bedrock

import (
	"bytes"
	"encoding/json"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	anthropics "github.com/tianjillm/tianjillm/dataplane/internal/provider/claude"
)

// formatToolName is LiteLLM's name of the tool whose arguments are the answer.
const formatToolName = "json_tool_call"

// structured reports whether the model keeps to a schema by itself:
// https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
func (m *model) structured() bool { return m.family == claude && m.version.atLeast(4, 5) }

// format asks for an answer that keeps to a schema. Models that cannot are
// given a tool with that schema, and its arguments are the answer. An object
// without a schema is left to the prompt, as in LiteLLM.
func (t *translation) format() error {
	schema := t.req.OutputSchema()
	if !object(schema) {
		return nil
	}
	name, description := formatToolName, ""
	if f := t.req.ResponseFormat.JSONSchema; f != nil {
		description = f.Description
		if f.Name != "" {
			name = f.Name
		}
	}
	if t.model.structured() {
		return t.outputConfig(name, description, schema)
	}
	t.formatTool = t.names.toVendor(name)
	t.toolList = append(t.toolList, wireTool{Spec: &wireToolSpec{
		Name: t.formatTool, Description: description, InputSchema: wireInputSchema{JSON: withType(schema)},
	}})
	return nil
}

// outputConfig is AWS's own way; the schema goes as text.
func (t *translation) outputConfig(name, description string, schema json.RawMessage) error {
	var format struct {
		TextFormat struct {
			Type      string `json:"type"`
			Structure struct {
				JSONSchema struct {
					Schema      string `json:"schema"`
					Name        string `json:"name,omitempty"`
					Description string `json:"description,omitempty"`
				} `json:"jsonSchema"` //nolint:tagliatelle // AWS's name
			} `json:"structure"`
		} `json:"textFormat"` //nolint:tagliatelle // AWS's name
	}
	format.TextFormat.Type = chat.FormatJSONSchema
	var compact bytes.Buffer
	if err := json.Compact(&compact, anthropics.StrictSchema(schema)); err != nil {
		return &chat.ParamError{Param: "response_format", Want: "a JSON schema"}
	}
	s := &format.TextFormat.Structure.JSONSchema
	s.Schema, s.Name, s.Description = compact.String(), identifier(name), description
	var err error
	t.wire.Output, err = marshal(format)
	return err
}

// formatChoice makes the model answer through the tool, or through one of the
// client's. Claude refuses to be forced while it thinks.
func (t *translation) formatChoice() *wireToolChoice {
	switch {
	case t.thinks || !t.model.takesToolChoice():
		return nil
	case len(t.req.Tools) > 0 || t.model.family == mistral: // which takes no name
		return &wireToolChoice{Any: &struct{}{}}
	}
	return &wireToolChoice{Tool: &wireSystemTool{Name: t.formatTool}}
}
