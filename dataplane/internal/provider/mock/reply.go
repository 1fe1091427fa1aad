package mock

import (
	"context"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

const (
	jsonType    = "application/json"
	eventStream = "text/event-stream; charset=utf-8"
	// maxPooled keeps a long answer from living on in the pool.
	maxPooled = 64 << 10
)

// buffer is what the pool keeps.
type buffer struct{ b []byte }

// head is the status line and the headers of a reply.
type head struct {
	status      int
	contentType string
	retryAfter  string
	length      int64
}

func newHead(req *request) head {
	h := head{status: http.StatusOK, contentType: jsonType, length: -1}
	if req.retryAfter > 0 {
		h.retryAfter = strconv.Itoa(req.retryAfter)
	}
	return h
}

// Status returns the status code.
func (h *head) Status() int { return h.status }

// ContentLength returns the length of the body, or -1 for a stream.
func (h *head) ContentLength() int64 { return h.length }

// Header returns Content-Type or Retry-After.
func (h *head) Header(name string) string {
	switch {
	case strings.EqualFold(name, "Content-Type"):
		return h.contentType
	case strings.EqualFold(name, "Retry-After"):
		return h.retryAfter
	default:
		return ""
	}
}

// reply is an answer that is rendered before it is read.
type reply struct {
	head

	backend *backend
	ctx     context.Context //nolint:containedctx // a body ends with the context of its exchange
	buf     *buffer
	rest    []byte
}

func (b *backend) reply(ctx context.Context, req *request) *reply {
	return &reply{head: newHead(req), backend: b, ctx: ctx, buf: b.borrow()}
}

// write sets the body, which was appended to the reply's own buffer.
func (r *reply) write(body []byte) {
	r.buf.b, r.rest, r.length = body, body, int64(len(body))
}

// Read returns what fits.
func (r *reply) Read(p []byte) (int, error) {
	switch {
	case r.buf == nil:
		return 0, os.ErrClosed
	case r.ctx.Err() != nil:
		return 0, cancelled(r.ctx)
	case len(r.rest) == 0:
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close gives the buffer back.
func (r *reply) Close() error {
	r.backend.giveBack(r.buf)
	r.buf, r.rest = nil, nil
	return nil
}

func (b *backend) borrow() *buffer {
	buf, ok := b.buffers.Get().(*buffer)
	if !ok {
		return new(buffer)
	}
	buf.b = buf.b[:0]
	return buf
}

func (b *backend) giveBack(buf *buffer) {
	if buf != nil && cap(buf.b) <= maxPooled {
		b.buffers.Put(buf)
	}
}
