package tokencount

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// maxSchemaDepth bounds how deep a schema is written out.
	maxSchemaDepth = 16
	// maxTools bounds the text that tools are written out to, in bytes.
	maxTools = MaxExact + 1
)

// schema is what counts of a JSON schema.
type schema struct {
	Type        json.RawMessage   `json:"type"`
	Description string            `json:"description"`
	Enum        []json.RawMessage `json:"enum"`
	Items       json.RawMessage   `json:"items"`
	Properties  json.RawMessage   `json:"properties"`
	Required    []string          `json:"required"`
	AnyOf       []json.RawMessage `json:"anyOf"` //nolint:tagliatelle // JSON Schema's name
}

// namespace writes functions as OpenAI's models are shown them: as TypeScript
// in a namespace. That is known from counting, not from documentation.
func namespace(tools []Tool) string {
	w := &typeWriter{}
	w.add("namespace functions {\n\n")
	for i := range tools {
		w.function(&tools[i])
	}
	w.add("} // namespace functions")
	return string(w.out)
}

type typeWriter struct{ out []byte }

func (w *typeWriter) add(parts ...string) {
	for _, p := range parts {
		if len(w.out)+len(p) <= maxTools {
			w.out = append(w.out, p...)
		}
	}
}

func (w *typeWriter) function(t *Tool) {
	if t.Description != "" {
		w.add("// ", t.Description, "\n")
	}
	s, ok := parse(t.Parameters)
	if !ok || !hasMembers(s.Properties) {
		w.add("type ", t.Name, " = () => any;\n\n")
		return
	}
	w.add("type ", t.Name, " = (_: {\n")
	w.properties(&s, 0)
	w.add("}) => any;\n\n")
}

func parse(raw []byte) (schema, bool) {
	var s schema
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

func hasMembers(object []byte) bool {
	var s jsonx.Scanner
	s.Reset(object)
	return len(object) > 0 && s.Next()
}

func (w *typeWriter) properties(of *schema, depth int) {
	required := map[string]bool{}
	for _, name := range of.Required {
		required[name] = true
	}
	var s jsonx.Scanner
	s.Reset(of.Properties)
	for s.Next() {
		p, ok := parse(s.Value().Of(of.Properties))
		if !ok {
			continue
		}
		name := string(s.Key())
		if p.Description != "" && depth == 0 {
			w.add("// ", p.Description, "\n")
		}
		mark := "?"
		if required[name] {
			mark = ""
		}
		w.add(name, mark, ": ")
		w.kind(&p, depth+1)
		w.add(",\n")
	}
}

// kind writes the TypeScript type of a schema.
func (w *typeWriter) kind(s *schema, depth int) {
	switch {
	case depth > maxSchemaDepth:
		w.add("any")
	case len(s.AnyOf) > 0:
		w.union(s.AnyOf, depth)
	case len(s.Enum) > 0:
		for i, value := range s.Enum {
			if i > 0 {
				w.add(" | ")
			}
			w.add(string(value))
		}
	default:
		w.named(s, depth)
	}
}

func (w *typeWriter) union(of []json.RawMessage, depth int) {
	for i, raw := range of {
		if i > 0 {
			w.add(" | ")
		}
		if s, ok := parse(raw); ok {
			w.kind(&s, depth+1)
		}
	}
}

func (w *typeWriter) named(s *schema, depth int) {
	var name string
	if json.Unmarshal(s.Type, &name) != nil {
		name = "any"
	}
	switch name {
	case "integer", "number":
		w.add("number")
	case "string", "boolean", "null":
		w.add(name)
	case "array":
		items, ok := parse(s.Items)
		if !ok {
			w.add("any[]")
			return
		}
		w.kind(&items, depth+1)
		w.add("[]")
	case "object":
		w.add("{\n")
		w.properties(s, depth)
		w.add("}")
	default:
		w.add("any")
	}
}
