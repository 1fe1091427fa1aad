package gemini

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	maxSchemaDepth = 48
	// maxSchema bounds what is looked into: each level is read anew.
	maxSchema = 256 << 10
	// smallSchema and maxGrowth bound what references may blow a schema up to.
	smallSchema = 64 << 10
	maxGrowth   = 4
)

// anything stands for what can not be said, or what was cut off.
const anything = `{"type":"object"}`

// cleanSchema turns a JSON schema into what Gemini's Schema knows, a part of
// OpenAPI 3.0: references are put in their places, null becomes nullable, and
// members that Gemini would refuse are left out. It reports false when
// something had to be cut off, as in a schema that holds itself.
// https://ai.google.dev/api/caching#Schema
func cleanSchema(raw json.RawMessage) (clean json.RawMessage, whole bool) {
	if len(raw) > maxSchema {
		return raw, false
	}
	c := cleaner{root: raw, whole: true, limit: max(smallSchema, maxGrowth*len(raw))}
	clean = c.schema(make([]byte, 0, len(raw)+len(raw)/4), raw, inherited{top: true})
	return clean, c.whole
}

type cleaner struct {
	root  []byte
	whole bool
	refs  []string // that are being put in their places
	depth int
	limit int
}

// inherited is what a schema gets from the one around it.
type inherited struct {
	top         bool
	nullable    bool
	description []byte
}

// node is one schema taken apart. Its members are parts of the document.
type node struct {
	kinds      []string // types but null
	nullable   bool
	ref        string
	describe   []byte
	format     []byte
	enum       []json.RawMessage
	items      []byte
	prefix     []json.RawMessage
	properties [][]byte
	required   []string
	union      []json.RawMessage // anyOf or oneOf
	all        []json.RawMessage
	others     []jsonx.Member // what Gemini takes as it is
	source     []byte         // of others
}

func (c *cleaner) schema(b, raw []byte, in inherited) []byte {
	if c.depth >= maxSchemaDepth || len(b) > c.limit {
		c.whole = false
		return append(b, anything...)
	}
	c.depth++
	held := len(c.refs)
	n := c.node(raw)
	b = c.write(b, n, in)
	c.refs = c.refs[:held]
	c.depth--
	return b
}

// node reads a schema, with what it refers to and what it is all of.
func (c *cleaner) node(raw []byte) *node {
	n := read(raw)
	for n.ref != "" && c.whole {
		if slices.Contains(c.refs, n.ref) || len(c.refs) > maxSchemaDepth {
			c.whole = false
			return &node{describe: n.describe, nullable: n.nullable}
		}
		c.refs = append(c.refs, n.ref)
		target := read(c.resolve(n.ref))
		target.takeOver(n)
		n = target
	}
	for i, part := range n.all {
		if i > maxSchemaDepth || c.depth+len(c.refs) > 2*maxSchemaDepth {
			c.whole = false
			break
		}
		c.depth++
		n.join(c.node(part))
		c.depth--
	}
	return n
}

// takeOver gives a definition what the one who refers to it says.
func (n *node) takeOver(from *node) {
	n.nullable = n.nullable || from.nullable
	if from.describe != nil {
		n.describe = from.describe
	}
}

// join adds another schema that holds as well.
func (n *node) join(o *node) {
	if len(n.kinds) == 0 {
		n.kinds = o.kinds
	}
	n.properties = append(n.properties, o.properties...)
	n.required = append(n.required, o.required...)
	n.nullable = n.nullable || o.nullable
	if n.describe == nil {
		n.describe = o.describe
	}
	if n.enum == nil {
		n.enum = o.enum
	}
	if n.format == nil {
		n.format = o.format
	}
	if n.items == nil && n.prefix == nil {
		n.items, n.prefix = o.items, o.prefix
	}
	if n.union == nil {
		n.union = o.union
	}
	if n.others == nil {
		n.others, n.source = o.others, o.source
	}
}

// read takes one schema apart; what is no object is any value.
func read(raw []byte) *node {
	n := &node{source: raw}
	var s jsonx.Scanner
	for s.Reset(raw); s.Next(); {
		value := s.Value().Of(raw)
		switch name := string(s.Key()); name {
		case "type":
			n.readType(value)
		case "nullable":
			n.nullable = n.nullable || string(value) == "true"
		case "$ref":
			n.ref, _ = jsonx.Unquote(value)
		case "description":
			n.describe = value
		case "format":
			n.format = value
		case "enum":
			n.enum = list(value)
		case "const":
			n.enum = []json.RawMessage{value}
		case "items":
			n.items = value
		case "prefixItems":
			n.prefix = list(value)
		case "properties":
			n.properties = append(n.properties, value)
		case "required":
			_ = json.Unmarshal(value, &n.required) // anything but a list of names demands nothing
		case "anyOf", "oneOf":
			n.union = append(n.union, list(value)...)
		case "allOf":
			n.all = list(value)
		case "title", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "pattern",
			"default", "example", "propertyOrdering":
			if !jsonx.IsNull(value) {
				n.others = append(n.others, jsonx.Member{Name: []byte(name), Value: s.Value()})
			}
		}
	}
	return n
}

func list(raw []byte) []json.RawMessage {
	var all []json.RawMessage
	_ = json.Unmarshal(raw, &all) // what is no list has no elements
	return all
}

func (n *node) readType(value []byte) {
	all := []json.RawMessage{value}
	if len(value) > 0 && value[0] == '[' {
		all = list(value)
	}
	for _, raw := range all {
		switch kind, err := jsonx.Unquote(raw); {
		case err != nil:
		case strings.EqualFold(kind, "null"):
			n.nullable = true
		default:
			n.kinds = append(n.kinds, kind)
		}
	}
}

// resolve finds what a reference inside of the document leads to.
func (c *cleaner) resolve(ref string) []byte {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok {
		c.whole = false
		return nil
	}
	at := c.root
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if name == "" {
			continue
		}
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
		at = jsonx.Lookup(at, name).Of(at)
	}
	if len(at) == 0 {
		c.whole = false
	}
	return at
}
