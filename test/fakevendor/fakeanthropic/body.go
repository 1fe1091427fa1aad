package fakeanthropic

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// body is https://docs.anthropic.com/en/api/messages
type body struct {
	Model         string          `json:"model"`
	MaxTokens     *int            `json:"max_tokens"`
	Stream        bool            `json:"stream"`
	System        json.RawMessage `json:"system"`
	Messages      []message       `json:"messages"`
	Tools         []tool          `json:"tools"`
	ToolChoice    *toolChoice     `json:"tool_choice"`
	Thinking      thinking        `json:"thinking"`
	Temperature   *float64        `json:"temperature"`
	TopP          *float64        `json:"top_p"`
	TopK          *int            `json:"top_k"`
	StopSequences []string        `json:"stop_sequences"`
	OutputConfig  struct {
		Effort string  `json:"effort"`
		Format *format `json:"format"`
	} `json:"output_config"`
	OutputFormat *format `json:"output_format"`
	Metadata     struct {
		UserID string `json:"user_id"`
	} `json:"metadata"`
	AnthropicVersion string `json:"anthropic_version"`

	newer bool // of the API's versions
}

type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

type tool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	InputSchema json.RawMessage `json:"input_schema"`
}

type toolChoice struct {
	Type                   string `json:"type"`
	Name                   string `json:"name"`
	DisableParallelToolUse bool   `json:"disable_parallel_tool_use"`
}

type thinking struct {
	Type         string `json:"type"`
	BudgetTokens int    `json:"budget_tokens"`
	Display      string `json:"display"`
}

func (t thinking) on() bool { return t.Type == "enabled" || t.Type == "adaptive" }

type format struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

// params are the members that a request may have, those of betas included.
func params() []string {
	return strings.Fields(`cache_control container context_management diagnostics fallbacks inference_geo max_tokens mcp_servers messages metadata model
		output_config service_tier speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p`)
}

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

const minBudget = 1024 // tokens

// check holds what does not depend on the messages.
func (b *body) check(e Endpoint) *fakevendor.Failure {
	switch {
	case e.cloud() && b.AnthropicVersion == "":
		return fakevendor.Refuse("anthropic_version: Field required")
	case b.Model == "":
		return fakevendor.Refuse("model: Field required")
	case !e.counts() && b.MaxTokens == nil:
		return fakevendor.Refuse("max_tokens: Field required")
	case b.MaxTokens != nil && *b.MaxTokens < 1:
		return fakevendor.Refuse("max_tokens: Input should be greater than or equal to 1")
	case b.Temperature != nil && (*b.Temperature < 0 || *b.Temperature > 1):
		return fakevendor.Refuse("temperature: Input should be less than or equal to 1")
	case slices.ContainsFunc(b.StopSequences, blank):
		return fakevendor.Refuse("stop_sequences: each stop sequence must contain non-whitespace")
	}
	for _, step := range []func() *fakevendor.Failure{b.checkThinking, b.checkTools, b.checkFormat} {
		if f := step(); f != nil {
			return f
		}
	}
	return nil
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func (b *body) checkThinking() *fakevendor.Failure {
	switch b.Thinking.Type {
	case "", "disabled", "adaptive", "between_tools":
		return nil
	case "enabled":
	default:
		return fakevendor.Refuse("thinking: Input tag '" + b.Thinking.Type + "' found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'")
	}
	forced := b.ToolChoice != nil && (b.ToolChoice.Type == "any" || b.ToolChoice.Type == "tool")
	switch {
	case b.Thinking.BudgetTokens < minBudget:
		return fakevendor.Refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
	case b.MaxTokens != nil && *b.MaxTokens <= b.Thinking.BudgetTokens:
		return fakevendor.Refuse("`max_tokens` must be greater than `thinking.budget_tokens`.")
	case b.Temperature != nil && *b.Temperature != 1:
		return fakevendor.Refuse("`temperature` may only be set to 1 when thinking is enabled.")
	case b.TopK != nil:
		return fakevendor.Refuse("`top_k` must be unset when thinking is enabled.")
	case forced:
		return fakevendor.Refuse("Thinking may not be enabled when tool_choice forces tool use.")
	}
	return nil
}

func (b *body) checkTools() *fakevendor.Failure {
	var names []string
	for i, t := range b.Tools {
		switch {
		case t.Type != "" && t.Type != "custom":
			continue // tools that the vendor has itself
		case !toolName.MatchString(t.Name):
			return fakevendor.Refuse(fmt.Sprintf("tools.%d.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", i))
		case len(t.InputSchema) == 0:
			return fakevendor.Refuse(fmt.Sprintf("tools.%d.custom.input_schema: Field required", i))
		case kindOf(t.InputSchema) != "object":
			return fakevendor.Refuse(fmt.Sprintf("tools.%d.custom.input_schema.type: Input should be 'object'", i))
		case slices.Contains(names, t.Name):
			return fakevendor.Refuse("tools: Tool names must be unique.")
		}
		names = append(names, t.Name)
	}
	c := b.ToolChoice
	switch {
	case c == nil:
		return nil
	case !slices.Contains([]string{"auto", "any", "tool", "none"}, c.Type):
		return fakevendor.Refuse("tool_choice: Input tag '" + c.Type + "' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'")
	case len(b.Tools) == 0:
		return fakevendor.Refuse("tool_choice: tool_choice may only be specified while providing tools.")
	case c.Type == "tool" && !slices.Contains(names, c.Name):
		return fakevendor.Refuse("Tool '" + c.Name + "' not found in provided tools")
	}
	return nil
}

func kindOf(schema json.RawMessage) any {
	var s struct {
		Type any `json:"type"`
	}
	if json.Unmarshal(schema, &s) != nil {
		return nil
	}
	return s.Type
}

func (b *body) checkFormat() *fakevendor.Failure {
	f := b.format()
	if f == nil {
		return nil
	}
	var schema struct {
		AdditionalProperties json.RawMessage `json:"additionalProperties"` //nolint:tagliatelle // JSON Schema's
	}
	switch {
	case f.Type != "json_schema":
		return fakevendor.Refuse("output_config.format.type: Input should be 'json_schema'")
	case json.Unmarshal(f.Schema, &schema) != nil:
		return fakevendor.Refuse("output_config.format.schema: Input should be a valid dictionary")
	case kindOf(f.Schema) == "object" && string(schema.AdditionalProperties) != "false":
		return fakevendor.Refuse("output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false")
	}
	return nil
}

func (b *body) format() *format {
	if b.OutputFormat != nil {
		return b.OutputFormat
	}
	return b.OutputConfig.Format
}

// unknown refuses members that are not in a list.
func unknown(object json.RawMessage, where string, known []string) *fakevendor.Failure {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return fakevendor.Refuse(where + "Input should be a valid dictionary or object to extract fields from")
	}
	for name := range members {
		if !slices.Contains(known, name) {
			return fakevendor.Refuse(where + name + ": Extra inputs are not permitted")
		}
	}
	return nil
}
