package transcript

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxText is how many bytes of a text are kept, as LiteLLM's
	// MAX_STRING_LENGTH_PROMPT_IN_DB: of a longer one the beginning and, as it asks
	// in the end what it is about, more of its end.
	maxText = 2048
	keptOf  = maxText * 35 / 100
	// maxNesting is how deep values are kept.
	maxNesting = 64
	// maxName is how long names and numbers may be.
	maxName = 512
)

// Shorten returns JSON with its long texts shortened, files cut out of it, and no
// longer than what is kept of a request or an answer: what does not fit is left
// out at the end. It takes JSON that breaks off. What is no JSON is nothing.
// hide masks what members outside of the conversation call a secret.
func Shorten(in []byte, hide bool) json.RawMessage {
	s := shortener{in: in, hide: hide}
	s.space()
	if s.at == len(in) || in[s.at] != '{' && in[s.at] != '[' {
		return nil
	}
	s.out = make([]byte, 0, min(len(in)+64, maxPart))
	s.value(0, nil)
	if !json.Valid(s.out) {
		return nil
	}
	return s.out
}

// shortener goes through JSON once and writes what is kept of it.
type shortener struct {
	in   []byte
	at   int
	out  []byte
	hide bool
	// said is the depth of the conversation, inside of which nothing is masked, or
	// 0.
	said int
}

func (s *shortener) space() {
	for s.at < len(s.in) && (s.in[s.at] == ' ' || s.in[s.at] == '\n' || s.in[s.at] == '\t' || s.in[s.at] == '\r') {
		s.at++
	}
}

// fits reports whether there is room for n bytes, and for the brackets that are
// open.
func (s *shortener) fits(n, depth int) bool { return len(s.out)+n+depth+8 <= maxPart }

// value writes one value. It reports whether there is more to come; if not, and
// it has written nothing, the value is left out.
func (s *shortener) value(depth int, name []byte) bool {
	s.space()
	if s.at >= len(s.in) {
		return false
	}
	switch s.in[s.at] {
	case '{':
		return s.nested(depth, '{', '}')
	case '[':
		return s.nested(depth, '[', ']')
	case '"':
		return s.text(depth, name)
	}
	begin := s.at
	for s.at < len(s.in) && strings.IndexByte(",]} \n\t\r", s.in[s.at]) < 0 {
		s.at++
	}
	word := s.in[begin:s.at]
	if len(word) > maxName || !s.fits(len(word), depth) || !json.Valid(word) {
		return false
	}
	s.out = append(s.out, word...)
	return true
}

// nested writes an object or a list, with its end, whether that comes or not.
func (s *shortener) nested(depth int, open, end byte) bool {
	if depth >= maxNesting || !s.fits(2, depth) {
		return false
	}
	s.at++
	s.out = append(s.out, open)
	more := s.items(depth+1, open == '{', end)
	s.out = append(s.out, end)
	return more
}

func (s *shortener) items(depth int, object bool, end byte) bool {
	for first := true; ; first = false {
		if s.space(); s.at >= len(s.in) {
			return false
		}
		if s.in[s.at] == end {
			s.at++
			return true
		}
		mark := len(s.out)
		if !first {
			if s.in[s.at] != ',' {
				return false
			}
			s.at++
			s.out = append(s.out, ',')
		}
		wrote, more := s.item(depth, object)
		if !wrote {
			s.out = s.out[:mark]
		}
		if !more {
			return false
		}
	}
}

// item writes one item of an object or a list. wrote says that there is something
// of it.
func (s *shortener) item(depth int, object bool) (wrote, more bool) {
	var name []byte
	if object {
		var ok bool
		if name, ok = s.name(depth); !ok {
			return false, false
		}
	}
	begin := len(s.out)
	if object && depth == 1 && said(name) {
		s.said = depth
	}
	more = s.value(depth, name)
	if s.said == depth {
		s.said = 0
	}
	return len(s.out) > begin, more
}

// name writes the name of a member and the colon behind it.
func (s *shortener) name(depth int) ([]byte, bool) {
	if s.space(); s.at >= len(s.in) || s.in[s.at] != '"' {
		return nil, false
	}
	end, whole := textEnd(s.in, s.at)
	name := s.in[s.at:end]
	if !whole || len(name) > maxName || !s.fits(len(name)+1, depth) {
		return nil, false
	}
	s.at = end
	if s.space(); s.at >= len(s.in) || s.in[s.at] != ':' {
		return nil, false
	}
	s.at++
	s.out = append(append(s.out, bytes.ToValidUTF8(name, replacement)...), ':')
	return name[1 : len(name)-1], true
}

//nolint:gochecknoglobals // read-only
var replacement = []byte("\xef\xbf\xbd")

// textEnd returns the position behind a text that begins at a quote, and whether
// the text has an end.
func textEnd(b []byte, at int) (end int, whole bool) {
	for i := at + 1; i < len(b); i++ {
		n := bytes.IndexAny(b[i:], `"\`)
		if n < 0 {
			return len(b), false
		}
		if i += n; b[i] == '"' {
			return i + 1, true
		}
		i++ // the character behind a backslash
	}
	return len(b), false
}

func (s *shortener) text(depth int, name []byte) bool {
	end, whole := textEnd(s.in, s.at)
	content := s.in[s.at+1 : end]
	if whole {
		content = content[:len(content)-1]
	} else {
		content = content[:edge(content, len(content))]
	}
	if !s.fits(min(len(content), maxText+64)+2, depth) {
		return false
	}
	s.at = end
	s.out = append(s.out, '"')
	switch {
	case s.hide && s.said == 0 && len(content) > 0 && secret(name):
		s.out = append(s.out, "****"...)
	default:
		s.shorten(content)
	}
	s.out = append(s.out, '"')
	return whole
}

func (s *shortener) shorten(content []byte) {
	const mark = ";base64,"
	switch head := content[:min(len(content), 256)]; {
	case bytes.HasPrefix(head, []byte("data:")) && bytes.Contains(head, []byte(mark)):
		n := bytes.Index(head, []byte(mark)) + len(mark)
		s.copy(content[:n])
		s.left(len(content) - n)
	case len(content) <= maxText:
		s.copy(content)
	case encoded(head):
		s.copy(head[:16])
		s.left(len(content) - 16)
	default:
		from, to := edge(content, keptOf), len(content)-(maxText-keptOf)
		rest := content[to:]
		rest = rest[start(content, to)-to:]
		s.copy(content[:from])
		s.left(len(content) - from - len(rest))
		s.copy(rest)
	}
}

func (s *shortener) copy(b []byte) {
	if utf8.Valid(b) {
		s.out = append(s.out, b...)
		return
	}
	s.out = append(s.out, bytes.ToValidUTF8(b, replacement)...)
}

// left says how much is left out.
func (s *shortener) left(n int) {
	s.out = append(s.out, "... ("...)
	s.out = strconv.AppendInt(s.out, int64(n), 10)
	s.out = append(s.out, " bytes left out) ..."...)
}

// edge returns the last position up to n at which the content of a text can be
// cut: not inside of an escape or a character.
func edge(content []byte, n int) int {
	i := 0
	for {
		next := i + unit(content[i:])
		if next > n || next == i {
			return i
		}
		i = next
	}
}

// start returns a position from n on at which it can be cut: behind a space, which
// no escape has. A long text without one is looked through from its beginning.
func start(content []byte, n int) int {
	if i := bytes.IndexByte(content[n:], ' '); i >= 0 {
		return n + i + 1
	}
	i := 0
	for i < n {
		step := unit(content[i:])
		if step == 0 || i > maxRaw {
			return len(content)
		}
		i += step
	}
	return i
}

// unit is how many bytes the first character takes, or a run of characters of one
// byte; 0 is the end, or an escape that breaks off.
func unit(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] == '\\':
		n := 2
		if len(b) > 1 && b[1] == 'u' {
			n = 6
		}
		if len(b) < n {
			return 0
		}
		return n
	case b[0] < utf8.RuneSelf:
		return 1
	}
	_, n := utf8.DecodeRune(b)
	return n
}

// encoded reports whether a text looks like a file in base64.
func encoded(head []byte) bool {
	for _, c := range head {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '+', c == '/', c == '-', c == '_', c == '=':
		default:
			return false
		}
	}
	return true
}

// said reports whether a member holds the conversation.
func said(name []byte) bool {
	switch string(name) {
	case "messages", "input", "prompt", "contents", "system", "systemInstruction", "system_instruction", "instructions", "tools", "functions",
		"documents", "query", "response_format", "text":
		return true
	}
	return false
}

// secret reports whether a member of that name holds a secret.
func secret(name []byte) bool {
	lower := strings.ToLower(string(name))
	for _, part := range []string{"api_key", "apikey", "api-key", "access_key", "private_key", "secret", "password", "passwd", "credential", "authorization", "bearer"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	return lower == "token" || strings.HasSuffix(lower, "_token")
}
