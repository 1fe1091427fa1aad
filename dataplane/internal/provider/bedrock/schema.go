package bedrock

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// strictSchema makes a schema one that Claude can be held to: objects are
// closed, and bounds, which are not enforced and so refused, become a note in
// the description. The order of members stays: the model answers in it.
// https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
func strictSchema(schema json.RawMessage) (json.RawMessage, error) {
	members, err := jsonx.Members(nil, schema)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	s := strict{schema: schema}
	for i := range members {
		if err := s.member(i, &members[i]); err != nil {
			return nil, err
		}
	}
	return slices.Concat(jsonx.Rewrite(nil, schema, members, s.changes, s.extra()...)...), nil
}

// strict is one schema in the making.
type strict struct {
	schema         []byte
	changes        []jsonx.Change
	notes          []string
	description    string // the client's
	described      int    // its place in changes
	object, closed bool
}

// extra are the members that the schema has to have and does not.
func (s *strict) extra() [][]byte {
	var extra [][]byte
	if s.object && !s.closed {
		extra = append(extra, []byte(`"additionalProperties":false`))
	}
	if len(s.notes) == 0 {
		return extra
	}
	note := "Note: " + strings.Join(s.notes, ", ") + "."
	if s.description == "" {
		return append(extra, append([]byte(`"description":`), jsonx.Quote(note)...))
	}
	s.changes[s.described].Value = jsonx.Quote(s.description + " " + note)
	return extra
}

func (s *strict) member(i int, m *jsonx.Member) error {
	value := m.Value.Of(s.schema)
	name := string(m.Name)
	switch name {
	case "type":
		s.object = s.object || strings.Contains(string(value), `"object"`)
	case "additionalProperties":
		s.closed = true
		s.changes = append(s.changes, jsonx.Change{Index: i, Value: []byte("false")})
	case "description":
		var err error
		if s.description, err = jsonx.Unquote(value); err != nil {
			return fmt.Errorf("schema: %w", err)
		}
		s.described = len(s.changes)
		s.changes = append(s.changes, jsonx.Change{Index: i})
	case "properties", "$defs", "definitions":
		s.object = s.object || name == "properties"
		return s.nested(i, value, eachMember)
	case "items", "not":
		if object(value) {
			return s.nested(i, value, strictSchema)
		}
	case "anyOf", "allOf", "oneOf", "prefixItems":
		return s.nested(i, value, eachElement)
	default:
		if bound := boundName(name); bound != "" {
			s.notes = append(s.notes, bound+": "+string(value))
			s.changes = append(s.changes, jsonx.Change{Index: i, Drop: true})
		}
	}
	return nil
}

func (s *strict) nested(i int, value json.RawMessage, rewrite func(json.RawMessage) (json.RawMessage, error)) error {
	strict, err := rewrite(value)
	if err != nil {
		return err
	}
	s.changes = append(s.changes, jsonx.Change{Index: i, Value: strict})
	return nil
}

// eachMember rewrites an object of schemas.
func eachMember(schemas json.RawMessage) (json.RawMessage, error) {
	members, err := jsonx.Members(nil, schemas)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	var changes []jsonx.Change
	for i := range members {
		value := members[i].Value.Of(schemas)
		if !object(value) {
			continue
		}
		strict, err := strictSchema(value)
		if err != nil {
			return nil, err
		}
		changes = append(changes, jsonx.Change{Index: i, Value: strict})
	}
	return slices.Concat(jsonx.Rewrite(nil, schemas, members, changes)...), nil
}

// eachElement rewrites a list of schemas.
func eachElement(list json.RawMessage) (json.RawMessage, error) {
	var schemas []json.RawMessage
	if err := json.Unmarshal(list, &schemas); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	for i := range schemas {
		if !object(schemas[i]) {
			continue
		}
		var err error
		if schemas[i], err = strictSchema(schemas[i]); err != nil {
			return nil, err
		}
	}
	return marshal(schemas)
}

// boundName says in words what a bound bounds, or "".
func boundName(keyword string) string {
	switch keyword {
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
	return ""
}
