package proxyconfig

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// kind is what a node is in JSON.
type kind uint8

const (
	nullKind kind = iota
	boolKind
	numberKind
	textKind
	listKind
	mapKind
)

// String names the kind for an error message.
func (k kind) String() string {
	switch k {
	case boolKind:
		return "true or false"
	case numberKind:
		return "a number"
	case textKind:
		return "text"
	case listKind:
		return "a list"
	case mapKind:
		return "a mapping"
	default:
		return "nothing"
	}
}

// node is a value of the file: YAML with aliases and merge keys already
// followed, so that an anchored value is one node with several parents.
type node struct {
	kind   kind
	file   string
	line   int
	text   string // a scalar as written, "true" or "false" for a boolean
	number string // the same as a JSON number
	items  []*node
	fields []field // in the order of the file, the merged ones last

	reference *reference // what a text of the form os.environ/NAME stands for
	size      int        // about the bytes of the JSON with all aliases expanded
	depth     int        // levels below, this one included
}

// field is an entry of a mapping.
type field struct {
	key   string
	line  int
	value *node
}

func (n *node) place(path string) Place { return Place{File: n.file, Line: n.line, Path: path} }

// find returns the value of a key, or nil.
func (n *node) find(key string) *node {
	for _, f := range n.fields {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// content is a text with its reference followed, as far as it could be.
func (n *node) content() string {
	if n.reference != nil && n.reference.found {
		return n.reference.value
	}
	return n.text
}

// encoding is how a node is written as JSON: with references resolved for
// those who use the values, or as they stand for what must not depend on them.
type encoding struct{ asWritten bool }

func (e encoding) raw(n *node) json.RawMessage {
	var b bytes.Buffer
	b.Grow(n.size)
	e.write(&b, n)
	return b.Bytes()
}

// write appends canonical JSON: keys sorted, no white space.
func (e encoding) write(b *bytes.Buffer, n *node) {
	switch n.kind {
	case boolKind:
		b.WriteString(n.text)
	case numberKind:
		b.WriteString(n.number)
	case textKind:
		if e.asWritten {
			writeText(b, n.text)
		} else {
			writeText(b, n.content())
		}
	case listKind:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			e.write(b, item)
		}
		b.WriteByte(']')
	case mapKind:
		e.writeFields(b, n.fields)
	default:
		b.WriteString("null")
	}
}

func (e encoding) writeFields(b *bytes.Buffer, fields []field) {
	sorted := slices.SortedFunc(slices.Values(fields), func(a, b field) int { return strings.Compare(a.key, b.key) })
	b.WriteByte('{')
	for i, f := range sorted {
		if i > 0 {
			b.WriteByte(',')
		}
		writeText(b, f.key)
		b.WriteByte(':')
		e.write(b, f.value)
	}
	b.WriteByte('}')
}

func writeText(b *bytes.Buffer, text string) {
	quoted, err := json.Marshal(text)
	if err != nil { // never: a string always has a JSON form
		quoted = []byte("null")
	}
	b.Write(quoted)
}
