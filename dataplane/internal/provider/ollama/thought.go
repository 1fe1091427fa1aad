package ollama

import "strings"

const (
	openTag  = "<think>"
	closeTag = "</think>"
)

// thought tells the thoughts that a text begins with from the text, however
// the text is cut. Servers that know the model do it themselves.
type thought struct {
	state state
	held  string // may belong to a tag
}

type state uint8

const (
	beginning state = iota
	inside
	leaving // behind the thoughts, before the first text
	outside
)

// add takes the next piece and returns what is known of it.
func (t *thought) add(piece string) (reasoning, text string) {
	if t.state == outside {
		return "", piece
	}
	piece, t.held = t.held+piece, ""
	if t.state == beginning {
		trimmed := strings.TrimLeft(piece, " \r\n\t")
		switch {
		case strings.HasPrefix(trimmed, openTag):
			t.state, piece = inside, trimmed[len(openTag):]
		case strings.HasPrefix(openTag, trimmed):
			t.held = piece
			return "", ""
		default:
			t.state = outside
			return "", piece
		}
	}
	if t.state == inside {
		before, after, ended := strings.Cut(piece, closeTag)
		if !ended {
			n := overlap(piece, closeTag)
			t.held = piece[len(piece)-n:]
			return piece[:len(piece)-n], ""
		}
		t.state, reasoning, piece = leaving, before, after
	}
	text = strings.TrimLeft(piece, "\r\n")
	if text != "" {
		t.state = outside
	}
	return reasoning, text
}

// end returns what was held back.
func (t *thought) end() (reasoning, text string) {
	held := t.held
	t.held = ""
	if t.state == inside {
		return held, ""
	}
	return "", held
}

// overlap is how much of the end of s the tag may begin with.
func overlap(s, tag string) int {
	for n := min(len(s), len(tag)-1); n > 0; n-- {
		if strings.HasSuffix(s, tag[:n]) {
			return n
		}
	}
	return 0
}
