package mock

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// walker steps over the elements of a JSON array that is known to be valid.
type walker struct {
	rest  []byte
	value []byte
}

// walk starts a walk; anything but an array has no elements.
func walk(array []byte) walker {
	if len(array) < 2 || array[0] != '[' {
		return walker{}
	}
	return walker{rest: array[1 : len(array)-1]}
}

func (w *walker) next() bool {
	w.rest = bytes.TrimLeft(w.rest, ", \t\r\n")
	if len(w.rest) == 0 {
		return false
	}
	end := valueEnd(w.rest)
	w.value, w.rest = w.rest[:end], w.rest[end:]
	return true
}

// valueEnd returns the length of the value that b starts with.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += stringEnd(b[i+1:])
			if depth == 0 {
				return min(i+1, len(b))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return max(i, 1)
			}
		}
	}
	return len(b)
}

// stringEnd returns the position behind the closing quote of a string without
// its opening one.
func stringEnd(b []byte) int {
	for i := 0; i < len(b); {
		quote := bytes.IndexByte(b[i:], '"')
		if quote < 0 {
			break
		}
		i += quote
		slashes := i - len(bytes.TrimRight(b[:i], `\`))
		if i++; slashes%2 == 0 {
			return i
		}
	}
	return len(b)
}

// unquote decodes a JSON string; anything else is empty.
func unquote(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	s, err := jsonx.Unquote(value)
	if err != nil {
		return ""
	}
	return s
}

// stringLen is the length of what unquote returns, without decoding the usual
// string.
func stringLen(value []byte) int {
	if len(value) < 2 || value[0] != '"' {
		return 0
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return len(value) - 2
	}
	return len(unquote(value))
}

// appendString appends s as a JSON string. Like the vendor it escapes only
// what JSON demands.
func appendString(dst []byte, s string) []byte {
	return append(appendEscaped(append(dst, '"'), s), '"')
}

func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			dst = append(dst, `\ufffd`...)
		}
		i += size
		start = i
	}
	return append(dst, s[start:]...)
}

// cutter cuts a text into the pieces of a stream.
type cutter struct {
	text  string
	pos   int
	count int
	// pieces is how many there will be; 0 cuts in front of each word.
	pieces int
}

func (c *cutter) next() (piece string, ok bool) {
	if c.pieces > 0 && c.count == c.pieces || c.pieces == 0 && c.pos == len(c.text) {
		return "", false
	}
	c.count++
	end := len(c.text)
	switch {
	case c.pieces > 0:
		end = len(c.text) * c.count / c.pieces
		for end < len(c.text) && !utf8.RuneStart(c.text[end]) {
			end++
		}
	case c.count < maxChunks:
		end = wordEnd(c.text, c.pos)
	}
	piece, c.pos = c.text[c.pos:end], end
	return piece, true
}

// wordEnd returns the position behind the word from pos; the space in front
// belongs to it.
func wordEnd(s string, pos int) int {
	for pos < len(s) && isSpace(s[pos]) {
		pos++
	}
	for pos < len(s) && !isSpace(s[pos]) {
		pos++
	}
	return pos
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// stretch repeats a text that is too short to be cut into that many pieces.
func stretch(text string, pieces int) string {
	if text == "" || len(text) >= pieces {
		return text
	}
	const gap = " "
	return strings.Repeat(text+gap, pieces/(len(text)+len(gap))) + text
}
