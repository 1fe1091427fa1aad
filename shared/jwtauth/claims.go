package jwtauth

import (
	"encoding/json"
	"strconv"
	"strings"
)

const (
	// maxDepth bounds the dots of a path.
	maxDepth = 16
	// maxValues bounds what is read of a list.
	maxValues = 256
	// maxText bounds one value: ids become parts of subjects.
	maxText = 256
)

// Claims are what a verified token says.
type Claims map[string]any

// path is the name of a claim, split at its dots.
type path []string

// newPath splits a name at its dots, but for those that are escaped.
func newPath(name string) path {
	if name == "" {
		return nil
	}
	var p path
	var part strings.Builder
	for i := 0; i < len(name); i++ {
		switch {
		case name[i] == '\\' && i+1 < len(name) && name[i+1] == '.':
			i++
			part.WriteByte('.')
		case name[i] == '.' && len(p) < maxDepth:
			p = append(p, part.String())
			part.Reset()
		default:
			part.WriteByte(name[i])
		}
	}
	return append(p, part.String())
}

// at returns what stands at a path, or nil.
func (c Claims) at(p path) any {
	if len(p) == 0 {
		return nil
	}
	var value any = map[string]any(c)
	for _, name := range p {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}

// text reads a claim that names somebody; "" is none, or none that can name.
func (c Claims) text(p path) string {
	s, _ := plain(c.at(p))
	return s
}

// list reads a claim that may have several values. Words of a text are values of
// their own where spaced is set, as those of a scope.
func (c Claims) list(p path, spaced bool) []string {
	switch v := c.at(p).(type) {
	case []any:
		var all []string
		for _, item := range v[:min(len(v), maxValues)] {
			if s, ok := plain(item); ok {
				all = append(all, s)
			}
		}
		return all
	case string:
		if spaced {
			all := strings.Fields(v)
			return all[:min(len(all), maxValues)]
		}
		if s, ok := plain(v); ok {
			return []string{s}
		}
	}
	return nil
}

// plain is a text or a number as text.
func plain(v any) (string, bool) {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case float64:
		s = strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		s = v.String()
	default:
		return "", false
	}
	if s == "" || len(s) > maxText {
		return "", false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return "", false
		}
	}
	return s, true
}
