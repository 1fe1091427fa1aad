// Package filter reads the filters of SCIM, and the paths of its changes, which
// may hold one: https://www.rfc-editor.org/rfc/rfc7644#section-3.4.2.2. It
// knows no attribute; that is for whoever asks. It owns no goroutine.
//
// Of the grammar it takes what identity providers send: comparisons with eq, co,
// sw, ew and pr that are joined by "and". Others are refused by name.
package filter

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// MaxLength is how many bytes a filter may have.
	MaxLength = 4096
	// MaxConditions is how many comparisons it may have.
	MaxConditions = 16
	// MaxDepth is how many brackets may be open in it at once.
	MaxDepth = 8
)

// ErrSyntax is what every refusal wraps.
var ErrSyntax = errors.New("invalid filter")

// Op is a comparison.
type Op string

// The comparisons.
const (
	Equal      Op = "eq"
	Contains   Op = "co"
	StartsWith Op = "sw"
	EndsWith   Op = "ew"
	Present    Op = "pr"
)

// Kind is the type of a value.
type Kind uint8

// The kinds of values.
const (
	None Kind = iota // of pr
	Text
	Bool
	Number
	Null
)

// Condition is one comparison. What stands in brackets behind an attribute is
// told by its whole name: emails[type eq "work"] is emails.type eq "work".
type Condition struct {
	// Attr is in lower case and without the name of a schema.
	Attr string
	Op   Op
	Kind Kind
	// Value is the text, or how a value of another kind is written.
	Value string
}

// Filter are conditions that all hold.
type Filter []Condition

// Path is where a change of a resource applies.
type Path struct {
	// Attr and Sub are in lower case; either may be empty.
	Attr string
	Sub  string
	// Of picks values of the attribute: the conditions name what is below it, such
	// as "value". Nil picks all.
	Of Filter
}

// Parse reads a filter.
func Parse(text string) (Filter, error) {
	p, err := newParser(text)
	if err != nil {
		return nil, err
	}
	if err := p.conjunction(""); err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, p.wrong("nothing more")
	}
	return p.all, nil
}

// ParsePath reads the path of a change. An empty one is the resource itself.
func ParsePath(text string) (Path, error) {
	p, err := newParser(text)
	if err != nil {
		return Path{}, err
	}
	if p.space(); p.at == len(p.text) {
		return Path{}, nil
	}
	name, err := p.name()
	if err != nil {
		return Path{}, err
	}
	path := Path{}
	path.Attr, path.Sub, _ = strings.Cut(name, ".")
	if path.Sub == "" && p.accept('[') {
		if err := p.picked(&path); err != nil {
			return Path{}, err
		}
	}
	if p.space(); p.at < len(p.text) || strings.Contains(path.Sub, ".") {
		return Path{}, p.wrong("the end of the path")
	}
	return path, nil
}

// picked reads the conditions of a path behind their bracket, and what of the values
// is meant.
func (p *parser) picked(path *Path) (err error) {
	if err := p.conjunction(""); err != nil {
		return err
	}
	if p.space(); !p.accept(']') {
		return p.wrong("]")
	}
	path.Of = p.all
	if p.accept('.') {
		path.Sub, err = p.name()
	}
	return err
}

func syntax(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrSyntax}, args...)...)
}
