// Package jsonx reads and edits JSON objects without decoding them: it walks
// the members of the outermost object, checks the syntax of everything inside,
// and cuts new values into the original bytes.
//
// It is the reason why a request that needs no translation is never decoded
// and encoded again. It checks structure, literals, numbers, escapes and
// control characters; whether the text is valid UTF-8 is left to whoever
// decodes it.
package jsonx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// MaxDepth bounds the nesting of arrays and objects.
const MaxDepth = 512

// ErrSyntax is wrapped by every error of a Scanner.
var ErrSyntax = errors.New("invalid JSON")

// Span is a range of bytes of the document: data[Start:End].
type Span struct{ Start, End int }

// Of returns the bytes of the span.
func (s Span) Of(data []byte) []byte { return data[s.Start:s.End] }

// Empty reports whether the span holds nothing.
func (s Span) Empty() bool { return s.Start == s.End }

// Scanner walks the members of one JSON object. The zero value with Reset is
// ready; it allocates only for a key that is written with escapes.
type Scanner struct {
	data  []byte
	pos   int
	key   []byte
	value Span
	err   error
	state scanState

	keyStart, keyEnd int // with quotes
}

type scanState uint8

const (
	beforeObject scanState = iota
	firstMember
	nextMember
	finished
)

// Reset points the scanner at a new document.
func (s *Scanner) Reset(data []byte) { *s = Scanner{data: data} }

// Next advances to the next member and reports whether there is one. After it
// returned false, Err tells whether the document was well-formed to its end.
func (s *Scanner) Next() bool {
	switch s.state {
	case beforeObject:
		s.space()
		if !s.accept('{') {
			return s.fail("want an object")
		}
		s.state = firstMember
	case finished:
		return false
	case firstMember, nextMember:
	}
	s.space()
	if s.accept('}') {
		return s.end()
	}
	if s.state == nextMember {
		if !s.accept(',') {
			return s.fail("want ',' or '}'")
		}
		s.space()
	}
	s.state = nextMember
	return s.member()
}

func (s *Scanner) member() bool {
	if !s.accept('"') {
		return s.fail("want a member name")
	}
	start := s.pos
	end, escaped, ok := skipString(s.data, s.pos)
	if !ok {
		s.pos = end
		return s.fail("unterminated or invalid string")
	}
	s.key, s.pos = s.data[start:end-1], end
	s.keyStart, s.keyEnd = start-1, end
	if escaped {
		name, err := Unquote(s.data[start-1 : end])
		if err != nil {
			return s.fail("invalid member name")
		}
		s.key = []byte(name)
	}
	s.space()
	if !s.accept(':') {
		return s.fail("want ':'")
	}
	s.space()
	start = s.pos
	end, ok = skipValue(s.data, s.pos)
	s.pos = end
	if !ok {
		return s.fail("invalid value")
	}
	s.value = Span{start, end}
	return true
}

// Key returns the name of the current member, unescaped.
func (s *Scanner) Key() []byte { return s.key }

// Value returns where the current member's value stands.
func (s *Scanner) Value() Span { return s.value }

// End returns the position just behind the closing brace once Next has
// returned false without an error.
func (s *Scanner) End() int { return s.pos }

// Err returns what was wrong with the document, or nil.
func (s *Scanner) Err() error { return s.err }

func (s *Scanner) end() bool {
	end := s.pos
	s.space()
	if s.pos != len(s.data) {
		return s.fail("data after the object")
	}
	s.pos, s.state = end, finished
	return false
}

func (s *Scanner) fail(what string) bool {
	s.state = finished
	s.err = fmt.Errorf("%w: %s at offset %d", ErrSyntax, what, s.pos)
	return false
}

func (s *Scanner) accept(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *Scanner) space() { s.pos = skipSpace(s.data, s.pos) }

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops marks, with the high bit of each byte, the bytes of a word that can not
// be skipped inside a string: quotes, backslashes and control characters. Only
// the lowest mark is exact; a borrow may set marks above it.
func stops(w uint64) uint64 {
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}

// stringStop finds the next byte from i that can not be skipped inside a
// string. Prompts are mostly plain text, and this loop is most of the work on
// them, so it takes four words a step while it finds nothing.
func stringStop(b []byte, i int) int {
	for i+32 <= len(b) {
		w := b[i : i+32 : i+32]
		if stops(binary.LittleEndian.Uint64(w))|stops(binary.LittleEndian.Uint64(w[8:]))|
			stops(binary.LittleEndian.Uint64(w[16:]))|stops(binary.LittleEndian.Uint64(w[24:])) != 0 {
			break
		}
		i += 32
	}
	for i+8 <= len(b) {
		if stop := stops(binary.LittleEndian.Uint64(b[i:])); stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
		i += 8
	}
	for i < len(b) && b[i] >= 0x20 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// skipString returns the position behind the closing quote of a string whose
// first character is at i.
func skipString(b []byte, i int) (end int, escaped, ok bool) {
	for {
		i = stringStop(b, i)
		if i >= len(b) {
			return i, escaped, false
		}
		switch b[i] {
		case '"':
			return i + 1, escaped, true
		case '\\':
			escaped = true
			n := escapeLen(b[i:])
			if n == 0 {
				return i, escaped, false
			}
			i += n
		default:
			return i, escaped, false
		}
	}
}

func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && isHex(b[2]) && isHex(b[3]) && isHex(b[4]) && isHex(b[5]) {
			return 6
		}
	}
	return 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
