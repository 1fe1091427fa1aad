package cache

import (
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// maxQuestion bounds a text that is compared by its meaning; a vector says
	// little of a longer one.
	maxQuestion = 32 << 10
	maxTurns    = 4096
)

// question is the part of a call that may be worded in another way: the last
// message, if it is the user's and all text. What was said before, instructions
// and all parameters have to be the same. LiteLLM compares the whole
// conversation by its meaning, in which a last question that turns it around
// hardly shows.
type question struct {
	member int    // of the call
	before []byte // the member up to the question, in compact form
	text   string
}

// questionOf finds the question of a call.
func questionOf(call *Call) (question, bool) {
	for i := range call.Members {
		m := &call.Members[i]
		switch name := string(m.Name); name {
		case "messages", "input", "contents", "prompt":
			q := question{member: i}
			return q, q.read(m.Value.Of(call.Body), name) && q.text != "" && len(q.text) <= maxQuestion
		}
	}
	return question{}, false
}

func (q *question) read(value []byte, name string) (ok bool) {
	if len(value) > 0 && value[0] == '"' && (name == "input" || name == "prompt") {
		q.text, ok = unquote(value)
		return ok
	}
	turns, ok := elements(value, maxTurns)
	if !ok || len(turns) == 0 {
		return false
	}
	last := turns[len(turns)-1]
	for _, turn := range turns[:len(turns)-1] {
		q.before = append(appendCompact(q.before, turn), '\n')
	}
	if name == "prompt" { // several prompts at once
		q.text, ok = unquote(last)
		return ok && len(turns) == 1
	}
	return q.turn(last, name == "contents")
}

// turn reads a message of the user. It has no other members than those that are
// known: what they say would be lost. user says that a message without a role
// is the user's.
func (q *question) turn(object []byte, user bool) bool {
	var (
		s    jsonx.Scanner
		text bool
	)
	s.Reset(object)
	for s.Next() {
		value := s.Value().Of(object)
		switch string(s.Key()) {
		case "role":
			user = string(value) == `"user"`
		case "type":
			if string(value) != `"message"` {
				return false
			}
		case "content", "parts":
			if q.text, text = contentText(value); !text {
				return false
			}
		default:
			return false
		}
	}
	return s.Err() == nil && user && text
}

// contentText is the text of a content that is nothing else.
func contentText(content []byte) (string, bool) {
	if len(content) > 0 && content[0] == '"' {
		return unquote(content)
	}
	parts, ok := elements(content, maxTurns)
	if !ok {
		return "", false
	}
	var all strings.Builder
	for i, part := range parts {
		text, ok := partText(part)
		if !ok {
			return "", false
		}
		if i > 0 {
			all.WriteByte('\n')
		}
		all.WriteString(text)
	}
	return all.String(), true
}

func partText(object []byte) (text string, ok bool) {
	var s jsonx.Scanner
	s.Reset(object)
	for s.Next() {
		value := s.Value().Of(object)
		switch string(s.Key()) {
		case "type":
			if kind := string(value); kind != `"text"` && kind != `"input_text"` {
				return "", false
			}
		case "text":
			if text, ok = unquote(value); !ok {
				return "", false
			}
		case "cache_control":
		default:
			return "", false
		}
	}
	return text, ok && s.Err() == nil
}

func unquote(value []byte) (string, bool) {
	text, err := jsonx.Unquote(value)
	return text, err == nil
}
