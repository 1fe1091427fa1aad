package proxyconfig

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

const (
	// maxExpanded bounds the bytes that a value would take with all its
	// aliases written out; without aliases no file comes near it.
	maxExpanded = 4 * maxBytes
	// maxMerged bounds the entries that merge keys copy in all.
	maxMerged = 1 << 18
	// maxKeyLength bounds a key in bytes, as keys are shown in messages.
	maxKeyLength = 512
	// maxChain bounds the depth that aliases of aliases reach.
	maxChain = 4 * maxDepth
)

// builder turns the syntax tree of one file into nodes.
type builder struct {
	file     string
	problems *problems
	anchors  map[string]*node // nil while the anchored value is being built
	merged   int
}

func (b *builder) errorf(line int, format string, args ...any) {
	b.problems.errorf(Place{File: b.file, Line: line}, format, args...)
}

// build never returns nil: what cannot be read is reported and is null.
func (b *builder) build(n ast.Node) *node {
	if n == nil {
		return &node{file: b.file, size: 4, depth: 1}
	}
	line := tokenLine(n.GetToken())
	switch v := n.(type) {
	case *ast.MappingNode:
		return b.mapping(line, v.Values)
	case *ast.MappingValueNode:
		return b.mapping(line, []*ast.MappingValueNode{v})
	case *ast.SequenceNode:
		return b.list(line, v.Values)
	case *ast.AnchorNode:
		return b.anchor(v)
	case *ast.AliasNode:
		return b.alias(line, v)
	case *ast.TagNode:
		return b.tagged(line, v)
	default:
		return b.scalar(line, n)
	}
}

func (b *builder) scalar(line int, n ast.Node) *node {
	out := &node{file: b.file, line: line, depth: 1}
	switch v := n.(type) {
	case *ast.NullNode:
	case *ast.BoolNode:
		out.kind, out.text = boolKind, strconv.FormatBool(v.Value)
	case *ast.IntegerNode:
		out.kind, out.text, out.number = numberKind, v.Token.Value, fmt.Sprint(v.Value)
	case *ast.FloatNode:
		number, err := json.Marshal(v.Value)
		if err != nil {
			b.errorf(line, "this number has no JSON form")
			break
		}
		out.kind, out.text, out.number = numberKind, v.Token.Value, string(number)
	case *ast.StringNode:
		out.kind, out.text = textKind, v.Value
		if value, ok := oldBool(v.Value); ok && v.Token.Type == token.StringType {
			out.kind, out.text = boolKind, value
		}
	case *ast.LiteralNode:
		out.kind, out.text = textKind, v.Value.Value
	case *ast.InfinityNode, *ast.NanNode:
		b.errorf(line, "expected a finite number")
	default:
		b.errorf(line, "this kind of YAML is not supported: %s", n.Type())
	}
	out.size = len(out.text) + len(out.number) + 4
	return out
}

// oldBool knows the words that are booleans in YAML 1.1, which is what LiteLLM
// reads, and text in YAML 1.2.
func oldBool(text string) (value string, ok bool) {
	switch text {
	case "yes", "Yes", "YES", "on", "On", "ON":
		return "true", true
	case "no", "No", "NO", "off", "Off", "OFF":
		return "false", true
	}
	return "", false
}

func (b *builder) list(line int, values []ast.Node) *node {
	out := &node{kind: listKind, file: b.file, line: line, items: make([]*node, 0, len(values))}
	for _, value := range values {
		item := b.build(value)
		out.items = append(out.items, item)
		out.adopt(item, 1)
	}
	return b.bounded(out)
}

func (b *builder) mapping(line int, values []*ast.MappingValueNode) *node {
	out := &node{kind: mapKind, file: b.file, line: line, fields: make([]field, 0, len(values))}
	lines := make(map[string]int, len(values))
	var merges []*node
	for _, v := range values {
		at := tokenLine(v.Key.GetToken())
		if v.Key.IsMergeKey() {
			merges = append(merges, b.build(v.Value))
			continue
		}
		key, ok := b.key(v.Key)
		value := b.build(v.Value)
		switch first, again := lines[key]; {
		case !ok:
		case again:
			b.errorf(at, "duplicate key %s, which stands on line %d already", key, first)
		default:
			lines[key] = at
			out.add(field{key, at, value})
		}
	}
	for _, source := range merges {
		b.merge(out, source, lines)
	}
	return b.bounded(out)
}

// add appends an entry and accounts for it.
func (n *node) add(f field) {
	n.fields = append(n.fields, f)
	n.adopt(f.value, len(f.key)+4)
}

func (n *node) adopt(child *node, extra int) {
	n.size += child.size + extra
	n.depth = max(n.depth, child.depth)
}

// bounded finishes a collection: it counts the level and refuses what aliases
// have grown beyond all measure.
func (b *builder) bounded(n *node) *node {
	n.size += 2
	n.depth++
	if n.size <= maxExpanded && n.depth <= maxChain {
		return n
	}
	b.errorf(n.line, "this value is too large once its aliases are written out")
	return &node{file: n.file, line: n.line, size: 4, depth: 1}
}

// merge copies what a merge key names, except for the keys that are there
// already: own keys win, and of several sources the first.
func (b *builder) merge(into, source *node, lines map[string]int) {
	switch source.kind {
	case mapKind:
		for _, f := range source.fields {
			if _, taken := lines[f.key]; taken {
				continue
			}
			if b.merged++; b.merged > maxMerged || len(into.fields) >= maxKeys {
				b.errorf(source.line, "merge keys copy too many entries")
				return
			}
			lines[f.key] = f.line
			into.add(f)
		}
	case listKind:
		for _, item := range source.items {
			if item.kind != mapKind {
				b.errorf(item.line, "a merge key (<<) takes mappings, found %s", item.kind)
				continue
			}
			b.merge(into, item, lines)
		}
	default:
		b.errorf(source.line, "a merge key (<<) takes a mapping or a list of them, found %s", source.kind)
	}
}

// key returns the text of a key that is fit for messages.
func (b *builder) key(n ast.Node) (string, bool) {
	key, ok := b.keyText(n)
	if len(key) > maxKeyLength {
		b.errorf(tokenLine(n.GetToken()), "a key has at most %d bytes", maxKeyLength)
		return "", false
	}
	return key, ok
}

// keyText returns the text of a key, which JSON wants whatever YAML calls it.
func (b *builder) keyText(n ast.Node) (string, bool) {
	if explicit, ok := n.(*ast.MappingKeyNode); ok { // "? key"
		n = explicit.Value
	}
	if text, ok := n.(*ast.StringNode); ok {
		return text.Value, true
	}
	key := b.build(n)
	switch key.kind {
	case nullKind:
		return "null", true
	case boolKind, numberKind, textKind:
		return key.text, true
	default:
		b.errorf(key.line, "a key must be text")
		return "", false
	}
}

func (b *builder) anchor(n *ast.AnchorNode) *node {
	name := n.Name.GetToken().Value
	b.anchors[name] = nil
	value := b.build(n.Value)
	b.anchors[name] = value
	return value
}

func (b *builder) alias(line int, n *ast.AliasNode) *node {
	name := n.Value.GetToken().Value
	value, known := b.anchors[name]
	switch {
	case value != nil:
		return value
	case known:
		b.errorf(line, "alias *%s stands inside of what it refers to", name)
	default:
		b.errorf(line, "alias *%s has no anchor &%s above it", name, name)
	}
	return &node{file: b.file, line: line, size: 4, depth: 1}
}

// tagged reads the tags of plain YAML; LiteLLM knows no others.
func (b *builder) tagged(line int, n *ast.TagNode) *node {
	value := b.build(n.Value)
	switch n.Start.Value {
	case "!!str":
		if value.kind < listKind {
			text := value.text
			return &node{kind: textKind, file: b.file, line: line, text: text, size: len(text) + 4, depth: 1}
		}
	case "!!null", "!!bool", "!!int", "!!float", "!!map", "!!seq":
		return value
	}
	b.errorf(line, "the tag %s is not supported here", n.Start.Value)
	return value
}

// whole returns a number or a numeric text as an integer.
func (n *node) whole() (int, bool) {
	literal := n.literal()
	if i, err := strconv.Atoi(literal); err == nil {
		return i, true
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return 0, false
	}
	return int(f), true
}

// decimal returns a number or a numeric text as a float.
func (n *node) decimal() (float64, bool) {
	f, err := strconv.ParseFloat(n.literal(), 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

func (n *node) literal() string {
	switch n.kind {
	case numberKind:
		return n.number
	case textKind:
		return n.content()
	default:
		return ""
	}
}
