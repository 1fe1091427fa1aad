package anthropic

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

// tools reads the tools that the model may call.
func (d *decoder) tools(value []byte) error {
	var raws []json.RawMessage
	if err := take("tools", "a list of tools", value, &raws); err != nil {
		return err
	}
	for _, raw := range raws {
		var t tool
		if json.Unmarshal(raw, &t) != nil || t.Name == "" && t.Type == "" {
			return &chat.ParamError{Param: "tools", Want: "a list of tools"}
		}
		d.tool(&t, raw)
	}
	return nil
}

func (d *decoder) tool(t *tool, raw json.RawMessage) {
	switch {
	case t.Type == "" || t.Type == "custom":
		d.req.Tools = append(d.req.Tools, chat.Tool{
			Type: chat.FunctionTool, CacheControl: t.CacheControl, DeferLoading: t.DeferLoading, EagerInputStreaming: t.EagerInputStreaming,
			AllowedCallers: t.AllowedCallers, InputExamples: t.InputExamples,
			Function: &chat.FunctionDef{Name: t.Name, Description: t.Description, Parameters: t.InputSchema, Strict: t.Strict},
		})
	case t.search() && d.req.WebSearchOptions == nil:
		d.search = t.Name
		d.req.WebSearchOptions = &chat.WebSearchOptions{SearchContextSize: searchSize(t.MaxUses), UserLocation: userLocation(t.UserLocation), Tool: raw}
	default:
		d.req.Tools = append(d.req.Tools, chat.Tool{Type: t.Type, Raw: raw})
	}
}

// searchSize says in OpenAI's words how much a model may search: LiteLLM's
// translation, backwards.
func searchSize(uses *int64) string {
	switch {
	case uses == nil:
		return ""
	case *uses <= 1:
		return "low"
	case *uses <= 5:
		return "medium"
	}
	return "high"
}

// userLocation nests what stands beside the type, as OpenAI does.
func userLocation(raw json.RawMessage) json.RawMessage {
	var place map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &place) != nil || len(place) == 0 {
		return nil
	}
	delete(place, "type")
	b, err := json.Marshal(map[string]any{"type": "approximate", "approximate": place})
	if err != nil {
		return nil
	}
	return b
}

// toolChoice reads whether and what the model has to call.
func (d *decoder) toolChoice(value []byte) error {
	var c struct {
		Type            string `json:"type"`
		Name            string `json:"name"`
		DisableParallel bool   `json:"disable_parallel_tool_use"`
	}
	if err := take("tool_choice", "an object", value, &c); err != nil {
		return err
	}
	choice := &chat.ToolChoice{}
	switch c.Type {
	case "auto":
		choice.Mode = chat.ChooseAuto
	case "any":
		choice.Mode = chat.ChooseRequired
	case "none":
		choice.Mode = chat.ChooseNone
	case "tool":
		choice.Function = c.Name
	default:
		return &chat.ParamError{Param: "tool_choice.type", Want: "auto, any, tool or none"}
	}
	d.req.ToolChoice = choice
	if c.DisableParallel {
		d.req.ParallelToolCalls = new(false)
	}
	return nil
}
