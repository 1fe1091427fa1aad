package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Request is one request to a vendor. Its body is Body or Stream, not both. A
// Request may be used again, and concurrently, unless it has a Stream.
type Request struct {
	Method string
	Target *Target
	// Head holds the header lines all requests of a deployment share; nil is none.
	Head *Head
	// Fields follow Head. They are checked for every request.
	Fields []Field

	// Body is sent as it is, its segments one after another. They must not
	// change until Do returns.
	Body [][]byte
	// Stream is read within Do, by the calling goroutine. Ending a Read that
	// waits, when the context is cancelled, is up to the reader.
	Stream io.Reader
	// StreamLength is how many bytes are read from Stream; -1 reads to its end
	// and sends it chunked.
	StreamLength int64

	// HeaderTimeout is the time from the start of Do to the end of the response
	// head, dialing and sending included; 0 is no limit.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a Read of the response body may wait; 0 is no limit.
	IdleTimeout time.Duration
}

func (r *Request) check() error {
	switch {
	case r.Target == nil:
		return errors.New("no target")
	case !validToken(r.Method) || r.Method == http.MethodConnect:
		return errors.New("not a method")
	case r.Stream != nil && r.Body != nil:
		return errors.New("both Body and Stream are set")
	case r.Stream != nil && r.StreamLength < -1:
		return errors.New("negative StreamLength")
	}
	return nil
}

// length is what Body holds.
func (r *Request) length() int64 {
	var n int64
	for _, s := range r.Body {
		n += int64(len(s))
	}
	return n
}

// appendHead renders the request line and the header.
func (h *host) appendHead(b []byte, req *Request, length int64) ([]byte, error) {
	t := req.Target
	b = append(b, req.Method...)
	if h.absolute {
		b = append(b, t.absLine...)
	} else {
		b = append(b, t.line...)
	}
	var has singleton
	if req.Head != nil {
		has = req.Head.has
		b = append(b, req.Head.block...)
	}
	for _, f := range req.Fields {
		own, err := checkField(f)
		if err != nil {
			return b, err
		}
		has |= own
		b = appendField(b, f)
	}
	if agent := h.client.opts.UserAgent; agent != "" && has&hasUserAgent == 0 {
		b = appendField(b, Field{Name: "User-Agent", Value: agent})
	}
	if t.auth != "" && has&hasAuthorization == 0 {
		b = appendField(b, Field{Name: "Authorization", Value: t.auth})
	}
	if h.absolute {
		b = append(b, h.proxyAuth...)
	}
	b = appendFraming(b, req, length)
	return append(b, "\r\n"...), nil
}

func appendFraming(b []byte, req *Request, length int64) []byte {
	if req.Stream != nil {
		if req.StreamLength < 0 {
			return append(b, "Transfer-Encoding: chunked\r\n"...)
		}
		length = req.StreamLength
	}
	// RFC 9110, section 8.6: methods that usually have a body say so when it is
	// empty, others do not.
	if length == 0 && req.Stream == nil && !usuallyHasBody(req.Method) {
		return b
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, length, 10)
	return append(b, "\r\n"...)
}

func usuallyHasBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// sourceError says that a body could not be read from its Stream.
func sourceError(err error) error { return fmt.Errorf("%w: %w", ErrSource, err) }
