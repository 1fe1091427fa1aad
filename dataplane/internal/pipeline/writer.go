package pipeline

import (
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
)

const (
	// streamBuffer is what an open stream holds for its vendor's bytes, and
	// again for its client's; both grow with longer events.
	streamBuffer = 8 << 10
	// writePatience is how long a client may take to accept data; the deadline
	// is moved only now and then, because moving it costs.
	writePatience = 120 * time.Second
	writeRefresh  = 30 * time.Second
)

//nolint:gochecknoglobals // read-only
var (
	streamType = []string{"text/event-stream; charset=utf-8"}
	noCache    = []string{"no-cache"}
)

// writer sends a stream to the client: what is in buf is written and flushed
// as one.
type writer struct {
	x        *exchange
	vendor   func(string) string // headers of the vendor
	control  *http.ResponseController
	pooled   *[]byte
	buf      []byte
	deadline time.Time
}

func (w *writer) open(x *exchange, vendor func(string) string) {
	pooled := getStreamBuffer()
	*w = writer{x: x, vendor: vendor, control: http.NewResponseController(x.w), pooled: pooled, buf: (*pooled)[:0]}
}

func (w *writer) close() {
	*w.pooled = w.buf
	putStreamBuffer(w.pooled)
	*w = writer{}
}

// write sends what is in buf.
func (w *writer) write() error {
	if len(w.buf) == 0 {
		return nil
	}
	x := w.x
	now := time.Now()
	if !x.headerSent {
		h := x.w.Header()
		x.setHeaders(h, w.vendor)
		h["Content-Type"], h["Cache-Control"] = streamType, noCache
		if t := x.endpoint.StreamType; t != "" {
			h["Content-Type"] = []string{t}
		}
		x.headerSent = true
		x.usage.FirstMS = now.UnixMilli()
		x.p.metrics.firstByte.Observe(now.Sub(x.start).Seconds())
		x.w.WriteHeader(http.StatusOK)
	}
	if now.Sub(w.deadline) > -writePatience+writeRefresh {
		w.deadline = now.Add(writePatience)
		_ = w.control.SetWriteDeadline(w.deadline) // a writer without deadlines can not hang us
	}
	x.record(w.buf)
	_, err := x.w.Write(w.buf)
	w.buf = w.buf[:0]
	if err == nil {
		err = w.control.Flush()
	}
	return x.clientError(err)
}

// fail ends a stream, of which something was sent, with an error event.
func (w *writer) fail(err error) error {
	x := w.x
	f := x.understandFailure(err)
	public := f.public(x.deployment.Provider)
	x.lookup = lookup{}
	x.settle(public.Status, public.Type)
	x.p.metrics.broken.Inc()
	switch f := x.endpoint.Dialect.(type) {
	case dialect.Numbering:
		w.buf = f.FailStreamAt(w.buf, public, x.tokens.events)
	default:
		w.buf = f.FailStream(w.buf, public)
	}
	return w.write()
}
