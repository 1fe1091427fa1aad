package gemini

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// The types of a schema.
const (
	objectType  = "object"
	arrayType   = "array"
	stringType  = "string"
	numberType  = "number"
	integerType = "integer"
)

// write writes a schema that was taken apart.
func (c *cleaner) write(b []byte, n *node, in inherited) []byte {
	in.nullable = in.nullable || n.nullable
	if n.describe != nil {
		in.description = n.describe
	}
	if len(n.properties) == 0 && n.items == nil {
		if members, some := n.alternatives(&in); some {
			return c.writeUnion(b, members, in)
		}
	}
	kind := n.kind()
	b = jsonx.AppendQuote(append(b, `{"type":`...), kind)
	if in.description != nil {
		b = append(append(b, `,"description":`...), in.description...)
	}
	if n.formatted(kind) {
		b = append(append(b, `,"format":`...), n.format...)
	}
	for i := range n.others {
		m := &n.others[i]
		b = append(jsonx.AppendQuote(append(b, ','), string(m.Name)), ':')
		b = append(b, m.Value.Of(n.source)...)
	}
	switch strings.ToLower(kind) {
	case stringType:
		b = n.writeEnum(b, &in.nullable)
	case arrayType:
		b = c.writeItems(b, n)
	case objectType:
		b = c.writeProperties(b, n, in.top)
	}
	if in.nullable {
		b = append(b, `,"nullable":true`...)
	}
	return append(b, '}')
}

// alternatives returns the members of a union, null aside.
func (n *node) alternatives(in *inherited) (members []json.RawMessage, some bool) {
	if len(n.union) == 0 && len(n.kinds) < 2 {
		return nil, false
	}
	for _, m := range n.union {
		if t := read(m); t.nullable && len(t.kinds) == 0 && t.ref == "" && len(t.union) == 0 || len(t.enum) == 1 && jsonx.IsNull(t.enum[0]) {
			in.nullable = true
			continue
		}
		members = append(members, m)
	}
	if len(n.union) == 0 {
		for _, kind := range n.kinds {
			members = append(members, append(jsonx.AppendQuote([]byte(`{"type":`), kind), '}'))
		}
	}
	return members, len(members) > 0
}

// writeUnion writes a union. Vertex AI wants nothing to stand beside an anyOf,
// so that what is said of the whole is said of each member.
func (c *cleaner) writeUnion(b []byte, members []json.RawMessage, in inherited) []byte {
	in.top = false
	if len(members) == 1 {
		return c.schema(b, members[0], in)
	}
	b = append(b, `{"anyOf":[`...)
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = c.schema(b, m, in)
	}
	return append(b, `]}`...)
}

// kind returns the one type, from the shape where it is not said.
func (n *node) kind() string {
	switch {
	case len(n.kinds) > 0 && len(n.properties) > 0 && slices.Contains(n.kinds, objectType):
		return objectType
	case len(n.kinds) > 0:
		return n.kinds[0]
	case n.items != nil || n.prefix != nil:
		return arrayType
	case slices.ContainsFunc(n.enum, func(v json.RawMessage) bool { return len(v) > 0 && v[0] == '"' }):
		return stringType
	}
	return objectType
}

// formatted reports whether Gemini knows the format.
func (n *node) formatted(kind string) bool {
	format, err := jsonx.Unquote(n.format)
	if err != nil {
		return false
	}
	switch strings.ToLower(kind) {
	case stringType:
		return format == "enum" || format == "date-time"
	case numberType:
		return format == "float" || format == "double"
	case integerType:
		return format == "int32" || format == "int64"
	}
	return false
}

// writeEnum writes the values that are texts; Gemini takes no others, and no
// empty ones.
func (n *node) writeEnum(b []byte, nullable *bool) []byte {
	start := len(b)
	for _, v := range n.enum {
		switch {
		case jsonx.IsNull(v):
			*nullable = true
		case len(v) > 2 && v[0] == '"':
			if len(b) == start {
				b = append(b, `,"enum":[`...)
			} else {
				b = append(b, ',')
			}
			b = append(b, v...)
		}
	}
	if len(b) > start {
		b = append(b, ']')
	}
	return b
}

func (c *cleaner) writeItems(b []byte, n *node) []byte {
	b = append(b, `,"items":`...)
	items := n.prefix
	switch {
	case len(n.items) > 0 && n.items[0] == '[': // a tuple, before 2020-12
		items = list(n.items)
	case len(n.items) > 0:
		return c.schema(b, n.items, inherited{})
	}
	if len(items) == 0 {
		return append(b, anything...)
	}
	return c.writeUnion(b, items, inherited{})
}

// writeProperties leaves out an empty list of properties inside of another:
// Gemini wants objects there to have some, or not to speak of them.
func (c *cleaner) writeProperties(b []byte, n *node, top bool) []byte {
	start := len(b)
	var names []string
	for _, object := range n.properties {
		var s jsonx.Scanner
		for s.Reset(object); s.Next(); {
			name := string(s.Key())
			if slices.Contains(names, name) {
				continue
			}
			if names = append(names, name); len(names) == 1 {
				b = append(b, `,"properties":{`...)
			} else {
				b = append(b, ',')
			}
			b = append(jsonx.AppendQuote(b, name), ':')
			b = c.schema(b, s.Value().Of(object), inherited{})
		}
	}
	switch {
	case len(b) > start:
		b = append(b, '}')
	case top && len(n.properties) > 0:
		return append(b, `,"properties":{}`...)
	}
	return writeRequired(b, n.required, names)
}

// writeRequired writes those names that there are.
func writeRequired(b []byte, required, names []string) []byte {
	start := len(b)
	for i, name := range required {
		if !slices.Contains(names, name) || slices.Contains(required[:i], name) {
			continue
		}
		if len(b) == start {
			b = append(b, `,"required":[`...)
		} else {
			b = append(b, ',')
		}
		b = jsonx.AppendQuote(b, name)
	}
	if len(b) > start {
		b = append(b, ']')
	}
	return b
}
