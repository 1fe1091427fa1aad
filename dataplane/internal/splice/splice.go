// Package splice edits JSON values inside the bytes that hold them: members
// and elements are replaced, renamed or cut, and everything else, its order
// and its numbers included, stays as it was written. It is for the few requests
// and answers that can not pass as they are.
//
// It is pure functions. Values that are not well-formed are returned as they
// came: who reads them next says what is wrong.
package splice

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Edit is what happens to a member. The zero value leaves it.
type Edit struct {
	Value []byte // replaces the value
	Name  string // replaces the name
	Cut   bool
}

// Object edits the members of an object. Extra members, written as
// "name":value, go to its end. When nothing changes the result is data itself.
func Object(data []byte, edit func(name string, value []byte) Edit, extra ...[]byte) []byte {
	members, err := jsonx.Members(nil, data)
	if err != nil {
		return data
	}
	var changes []jsonx.Change
	for i := range members {
		m := &members[i]
		value := m.Value.Of(data)
		e := edit(string(m.Name), value)
		c := jsonx.Change{Index: i, Drop: e.Cut, Value: e.Value}
		if e.Name != "" {
			c.Name = jsonx.Quote(e.Name)
		}
		if c.Drop || c.Name != nil || c.Value != nil && !same(c.Value, value) {
			changes = append(changes, c)
		}
	}
	if len(changes) == 0 && len(extra) == 0 {
		return data
	}
	return bytes.Join(jsonx.Rewrite(nil, data, members, changes, extra...), nil)
}

// Member edits one member of an object.
func Member(data []byte, name string, edit func(value []byte) Edit) []byte {
	return Object(data, func(n string, value []byte) Edit {
		if n == name {
			return edit(value)
		}
		return Edit{}
	})
}

// List edits the elements of a list. A nil element is cut. When nothing
// changes the result is data itself.
func List(data []byte, edit func(element []byte) []byte) []byte {
	elements, ok := Elements(data)
	if !ok {
		return data
	}
	changed := false
	kept := elements[:0]
	for _, e := range elements {
		edited := edit(e)
		changed = changed || edited == nil || !same(edited, e)
		if edited != nil {
			kept = append(kept, edited)
		}
	}
	if !changed {
		return data
	}
	return Join(kept)
}

// Elements returns the elements of a list.
func Elements(data []byte) (elements []json.RawMessage, ok bool) {
	if len(data) == 0 || data[0] != '[' {
		return nil, false
	}
	err := json.Unmarshal(data, &elements)
	return elements, err == nil
}

// Join makes a list of elements.
func Join(elements []json.RawMessage) []byte {
	b := []byte{'['}
	for i, e := range elements {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e...)
	}
	return append(b, ']')
}

// NewMember writes a member for Object's extra.
func NewMember(name string, value []byte) []byte {
	return slices.Concat(jsonx.Quote(name), []byte{':'}, value)
}

// Encode is json.Marshal without the escapes that only HTML needs.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Text returns the text that a value is, or "" when it is none.
func Text(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	s, err := jsonx.Unquote(value)
	if err != nil {
		return ""
	}
	return s
}

// same reports whether two values are the same memory, or short and equal.
func same(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	return len(a) == 0 || &a[0] == &b[0] || bytes.Equal(a, b)
}

// Path leads into a value, as in tools[*].function.strict: names of members,
// positions in lists, and "*" for all of them.
type Path []string

// maxPath bounds the length of a path: each step reads what is below it again.
const maxPath = 32

// ParsePath reads a path as LiteLLM's additional_drop_params write it. A name
// that has a dot or a bracket can not be said. A path that is too long leads
// nowhere.
func ParsePath(s string) Path {
	var p Path
	for part := range strings.SplitSeq(s, ".") {
		name, rest, found := strings.Cut(part, "[")
		if name != "" {
			p = append(p, name)
		}
		for found {
			var index string
			index, rest, _ = strings.Cut(rest, "]")
			p = append(p, strings.Trim(index, `'"`))
			_, rest, found = strings.Cut(rest, "[")
		}
		if len(p) > maxPath {
			return nil
		}
	}
	return p
}

// Remove cuts what a path leads to. What it does not lead to stays.
func Remove(data []byte, p Path) []byte {
	if len(p) == 0 || len(data) == 0 {
		return data
	}
	switch data[0] {
	case '{':
		return Object(data, func(name string, value []byte) Edit {
			switch {
			case name != p[0] && p[0] != "*":
				return Edit{}
			case len(p) == 1:
				return Edit{Cut: true}
			}
			return Edit{Value: Remove(value, p[1:])}
		})
	case '[':
		at := -1
		return List(data, func(element []byte) []byte {
			at++
			switch {
			case p[0] != "*" && p[0] != strconv.Itoa(at):
				return element
			case len(p) == 1:
				return nil
			}
			return Remove(element, p[1:])
		})
	}
	return data
}
