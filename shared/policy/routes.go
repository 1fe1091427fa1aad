package policy

import (
	"slices"
	"strings"
)

// Routes is a list of allowed routes, prepared so that a path is held against it
// without an allocation. The zero value allows everything.
//
// An item is a path, which stands for what is below it too, a prefix that ends
// in '*', or the name of a group. Such a list only narrows: what a role does
// not open, no item opens.
type Routes struct {
	narrowed bool
	own      paths
	groups   []*paths
}

// paths are routes in the form in which they are looked up.
type paths struct {
	// below holds what is itself allowed, and all that is below it.
	below map[string]struct{}
	// prefixes end anywhere.
	prefixes []string
	// templates have a parameter in the middle.
	templates [][]string
}

// NewRoutes prepares a list; an empty one allows everything.
func NewRoutes(list []string) Routes {
	r := Routes{narrowed: len(list) > 0}
	for _, item := range list {
		if g := group(item); g != nil {
			r.groups = append(r.groups, g)
			continue
		}
		r.own.add(item)
	}
	return r
}

// All reports whether nothing is narrowed.
func (r *Routes) All() bool { return !r.narrowed }

// Allow reports whether a path is among the routes.
func (r *Routes) Allow(path string) bool {
	if !r.narrowed || r.own.has(path) {
		return true
	}
	for _, g := range r.groups {
		if g.has(path) {
			return true
		}
	}
	return false
}

// AllowPassThrough reports whether a route of the config file is among the
// routes: by its path, or because all that calls a model or a vendor is.
func (r *Routes) AllowPassThrough(path string) bool {
	return r.Allow(path) || slices.Contains(r.groups, group(llmRoutes))
}

func (p *paths) add(item string) {
	prefix, wild := strings.CutSuffix(item, "*")
	switch {
	case item == "":
	case wild:
		p.prefixes = append(p.prefixes, prefix)
	case strings.Contains(item, "{"):
		p.templates = append(p.templates, strings.Split(item, "/"))
	default:
		if p.below == nil {
			p.below = map[string]struct{}{}
		}
		p.below[item] = struct{}{}
	}
}

func (p *paths) has(path string) bool {
	if len(p.below) > 0 && p.hasBelow(path) {
		return true
	}
	for _, prefix := range p.prefixes {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	for _, t := range p.templates {
		if matches(t, path) {
			return true
		}
	}
	return false
}

// hasBelow looks up the path and what it is below.
func (p *paths) hasBelow(path string) bool {
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '/') {
		if _, ok := p.below[path[:end]]; ok {
			return true
		}
	}
	return false
}

// matches holds a path against a template, segment by segment: {name} stands
// for one.
func matches(template []string, path string) bool {
	for i, want := range template {
		segment, rest, more := strings.Cut(path, "/")
		if want != segment && (segment == "" || !strings.HasPrefix(want, "{")) || more != (i < len(template)-1) {
			return false
		}
		path = rest
	}
	return true
}
