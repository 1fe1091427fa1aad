//nolint:tagliatelle // the names are the vendor's
package fakebedrock

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// body is https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
type body struct {
	Messages        []message `json:"messages"`
	System          []system  `json:"system"`
	InferenceConfig struct {
		MaxTokens     *int     `json:"maxTokens"`
		Temperature   *float64 `json:"temperature"`
		TopP          *float64 `json:"topP"`
		StopSequences []string `json:"stopSequences"`
	} `json:"inferenceConfig"`
	ToolConfig   *toolConfig                `json:"toolConfig"`
	Additional   map[string]json.RawMessage `json:"additionalModelRequestFields"`
	OutputConfig struct {
		TextFormat *struct {
			Type      string `json:"type"`
			Structure struct {
				JSONSchema struct {
					Schema string `json:"schema"`
				} `json:"jsonSchema"`
			} `json:"structure"`
		} `json:"textFormat"`
	} `json:"outputConfig"`
}

type system struct {
	Text       *string         `json:"text"`
	CachePoint json.RawMessage `json:"cachePoint"`
	Guard      json.RawMessage `json:"guardContent"`
}

type toolConfig struct {
	Tools []struct {
		ToolSpec *struct {
			Name        string  `json:"name"`
			Description *string `json:"description"`
			InputSchema struct {
				JSON json.RawMessage `json:"json"`
			} `json:"inputSchema"`
		} `json:"toolSpec"`
		CachePoint json.RawMessage `json:"cachePoint"`
		SystemTool json.RawMessage `json:"systemTool"`
	} `json:"tools"`
	ToolChoice map[string]struct {
		Name string `json:"name"`
	} `json:"toolChoice"`
}

// request is one for an answer.
type request struct {
	asked fakevendor.Asked
	model string
}

func readConverse(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	q := &request{model: c.Model}
	if f := q.read(c.Body); f != nil {
		return nil, f
	}
	return &fakevendor.Request{Asked: q.asked, Answer: q.answer, Stream: q.stream}, nil
}

func (q *request) read(raw []byte) *fakevendor.Failure {
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		f := invalid(err.Error())
		f.Kind = "SerializationException"
		return f
	}
	for _, step := range []func(*fakevendor.Asked) *fakevendor.Failure{b.readSystem, b.readTools, b.readInference, b.readAdditional, b.readMessages, b.readFormat} {
		if f := step(&q.asked); f != nil {
			return f
		}
	}
	return nil
}

func (b *body) readSystem(a *fakevendor.Asked) *fakevendor.Failure {
	var texts []string
	for i, s := range b.System {
		switch {
		case s.Text != nil && strings.TrimSpace(*s.Text) == "":
			return invalid(fmt.Sprintf("The text field in the SystemContentBlock object at system.%d is blank. Add text to the text field, and try again.", i))
		case s.Text != nil:
			texts = append(texts, *s.Text)
		case len(s.CachePoint)+len(s.Guard) == 0:
			return invalid(fmt.Sprintf("SystemContentBlock object at system.%d must set one of the following keys: text, guardContent, cachePoint.", i))
		}
	}
	a.System = strings.Join(texts, "\n")
	return nil
}

var identifier = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func (b *body) readTools(a *fakevendor.Asked) *fakevendor.Failure {
	if b.ToolConfig == nil {
		return nil
	}
	if len(b.ToolConfig.Tools) == 0 {
		return invalid("1 validation error detected: Value '[]' at 'toolConfig.tools' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	for i, t := range b.ToolConfig.Tools {
		spec := t.ToolSpec
		if spec == nil && len(t.CachePoint)+len(t.SystemTool) > 0 {
			continue
		}
		where := fmt.Sprintf("toolConfig.tools.%d", i)
		switch {
		case spec == nil:
			return invalid("Tool object at " + where + " must set one of the following keys: toolSpec, cachePoint, systemTool.")
		case !identifier.MatchString(spec.Name):
			return invalid("1 validation error detected: Value '" + spec.Name + "' at '" + where + ".member.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+")
		case !isObjectSchema(spec.InputSchema.JSON):
			return invalid("The value at " + where + ".toolSpec.inputSchema.json.type must be one of the following: object.")
		case spec.Description != nil && *spec.Description == "":
			return invalid("1 validation error detected: Value '' at '" + where + ".member.toolSpec.description' failed to satisfy constraint: Member must have length greater than or equal to 1")
		}
		tool := fakevendor.Tool{Name: spec.Name, Schema: spec.InputSchema.JSON}
		if spec.Description != nil {
			tool.Description = *spec.Description
		}
		a.Tools = append(a.Tools, tool)
	}
	return b.readChoice(a)
}

func isObjectSchema(schema json.RawMessage) bool {
	var s struct {
		Type any `json:"type"`
	}
	return json.Unmarshal(schema, &s) == nil && s.Type == "object"
}

func (b *body) readChoice(a *fakevendor.Asked) *fakevendor.Failure {
	choice := b.ToolConfig.ToolChoice
	if len(choice) > 1 {
		return invalid("ToolChoice object at toolConfig.toolChoice must set only one key.")
	}
	for mode, tool := range choice {
		switch mode {
		case "auto":
		case "any":
			a.Choice.Mode = "any"
		case "tool":
			if !slices.ContainsFunc(a.Tools, func(t fakevendor.Tool) bool { return t.Name == tool.Name }) {
				return invalid("The tool name in toolChoice does not match any tool in toolConfig.tools.")
			}
			a.Choice.Mode, a.Choice.Name = "tool", tool.Name
		default:
			return invalid("ToolChoice object at toolConfig.toolChoice must set one of the following keys: auto, any, tool.")
		}
	}
	return nil
}

func (b *body) readInference(a *fakevendor.Asked) *fakevendor.Failure {
	c := b.InferenceConfig
	out := func(f *float64) bool { return f != nil && (*f < 0 || *f > 1) }
	switch {
	case c.MaxTokens != nil && *c.MaxTokens < 1:
		return invalid("1 validation error detected: Value at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1")
	case out(c.Temperature):
		return invalid("1 validation error detected: Value at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1")
	case out(c.TopP):
		return invalid("1 validation error detected: Value at 'inferenceConfig.topP' failed to satisfy constraint: Member must have value less than or equal to 1")
	case slices.ContainsFunc(c.StopSequences, func(s string) bool { return strings.TrimSpace(s) == "" }):
		return invalid("The model returned the following errors: stop_sequences: each stop sequence must contain non-whitespace")
	}
	if c.MaxTokens != nil {
		a.MaxTokens = *c.MaxTokens
	}
	a.Temperature, a.TopP, a.Stop = c.Temperature, c.TopP, c.StopSequences
	return nil
}

// additional are the members that Anthropic's models take beside Converse's own.
func additional() []string {
	return strings.Fields(`thinking top_k anthropic_beta anthropic_version tool_choice tools output_config output_format metadata context_management reasoning_effort reasoningConfig inferenceConfig`)
}

// readAdditional reads what Anthropic's models take.
func (b *body) readAdditional(a *fakevendor.Asked) *fakevendor.Failure {
	for name := range b.Additional {
		if !slices.Contains(additional(), name) {
			return invalid("The model returned the following errors: Malformed input request: #: extraneous key [" + name + "] is not permitted, please reformat your input and try again.")
		}
	}
	var thinking struct {
		Type   string `json:"type"`
		Budget int    `json:"budget_tokens"`
	}
	if raw, ok := b.Additional["thinking"]; ok && json.Unmarshal(raw, &thinking) != nil {
		return invalid("The model returned the following errors: thinking: Input should be an object")
	}
	var choice struct {
		DisableParallelToolUse bool `json:"disable_parallel_tool_use"`
	}
	if raw, ok := b.Additional["tool_choice"]; ok && json.Unmarshal(raw, &choice) == nil {
		a.Choice.Single = choice.DisableParallelToolUse
	}
	a.Thinking = thinking.Type == "enabled" || thinking.Type == "adaptive"
	const minBudget = 1024
	switch {
	case thinking.Type != "enabled":
	case thinking.Budget < minBudget:
		return invalid("The model returned the following errors: thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
	case a.MaxTokens > 0 && a.MaxTokens <= thinking.Budget:
		return invalid("The model returned the following errors: `max_tokens` must be greater than `thinking.budget_tokens`.")
	case a.Temperature != nil && *a.Temperature != 1:
		return invalid("The model returned the following errors: `temperature` may only be set to 1 when thinking is enabled.")
	case a.Choice.Mode != "":
		return invalid("The model returned the following errors: Thinking may not be enabled when tool_choice forces tool use.")
	}
	return nil
}

func (b *body) readFormat(a *fakevendor.Asked) *fakevendor.Failure {
	f := b.OutputConfig.TextFormat
	if f == nil {
		return nil
	}
	schema := json.RawMessage(f.Structure.JSONSchema.Schema)
	if f.Type != "json_schema" || !json.Valid(schema) {
		return invalid("The value at outputConfig.textFormat.structure.jsonSchema.schema must be a JSON schema as a string.")
	}
	a.Schema = schema
	return nil
}
