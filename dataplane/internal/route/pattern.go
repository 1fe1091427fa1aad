package route

import (
	"cmp"
	"slices"
	"strings"
)

// pattern is a name with stars in it. A star stands for any text, an empty one
// included.
type pattern struct {
	text  string
	parts []string // what stands between the stars
	group *Group
}

func newPattern(text string, g *Group) pattern {
	return pattern{text: text, parts: strings.Split(text, "*"), group: g}
}

// match returns the text of the first star.
func (p *pattern) match(name string) (star string, ok bool) {
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return "", false
	}
	rest := name[len(first) : len(name)-len(last)]
	star = rest
	for i, part := range p.parts[1 : len(p.parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return "", false
		}
		if i == 0 {
			star = rest[:at]
		}
		rest = rest[at+len(part):]
	}
	return star, true
}

// stars returns the texts of all stars of a name that matches.
func (p *pattern) stars(name string) []string {
	rest := name[len(p.parts[0]) : len(name)-len(p.parts[len(p.parts)-1])]
	var all []string
	for _, part := range p.parts[1 : len(p.parts)-1] {
		at := strings.Index(rest, part)
		all = append(all, rest[:at])
		rest = rest[at+len(part):]
	}
	return append(all, rest)
}

// fill puts the texts of a name's stars into the stars of a model. Where the
// model has fewer, it is the name as a whole that counts, as in LiteLLM.
func (p *pattern) fill(model, name string) string {
	parts := strings.Split(model, "*")
	if len(parts) == 1 {
		return model
	}
	stars := p.stars(name)
	if len(stars) > len(parts)-1 {
		return name
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for i, part := range parts[1:] {
		if i < len(stars) {
			b.WriteString(stars[i])
		} else {
			b.WriteByte('*')
		}
		b.WriteString(part)
	}
	return b.String()
}

// bySpecificity puts patterns with more literal text first, and among those
// the ones with fewer stars.
func bySpecificity(ps []pattern) {
	slices.SortFunc(ps, func(a, b pattern) int {
		literal := func(p pattern) int { return len(p.text) - strings.Count(p.text, "*") }
		return cmp.Or(cmp.Compare(literal(b), literal(a)), cmp.Compare(len(a.parts), len(b.parts)), cmp.Compare(a.text, b.text))
	})
}
