package proxyconfig

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// join and index extend the path of a key.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// object reads the typed entries of a mapping. Absent, null and unresolvable
// entries read as the zero value; one of a wrong type does too and is reported.
type object struct {
	problems *problems
	node     *node // nil reads as an empty mapping
	path     string
	read     map[string]bool // the entries that a typed field now holds
}

// objectAt wraps n, which must be a mapping; null is an empty one.
func objectAt(p *problems, n *node, path string) *object {
	o := &object{problems: p, path: path, read: map[string]bool{}}
	switch {
	case n == nil || n.kind == nullKind:
	case n.kind == mapKind:
		o.node = n
	default:
		p.errorf(n.place(path), "expected a mapping, found %s", n.kind)
	}
	return o
}

// get returns an entry that is neither absent nor null.
func (o *object) get(key string) *node {
	if o.node == nil {
		return nil
	}
	n := o.node.find(key)
	if n == nil {
		return nil
	}
	o.read[key] = true
	if n.kind == nullKind {
		return nil
	}
	return n
}

// object returns an entry that is a mapping.
func (o *object) object(key string) *object {
	return objectAt(o.problems, o.get(key), join(o.path, key))
}

// wrong reports a value of the wrong type. The value itself stays out of it.
func (o *object) wrong(n *node, path, expected string) {
	found := n.kind.String()
	switch {
	case n.reference != nil:
		found = "something else in environment variable " + n.reference.name
	case n.kind == numberKind && strings.Contains(expected, "number"):
		found = "another one"
	case expected == "text" && (n.kind == numberKind || n.kind == boolKind):
		found += "; put it in quotes"
	}
	o.problems.errorf(n.place(path), "expected %s, found %s", expected, found)
}

// scalar returns an entry for a type other than text, unless it is a reference
// that could not be resolved: such an entry stays among the raw ones.
func (o *object) scalar(key string) *node {
	n := o.get(key)
	if n != nil && n.reference != nil && !n.reference.found {
		delete(o.read, key)
		return nil
	}
	return n
}

func (o *object) text(key string) string {
	n := o.get(key)
	switch {
	case n == nil:
		return ""
	case n.kind != textKind:
		o.wrong(n, join(o.path, key), "text")
		return ""
	default:
		return n.content()
	}
}

// label is a text that people write as a number, such as an id or a version.
func (o *object) label(key string) string {
	if n := o.get(key); n != nil && n.kind == numberKind {
		return n.text
	}
	return o.text(key)
}

// required is a text that must be there; missing tells what it is for.
func (o *object) required(key, missing string) string {
	n := o.get(key)
	switch {
	case n == nil:
		o.problems.errorf(o.node.place(o.path), "%s is missing: %s", key, missing)
	case n.kind == textKind && n.content() == "":
		o.problems.errorf(n.place(join(o.path, key)), "this is empty: %s", missing)
	}
	return o.text(key)
}

// secret is a credential that is passed on, which a reference is as well.
func (o *object) secret(key string) secret.String { return secret.New(o.text(key)) }

// ownSecret is a credential for this process itself: the reference to a
// variable that is not set is none, or it would work as a password.
func (o *object) ownSecret(key string) secret.String {
	if o.scalar(key) == nil {
		return secret.String{}
	}
	return o.secret(key)
}

// boolean takes the words of an environment variable as well.
func (o *object) boolean(key string) *bool {
	n := o.scalar(key)
	if n == nil {
		return nil
	}
	value := n.text
	if n.kind == textKind {
		value = strings.ToLower(n.content())
	}
	switch {
	case n.kind != boolKind && n.kind != textKind:
	case value == "true" || value == "yes" || value == "on" || value == "1":
		return new(true)
	case value == "false" || value == "no" || value == "off" || value == "0":
		return new(false)
	}
	o.wrong(n, join(o.path, key), "true or false")
	return nil
}

func (o *object) enabled(key string) bool {
	b := o.boolean(key)
	return b != nil && *b
}

// integer is a whole number from 0.
func (o *object) integer(key string) *int {
	n := o.scalar(key)
	if n == nil {
		return nil
	}
	i, ok := n.whole()
	if !ok || i < 0 {
		o.wrong(n, join(o.path, key), "a whole number that is not negative")
		return nil
	}
	return &i
}

// number is a number from 0.
func (o *object) number(key string) *float64 {
	n := o.scalar(key)
	if n == nil {
		return nil
	}
	f, ok := n.decimal()
	if !ok || f < 0 {
		o.wrong(n, join(o.path, key), "a number that is not negative")
		return nil
	}
	return &f
}

// seconds is a number of seconds; nil when there is none.
func (o *object) seconds(key string) *time.Duration {
	n := o.scalar(key)
	if n == nil {
		return nil
	}
	f, ok := n.decimal()
	nanos := f * float64(time.Second)
	if !ok || f < 0 || nanos >= math.MaxInt64 {
		o.wrong(n, join(o.path, key), "a number of seconds")
		return nil
	}
	return new(time.Duration(nanos))
}

// texts is a list of texts; a single text is a list of one.
func (o *object) texts(key string) []string {
	n := o.get(key)
	if n == nil {
		return nil
	}
	return o.textList(n, join(o.path, key))
}

func (o *object) textList(n *node, path string) []string {
	if n.kind == textKind {
		return []string{n.content()}
	}
	if n.kind != listKind {
		o.wrong(n, path, "a list of texts")
		return nil
	}
	var out []string
	for i, item := range n.items {
		if item.kind != textKind {
			o.wrong(item, index(path, i), "text")
			continue
		}
		out = append(out, item.content())
	}
	return out
}

// secrets is a mapping of names to credentials. Values that are not text are
// taken as they are written.
func (o *object) secrets(key string) map[string]secret.String {
	n := o.get(key)
	if n == nil {
		return nil
	}
	path := join(o.path, key)
	if n.kind != mapKind {
		o.wrong(n, path, "a mapping")
		return nil
	}
	out := make(map[string]secret.String, len(n.fields))
	for _, f := range n.fields {
		switch f.value.kind {
		case listKind, mapKind:
			o.wrong(f.value, join(path, f.key), "text")
		default:
			out[f.key] = secret.New(f.value.content())
		}
	}
	return out
}

// raw returns the whole mapping as JSON.
func (o *object) raw() Raw { return o.rawUnless(nil) }

// rest returns the entries that no typed field holds.
func (o *object) rest() Raw { return o.rawUnless(o.read) }

func (o *object) rawUnless(skip map[string]bool) Raw {
	out := Raw{}
	if o.node == nil {
		return out
	}
	for _, f := range o.node.fields {
		if !skip[f.key] {
			out[f.key] = encoding{}.raw(f.value)
		}
	}
	return out
}

// warnUnknown reports the keys that are not in known; elsewhere are the
// sections where people who misplace a key of this one mean to write. Keys in
// "x-" are nobody's: people put anchors there, as in compose files.
func (o *object) warnUnknown(known keySet, elsewhere ...section) {
	if o.node == nil {
		return
	}
	for _, f := range o.node.fields {
		if known.has(f.key) || strings.HasPrefix(f.key, "x-") {
			continue
		}
		at := Place{File: f.value.file, Line: f.line, Path: join(o.path, f.key)}
		o.problems.warnf(at, "unknown key%s", hint(f.key, known, elsewhere))
	}
}

func hint(key string, known keySet, elsewhere []section) string {
	for _, s := range elsewhere {
		if s.keys.has(key) {
			return "; it belongs into " + s.name
		}
	}
	if nearest, ok := config.Nearest(key, known); ok {
		return "; did you mean " + nearest + "?"
	}
	return ""
}
