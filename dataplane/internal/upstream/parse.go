package upstream

import (
	"bytes"
	"math"
	"net/http"
	"strings"
)

// headEnd returns the length of the head that starts b, blank line included,
// or 0 when it is not complete. The search starts at from, the value returned
// for a shorter b, so that a head that drips in is not searched again and again.
// Lines may end in a bare LF (RFC 9112, section 2.2).
func headEnd(b []byte, from int) (end, next int) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0, from
		}
		line := b[from : from+i]
		if len(line) == 0 || (len(line) == 1 && line[0] == '\r') {
			return from + i + 1, 0
		}
		from += i + 1
	}
}

// cutLine returns the first line of s without its end, and the rest.
func cutLine(s string) (line, rest string) {
	i := strings.IndexByte(s, '\n')
	if i < 0 {
		return s, ""
	}
	line, rest = s[:i], s[i+1:]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, rest
}

// statusLine is the first line of a response.
type statusLine struct {
	code  int
	minor byte // of HTTP/1.x
}

// parseStatus reads "HTTP/1.1 200 OK". The reason may be missing altogether.
func parseStatus[T ~string | ~[]byte](line T) (statusLine, error) {
	const prefix = "HTTP/1."
	if len(line) < len("HTTP/1.1 200") || string(line[:len(prefix)]) != prefix || line[8] != ' ' {
		return statusLine{}, malformed("status line")
	}
	st := statusLine{minor: line[7] - '0'}
	if st.minor > 1 {
		return statusLine{}, malformed("HTTP version")
	}
	for _, c := range []byte(line[9:12]) {
		if c < '0' || c > '9' {
			return statusLine{}, malformed("status code")
		}
		st.code = st.code*10 + int(c-'0')
	}
	if st.code < 100 || (len(line) > 12 && line[12] != ' ') || !validValue(line[12:]) {
		return statusLine{}, malformed("status line")
	}
	return st, nil
}

// parseField reads "Name: value". A folded line starts with a space and so
// fails as a name.
func parseField(line string) (Field, error) {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return Field{}, malformed("header line without a colon")
	}
	f := Field{Name: name, Value: trimSpace(value)}
	if !validToken(f.Name) {
		return Field{}, malformed("header name")
	}
	if !validValue(f.Value) {
		return Field{}, malformed("control character in a header value")
	}
	return f, nil
}

// parseHead reads a complete head, as found by headEnd, and appends its fields
// to fields.
func parseHead(s string, fields []Field) (statusLine, []Field, error) {
	line, rest := cutLine(s)
	st, err := parseStatus(line)
	if err != nil {
		return st, fields, err
	}
	for {
		line, rest = cutLine(rest)
		if line == "" {
			return st, fields, nil
		}
		f, err := parseField(line)
		if err != nil {
			return st, fields, err
		}
		fields = append(fields, f)
	}
}

// bodyKind is how the end of a body is found.
type bodyKind uint8

const (
	bodyNone bodyKind = iota
	bodyLength
	bodyChunked
	bodyUntilClose
)

// framing is what a head says about the bytes that follow it
// (RFC 9112, section 6.3).
type framing struct {
	kind   bodyKind
	length int64 // declared length, -1 if unknown
	close  bool  // the connection cannot be used again

	chunked bool
}

func frame(st statusLine, fields []Field, method string) (framing, error) {
	fr := framing{length: -1, close: st.minor == 0}
	for i := range fields {
		if err := fr.note(&fields[i]); err != nil {
			return fr, err
		}
	}
	switch {
	case method == http.MethodHead:
		fr.kind = bodyNone
	case st.code == http.StatusNoContent || st.code == http.StatusNotModified:
		fr.kind, fr.length = bodyNone, 0
	case fr.chunked:
		// With a length besides, somebody on the way may see another end than
		// we do: use the answer, not the connection.
		fr.close = fr.close || fr.length >= 0
		fr.kind, fr.length = bodyChunked, -1
	case fr.length > 0:
		fr.kind = bodyLength
	case fr.length < 0:
		fr.kind, fr.close = bodyUntilClose, true
	}
	return fr, nil
}

// note takes in a field if it has to do with framing.
func (fr *framing) note(f *Field) error {
	switch {
	case len(f.Name) == len("Connection") && strings.EqualFold(f.Name, "Connection"):
		fr.close = fr.close || hasToken(f.Value, "close")
	case len(f.Name) == len("Content-Length") && strings.EqualFold(f.Name, "Content-Length"):
		n, err := parseLength(f.Value)
		if err != nil {
			return err
		}
		if fr.length >= 0 && fr.length != n {
			return malformed("two different lengths")
		}
		fr.length = n
	case len(f.Name) == len("Transfer-Encoding") && strings.EqualFold(f.Name, "Transfer-Encoding"):
		if fr.chunked || !strings.EqualFold(f.Value, "chunked") {
			return malformed("transfer coding other than chunked")
		}
		fr.chunked = true
	}
	return nil
}

// parseLength accepts digits only: no sign, no list, no more than an int64 holds.
func parseLength(s string) (int64, error) {
	if s == "" {
		return 0, malformed("empty length")
	}
	var n int64
	for i := range len(s) {
		d := int64(s[i]) - '0'
		if d < 0 || d > 9 {
			return 0, malformed("length is no number")
		}
		if n > (math.MaxInt64-d)/10 {
			return 0, malformed("length out of range")
		}
		n = n*10 + d
	}
	return n, nil
}

// hasToken looks for token in a comma-separated list.
func hasToken(list, token string) bool {
	for list != "" {
		var item string
		item, list, _ = strings.Cut(list, ",")
		if strings.EqualFold(trimSpace(item), token) {
			return true
		}
	}
	return false
}
