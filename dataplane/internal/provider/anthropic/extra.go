package anthropic

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

func cloneWith(m map[string]json.RawMessage, name string, value json.RawMessage) map[string]json.RawMessage {
	c := make(map[string]json.RawMessage, len(m)+1)
	maps.Copy(c, m)
	c[name] = value
	return c
}

// openAIOnly are hints of OpenAI's clients that have no field in the internal
// form and whose loss does not change the answer.
func openAIOnly(name string) bool {
	switch name {
	case "store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "verbosity", "prediction":
		return true
	}
	return false
}

// takeExtra takes the members that have no field in the internal form: those
// of Anthropic's pass, with the betas that they need.
func (t *translation) takeExtra() {
	if len(t.req.Extra) == 0 && len(t.req.Anthropic) == 0 {
		return
	}
	t.extra = map[string]json.RawMessage{}
	for _, all := range []map[string]json.RawMessage{t.req.Anthropic, t.req.Extra} {
		for _, name := range slices.Sorted(maps.Keys(all)) { // betas in the same order each time
			t.takeMember(name, all[name])
		}
	}
}

func (t *translation) takeMember(name string, value json.RawMessage) {
	switch name {
	case extraBetas:
		t.betas = append(t.betas, betaNames(value)...)
		return
	case "metadata":
		if id, err := jsonx.Unquote(jsonx.Lookup(value, "user_id").Of(value)); err == nil && t.wire.Metadata == nil && !personal(id) {
			t.wire.Metadata = &wireMetadata{UserID: id}
		}
		return
	case "mcp_servers":
		var servers []json.RawMessage
		if json.Unmarshal(value, &servers) == nil {
			t.wire.MCPServers = append(t.wire.MCPServers, servers...)
			t.betas = append(t.betas, betaMCP)
			return
		}
	case "context_management":
		value = contextEdits(value)
		t.betas = append(t.betas, editBetas(value)...)
	case "speed":
		if string(value) == `"fast"` {
			t.betas = append(t.betas, betaFast)
		}
	case "output_format":
		t.betas = append(t.betas, betaStructuredOutputs)
	default:
		if openAIOnly(name) {
			return
		}
	}
	t.extra[name] = value
}

// betaNames reads a list of betas, or a text that is one.
func betaNames(value json.RawMessage) []string {
	var list []string
	if json.Unmarshal(value, &list) == nil {
		return split(list)
	}
	text, err := jsonx.Unquote(value)
	if err != nil {
		return nil
	}
	return split([]string{text})
}

// contextEdits translates OpenAI's list of compactions. Anthropic's own object
// passes.
func contextEdits(value json.RawMessage) json.RawMessage {
	var list []struct {
		Type      string `json:"type"`
		Threshold *int64 `json:"compact_threshold"`
	}
	if json.Unmarshal(value, &list) != nil {
		return value
	}
	type trigger struct {
		Type  string `json:"type"`
		Value int64  `json:"value"`
	}
	type edit struct {
		Type    string   `json:"type"`
		Trigger *trigger `json:"trigger,omitempty"`
	}
	var out struct {
		Edits []edit `json:"edits"`
	}
	for _, l := range list {
		if l.Type != "compaction" {
			continue
		}
		e := edit{Type: "compact_20260112"}
		if l.Threshold != nil {
			e.Trigger = &trigger{"input_tokens", *l.Threshold}
		}
		out.Edits = append(out.Edits, e)
	}
	b, err := marshal(out)
	if err != nil {
		return value
	}
	return b
}

// editBetas returns the betas of the edits in a context_management.
func editBetas(value json.RawMessage) []string {
	var in struct {
		Edits []struct {
			Type string `json:"type"`
		} `json:"edits"`
	}
	if json.Unmarshal(value, &in) != nil {
		return nil
	}
	var betas []string
	for _, e := range in.Edits {
		if e.Type == "compact_20260112" {
			betas = append(betas, betaCompact)
		} else {
			betas = append(betas, betaContextManagement)
		}
	}
	return betas
}

// keepNames remembers the names that need no change, where others do.
func (t *translation) keepNames() {
	for i := range t.req.Tools {
		if f := t.req.Tools[i].Function; f != nil && !valid(f.Name) {
			for j := range t.req.Tools {
				if other := t.req.Tools[j].Function; other != nil {
					t.names.keep(other.Name)
				}
			}
			return
		}
	}
}
