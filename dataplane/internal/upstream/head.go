package upstream

import (
	"fmt"
	"strings"
)

// Field is one header field.
type Field struct{ Name, Value string }

// Head is a block of header lines that every request of a deployment carries,
// rendered and checked once.
type Head struct {
	block []byte
	has   singleton
}

// singleton marks fields the client adds when nobody else did.
type singleton uint8

const (
	hasUserAgent singleton = 1 << iota
	hasAuthorization
)

// NewHead renders fields. It refuses names that are no tokens, values with
// control characters, and the fields only the client may write.
func NewHead(fields ...Field) (*Head, error) {
	h := &Head{}
	for _, f := range fields {
		own, err := checkField(f)
		if err != nil {
			return nil, fmt.Errorf("render head: %w", err)
		}
		h.has |= own
		h.block = appendField(h.block, f)
	}
	return h, nil
}

func appendField(b []byte, f Field) []byte {
	b = append(b, f.Name...)
	b = append(b, ": "...)
	b = append(b, f.Value...)
	return append(b, "\r\n"...)
}

// checkField says whether a request may carry f. The error never holds the
// value: it may be a key.
func checkField(f Field) (singleton, error) {
	if !validToken(f.Name) {
		return 0, fmt.Errorf("%w: a name that is no token", ErrHeader)
	}
	if !validValue(f.Value) {
		return 0, fmt.Errorf("%w: control character in the value of %s", ErrHeader, f.Name)
	}
	if ownField(f.Name) {
		return 0, fmt.Errorf("%w: %s is written by the client itself", ErrHeader, f.Name)
	}
	switch {
	case len(f.Name) == len("User-Agent") && strings.EqualFold(f.Name, "User-Agent"):
		return hasUserAgent, nil
	case len(f.Name) == len("Authorization") && strings.EqualFold(f.Name, "Authorization"):
		return hasAuthorization, nil
	}
	return 0, nil
}

// ownField tells the fields that frame a message or speak to the next hop:
// letting a caller set one would let two readers disagree about where the
// message ends (RFC 9112, section 11.2).
func ownField(name string) bool {
	var own string
	switch len(name) {
	case 2:
		own = "TE"
	case 4:
		own = "Host"
	case 6:
		own = "Expect"
	case 7:
		return strings.EqualFold(name, "Trailer") || strings.EqualFold(name, "Upgrade")
	case 10:
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive")
	case 14:
		own = "Content-Length"
	case 16:
		own = "Proxy-Connection"
	case 17:
		own = "Transfer-Encoding"
	case 19:
		own = "Proxy-Authorization"
	}
	return own != "" && strings.EqualFold(name, own)
}

// Header is the header of a response, in the order it arrived. It stays valid
// after the response was closed.
type Header []Field

// Get returns the first value of a field, "" if there is none. Names are
// compared without case.
func (h Header) Get(name string) string {
	for i := range h {
		if len(h[i].Name) == len(name) && strings.EqualFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Values returns all values of a field in order.
func (h Header) Values(name string) []string {
	var vs []string
	for i := range h {
		if len(h[i].Name) == len(name) && strings.EqualFold(h[i].Name, name) {
			vs = append(vs, h[i].Value)
		}
	}
	return vs
}
