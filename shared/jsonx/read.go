package jsonx

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Unquote decodes a JSON string given with its quotes.
func Unquote(quoted []byte) (string, error) {
	if n := len(quoted); n >= 2 && quoted[0] == '"' {
		if end, escaped, ok := skipString(quoted, 1); ok && end == n && !escaped {
			return string(quoted[1 : n-1]), nil
		}
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "", fmt.Errorf("decode string: %w", err)
	}
	return s, nil
}

// Quote returns s as a JSON string, as AppendQuote does.
func Quote(s string) []byte { return AppendQuote(make([]byte, 0, len(s)+2), s) }

// Lookup returns the value of a member of an object, or an empty span. Where
// a name stands twice the last one counts, as in encoding/json.
func Lookup(object []byte, name string) Span {
	var (
		s     Scanner
		found Span
	)
	s.Reset(object)
	for s.Next() {
		if string(s.Key()) == name {
			found = s.Value()
		}
	}
	if s.Err() != nil {
		return Span{}
	}
	return found
}

// Int decodes a whole number that is not negative. Anything else is zero: it
// reads counts that a vendor reports, and a wrong one must not stop a reply.
func Int(value []byte) int64 {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err == nil && n >= 0 {
		return n
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || f < 0 || f > 1<<53 {
		return 0
	}
	return int64(f)
}

// IsNull reports whether a value is the literal null.
func IsNull(value []byte) bool { return string(value) == "null" }
