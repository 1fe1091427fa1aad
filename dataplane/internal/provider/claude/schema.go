// Package claude holds what is true of Claude wherever it is hosted.
package claude

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// StrictSchema makes a schema one that Claude can be held to: objects are
// closed, and what can not be enforced is a note in the description instead.
// The order of members stays, because the model answers in it. A schema that
// is malformed is returned as it came, for the vendor to refuse.
// https://platform.claude.com/docs/en/build-with-claude/structured-outputs
func StrictSchema(schema json.RawMessage) json.RawMessage { return strictAt(schema, maxSchemaDepth) }

// maxSchemaDepth bounds the work that a client can cause with a small schema:
// each level is read once for all levels around it.
const maxSchemaDepth = 48

func strictAt(schema []byte, depth int) []byte {
	members, err := jsonx.Members(nil, schema)
	if err != nil || depth == 0 {
		return schema
	}
	s := strict{schema: schema, described: -1, depth: depth}
	for i := range members {
		s.look(i, &members[i])
	}
	for i := range members {
		s.member(i, &members[i])
	}
	extra := s.extra()
	slices.SortFunc(s.changes, func(a, b jsonx.Change) int { return a.Index - b.Index })
	return bytes.Join(jsonx.Rewrite(nil, schema, members, s.changes, extra...), nil)
}

// strict is one schema in the making.
type strict struct {
	schema  []byte
	depth   int
	changes []jsonx.Change
	notes   []string

	object, properties, reference, anyOf, closed bool
	// described is the index of the description, or -1.
	described   int
	description string
}

// look finds out what kind of schema it is.
func (s *strict) look(i int, m *jsonx.Member) {
	value := m.Value.Of(s.schema)
	switch string(m.Name) {
	case "type":
		s.object = s.object || bytes.Contains(value, []byte(`"object"`))
	case "properties":
		s.object, s.properties = true, true
	case "$ref":
		s.reference = true
	case "anyOf":
		s.anyOf = true
	case "description":
		s.described, s.description = i, splice.Text(value)
	}
}

func (s *strict) member(i int, m *jsonx.Member) {
	value := m.Value.Of(s.schema)
	name := string(m.Name)
	switch name {
	case "$defs", "definitions":
		s.set(i, s.each(value))
		return
	case "$ref":
		return
	}
	if s.reference { // nothing may stand beside one
		s.cut(i)
		return
	}
	switch name {
	case "properties":
		s.set(i, s.each(value))
	case "items", "not":
		s.set(i, s.nested(value))
	case "anyOf", "allOf":
		s.set(i, splice.List(value, s.nested))
	case "oneOf":
		s.oneOf(i, value)
	case "additionalProperties":
		s.additional(i, value)
	case "format":
		if !knownFormat(splice.Text(value)) {
			s.note(i, name, value)
		}
	case "minItems":
		if string(value) != "0" && string(value) != "1" {
			s.note(i, name, value)
		}
	case "$schema", "$id", "$comment":
		s.cut(i)
	case "type", "title", "description", "enum", "const", "required", "pattern", "default":
	default:
		s.note(i, name, value)
	}
}

func (s *strict) set(i int, value []byte) {
	s.changes = append(s.changes, jsonx.Change{Index: i, Value: value})
}

func (s *strict) cut(i int) { s.changes = append(s.changes, jsonx.Change{Index: i, Drop: true}) }

// oneOf becomes anyOf, which is enforced.
func (s *strict) oneOf(i int, value []byte) {
	if s.anyOf {
		s.cut(i)
		return
	}
	s.changes = append(s.changes, jsonx.Change{Index: i, Name: []byte(`"anyOf"`), Value: splice.List(value, s.nested)})
}

// additional closes objects. One that is a dictionary has nothing but
// additional properties, and stays so.
func (s *strict) additional(i int, value []byte) {
	s.closed = true
	if isObject(value) && !s.properties {
		s.set(i, s.nested(value))
		return
	}
	s.set(i, []byte("false"))
}

// note moves a keyword into the description.
func (s *strict) note(i int, name string, value []byte) {
	s.cut(i)
	s.notes = append(s.notes, keyword(name)+": "+string(value))
}

// extra returns the members that are added.
func (s *strict) extra() [][]byte {
	if s.reference {
		return nil
	}
	var extra [][]byte
	if s.object && !s.closed {
		extra = append(extra, []byte(`"additionalProperties":false`))
	}
	if len(s.notes) == 0 {
		return extra
	}
	text := "Note: " + strings.Join(s.notes, ", ") + "."
	if s.described < 0 {
		return append(extra, splice.NewMember("description", jsonx.Quote(text)))
	}
	s.set(s.described, jsonx.Quote(strings.TrimSpace(s.description+"\n\n"+text)))
	return extra
}

func (s *strict) nested(value []byte) []byte {
	if !isObject(value) {
		return value
	}
	return strictAt(value, s.depth-1)
}

// each rewrites an object of schemas.
func (s *strict) each(schemas []byte) []byte {
	return splice.Object(schemas, func(_ string, value []byte) splice.Edit { return splice.Edit{Value: s.nested(value)} })
}

// knownFormat reports whether the format of a text is enforced.
func knownFormat(format string) bool {
	switch format {
	case "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid":
		return true
	}
	return false
}

// keyword says in words what a keyword bounds.
func keyword(name string) string {
	switch name {
	case "minimum":
		return "minimum value"
	case "maximum":
		return "maximum value"
	case "exclusiveMinimum":
		return "exclusive minimum value"
	case "exclusiveMaximum":
		return "exclusive maximum value"
	case "minLength":
		return "minimum length"
	case "maxLength":
		return "maximum length"
	case "minItems":
		return "minimum number of items"
	case "maxItems":
		return "maximum number of items"
	case "multipleOf":
		return "multiple of"
	}
	return name
}

func isObject(value []byte) bool {
	value = bytes.TrimSpace(value)
	return len(value) > 0 && value[0] == '{'
}
