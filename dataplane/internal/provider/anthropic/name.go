package anthropic

import (
	"strconv"
	"strings"
)

// maxName bounds the names of tools: ^[a-zA-Z0-9_-]{1,128}$.
const maxName = 128

// names maps the client's names of tools to those that Anthropic takes. Only
// names that differ are in it, and those that they must not collide with.
type names map[string]string

func nameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

// toVendor returns the name of a tool at Anthropic.
func (n names) toVendor(name string) string {
	if len(n) == 0 && valid(name) {
		return name
	}
	if known, ok := n[name]; ok {
		return known
	}
	if valid(name) {
		return name
	}
	clean := strings.Map(func(r rune) rune {
		if nameRune(r) {
			return r
		}
		return '_'
	}, name)
	if clean == "" {
		clean = "tool"
	}
	clean = clean[:min(len(clean), maxName)]
	unique := clean
	for i := 2; n.taken(unique); i++ {
		suffix := "_" + strconv.Itoa(i)
		unique = clean[:min(len(clean), maxName-len(suffix))] + suffix
	}
	n[name] = unique
	return unique
}

// keep remembers a name that others must not be changed to.
func (n names) keep(name string) {
	if valid(name) {
		n[name] = name
	}
}

func (n names) taken(name string) bool {
	for _, used := range n {
		if used == name {
			return true
		}
	}
	return false
}

func valid(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for _, r := range name {
		if !nameRune(r) {
			return false
		}
	}
	return true
}

// reversed returns the client's names by Anthropic's; nil when they are the
// same.
func (n names) reversed() map[string]string {
	var back map[string]string
	for client, vendor := range n {
		if client != vendor {
			if back == nil {
				back = map[string]string{}
			}
			back[vendor] = client
		}
	}
	return back
}
