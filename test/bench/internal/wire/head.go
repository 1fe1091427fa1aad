// Package wire reads the framing of HTTP/1.1 messages at the lowest cost, so
// that the load generator and the stand-in for a vendor take little of the
// machine that is being measured. It knows what the targets of the benchmark
// send and no more: it is no general HTTP implementation. It owns no goroutine.
package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxHead bounds the head of a message.
const MaxHead = 32 << 10

// Head is what the framing of a message needs of its head.
type Head struct {
	// Status is 0 for a request.
	Status int
	// Size counts the bytes of the head with its empty line.
	Size int
	// Length is the Content-Length, -1 when there is none.
	Length int64
	// Chunked bodies end with a chunk of length 0.
	Chunked bool
	// Close says that the connection ends with this message.
	Close bool
}

// ErrHead says that a head can not be understood.
var ErrHead = errors.New("malformed head")

const (
	lineEnd = "\r\n"
	headEnd = lineEnd + lineEnd
)

// ParseHead reads the head at the start of b. It returns false when b does not
// hold all of it yet.
func ParseHead(b []byte) (Head, bool, error) {
	end := bytes.Index(b, []byte(headEnd))
	if end < 0 {
		if len(b) > MaxHead {
			return Head{}, false, fmt.Errorf("%w: longer than %d bytes", ErrHead, MaxHead)
		}
		return Head{}, false, nil
	}
	h := Head{Size: end + len(headEnd), Length: -1}
	line, rest, _ := bytes.Cut(b[:end], []byte(lineEnd))
	if bytes.HasPrefix(line, []byte("HTTP/")) {
		const status = len("HTTP/1.1 ")
		if len(line) < status+3 {
			return Head{}, false, fmt.Errorf("%w: no status", ErrHead)
		}
		var err error
		if h.Status, err = strconv.Atoi(string(line[status : status+3])); err != nil || h.Status < 100 {
			return Head{}, false, fmt.Errorf("%w: no status", ErrHead)
		}
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte(lineEnd))
		if err := h.field(line); err != nil {
			return Head{}, false, err
		}
	}
	return h, true, nil
}

func (h *Head) field(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte{':'})
	if !ok {
		return fmt.Errorf("%w: a field without a colon", ErrHead)
	}
	value = bytes.TrimSpace(value)
	switch {
	case strings.EqualFold(string(name), "content-length"):
		n, err := strconv.ParseUint(string(value), 10, 62)
		if err != nil {
			return fmt.Errorf("%w: content length", ErrHead)
		}
		h.Length = int64(n)
	case strings.EqualFold(string(name), "transfer-encoding"):
		if !strings.EqualFold(string(value), "chunked") {
			return fmt.Errorf("%w: transfer coding", ErrHead)
		}
		h.Chunked = true
	case strings.EqualFold(string(name), "connection"):
		h.Close = strings.EqualFold(string(value), "close")
	}
	return nil
}
