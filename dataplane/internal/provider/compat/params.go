package compat

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// addQuirks puts the fixes of a deployment's quirks into the table of actions.
func (b *Backend) addQuirks(all map[string]action) {
	q := &b.quirks
	if m := newMessages(q); m.needed() {
		chain(all, "messages", m.fix)
	}
	if len(q.CutSchema) > 0 {
		chain(all, "tools", func(m *member) ([]byte, error) { return cutKeywords(m.value, q.CutSchema, false, maxSchemaDepth), nil })
	}
	if len(q.ToolChoice)+len(q.ToolChoiceOnly) > 0 || q.ToolChoiceNudge != "" {
		chain(all, "tool_choice", fixToolChoice)
	}
	if q.Temperature != nil || q.TemperatureOne {
		chain(all, "temperature", fixTemperature)
	}
	if q.StructuredOutput != catalog.StructuredNative {
		chain(all, "response_format", fixResponseFormat)
	}
	if q.StructuredWhole || q.StructuredOutput == catalog.StructuredByTool {
		chain(all, "stream", cutForReplay)
	}
	switch q.Thinking {
	case catalog.ThinkingTypeOnly:
		chain(all, "thinking", typeOnly("auto"))
	case catalog.ThinkingOnOff:
		chain(all, "thinking", typeOnly("enabled"))
	case catalog.ThinkingAsEffort:
		chain(all, "thinking", asEffort)
	case catalog.ThinkingAsReasoning:
		chain(all, "thinking", asReasoning)
	case catalog.ThinkingCut:
		chain(all, "thinking", func(m *member) ([]byte, error) {
			if m.b.allowed(m.call, "thinking") {
				return nil, nil
			}
			return cutIt, nil
		})
	case catalog.ThinkingAsPromptMode:
		chain(all, "thinking", asPromptMode)
		chain(all, "reasoning_effort", asPromptMode)
	case catalog.ThinkingNative:
	}
}

func cutForReplay(m *member) ([]byte, error) {
	if m.plan.replay {
		return cutIt, nil
	}
	return nil, nil
}

// cutKeywords cuts keywords of JSON schema out of a value, at any depth. The
// members of properties and their like are names that the user chose, and the
// value of an example is no schema.
func cutKeywords(value []byte, keywords []string, names bool, depth int) []byte {
	if len(value) == 0 || depth == 0 {
		return value
	}
	switch value[0] {
	case '[':
		return splice.List(value, func(e []byte) []byte { return cutKeywords(e, keywords, false, depth-1) })
	case '{':
		return splice.Object(value, func(name string, inner []byte) splice.Edit {
			if names {
				return splice.Edit{Value: cutKeywords(inner, keywords, false, depth-1)}
			}
			switch name {
			case "enum", "const", "default", "examples", "example":
				return splice.Edit{}
			case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas":
				return splice.Edit{Value: cutKeywords(inner, keywords, true, depth-1)}
			}
			if slices.Contains(keywords, name) {
				return splice.Edit{Cut: true}
			}
			return splice.Edit{Value: cutKeywords(inner, keywords, false, depth-1)}
		})
	}
	return value
}

// maxSchemaDepth bounds how deep tools are searched: each level is read again.
const maxSchemaDepth = 48

func fixToolChoice(m *member) ([]byte, error) {
	q := &m.b.quirks
	word := splice.Text(m.value)
	if q.ToolChoiceNudge != "" && word == chat.ChooseRequired {
		return cutIt, nil // a message says it instead
	}
	for _, r := range q.ToolChoice {
		if r.From == word {
			return jsonx.Quote(r.To), nil
		}
	}
	if len(q.ToolChoiceOnly) > 0 && !jsonx.IsNull(m.value) && !slices.Contains(q.ToolChoiceOnly, word) {
		return m.refused()
	}
	return nil, nil
}

func fixTemperature(m *member) ([]byte, error) {
	t, err := strconv.ParseFloat(string(m.value), 64)
	if err != nil {
		return nil, nil //nolint:nilerr // the vendor's to refuse
	}
	if m.b.quirks.TemperatureOne && t != 1 {
		return m.refused()
	}
	r := m.b.quirks.Temperature
	if r == nil {
		return nil, nil
	}
	low := r.Min
	if r.Several > low && jsonx.Int(m.call.Lookup("n")) > 1 {
		low = r.Several
	}
	bounded := max(t, low)
	if r.Max > 0 {
		bounded = min(bounded, r.Max)
	}
	if bounded == t {
		return nil, nil
	}
	return strconv.AppendFloat(nil, bounded, 'g', -1, 64), nil
}

func fixResponseFormat(m *member) ([]byte, error) {
	kind := splice.Text(jsonx.Lookup(m.value, "type").Of(m.value))
	switch m.b.quirks.StructuredOutput {
	case catalog.StructuredWrapped:
		if kind == chat.FormatJSONSchema && jsonx.Lookup(m.value, "json_schema").Empty() {
			return wrapped(m.value), nil
		}
	case catalog.StructuredSchemaOnly:
		switch kind {
		case chat.FormatJSONSchema:
		case chat.FormatText:
			return cutIt, nil // it says nothing
		default:
			return m.refused()
		}
	case catalog.StructuredByTool:
		if m.plan.byTool {
			return cutIt, nil
		}
		if kind == chat.FormatJSONSchema {
			return m.refused()
		}
	case catalog.StructuredNative:
	}
	return nil, nil
}

// wrapped brings a schema to where OpenAI has it.
func wrapped(format []byte) []byte {
	schema := jsonx.Lookup(format, "schema").Of(format)
	if len(schema) == 0 {
		return format
	}
	return splice.Object(format, func(name string, _ []byte) splice.Edit {
		return splice.Edit{Cut: name == "schema"}
	}, slices.Concat([]byte(`"json_schema":{"schema":`), schema, []byte("}")))
}

// typeOnly sends Anthropic's thinking parameter without its budget, and
// another word for adaptive.
func typeOnly(adaptive string) fix {
	return func(m *member) ([]byte, error) {
		if _, ok := thinking(m.value); !ok {
			return nil, nil
		}
		return splice.Object(m.value, func(name string, value []byte) splice.Edit {
			switch name {
			case "budget_tokens", "display":
				return splice.Edit{Cut: true}
			case "type":
				if string(value) == `"adaptive"` {
					return splice.Edit{Value: jsonx.Quote(adaptive)}
				}
			}
			return splice.Edit{}
		}), nil
	}
}

func thinking(value []byte) (t chat.Thinking, ok bool) {
	return t, json.Unmarshal(value, &t) == nil && t.Type != ""
}

// The budgets from which on thinking is more than low, and more than medium.
const (
	mediumBudget = 2048
	highBudget   = 4096
)

// asEffort says a thinking parameter as reasoning_effort.
func asEffort(m *member) ([]byte, error) {
	t, ok := thinking(m.value)
	if ok && m.call.Lookup("reasoning_effort") == nil {
		effort := "high"
		switch {
		case t.Type == "disabled":
			effort = "none"
		case t.BudgetTokens != nil && *t.BudgetTokens < mediumBudget:
			effort = "low"
		case t.BudgetTokens != nil && *t.BudgetTokens < highBudget:
			effort = "medium"
		}
		m.addEffort([]byte(`"` + effort + `"`))
	}
	return cutIt, nil
}

// addEffort adds an effort, in the words of the row.
func (m *member) addEffort(effort []byte) {
	a := m.b.edits.chat["reasoning_effort"]
	if a.verb == cut || a.verb == refuse {
		return
	}
	if a.verb == fixed {
		if with, err := a.fix(&member{b: m.b, call: m.call, plan: m.plan, value: effort}); err == nil && len(with) > 0 {
			effort = with
		}
	}
	m.plan.extra = append(m.plan.extra, splice.NewMember("reasoning_effort", effort))
}

// asReasoning says a thinking parameter as OpenRouter's reasoning.
// https://openrouter.ai/docs/use-cases/reasoning-tokens
func asReasoning(m *member) ([]byte, error) {
	t, ok := thinking(m.value)
	if ok && m.call.Lookup("reasoning") == nil && m.call.Lookup("reasoning_effort") == nil {
		with := `"reasoning":{"enabled":true}`
		switch {
		case t.Type == "disabled":
			with = `"reasoning":{"enabled":false}`
		case t.BudgetTokens != nil:
			with = `"reasoning":{"max_tokens":` + strconv.FormatInt(*t.BudgetTokens, 10) + "}"
		}
		m.plan.extra = append(m.plan.extra, []byte(with))
	}
	return cutIt, nil
}

// asPromptMode asks models that always think, or never, by the prompt that the
// vendor puts in front.
func asPromptMode(m *member) ([]byte, error) {
	t, _ := thinking(m.value)
	off := t.Type == "disabled" || splice.Text(m.value) == "none"
	if !off && m.call.Lookup("prompt_mode") == nil && len(m.plan.extra) == 0 {
		m.plan.extra = append(m.plan.extra, []byte(`"prompt_mode":"reasoning"`))
	}
	return cutIt, nil
}
