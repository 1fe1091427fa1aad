package pipeline

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/sse"
)

const (
	// streamBuffer is what an open stream holds for its vendor's bytes, and
	// again for its client's; both grow with longer events.
	streamBuffer = 8 << 10
	// maxEvent is the longest event that is looked into. Longer ones, and the
	// rest of them, are passed on as they come.
	maxEvent = 4 << 20
	// writePatience is how long a client may take to accept data; the deadline
	// is moved only now and then, because moving it costs.
	writePatience = 120 * time.Second
	writeRefresh  = 30 * time.Second
)

//nolint:gochecknoglobals // read-only
var (
	doneMark   = []byte("[DONE]")
	usageName  = []byte(`"usage"`)
	nullUsage  = []byte(`"usage":null`)
	noChoices  = []byte(`[]`)
	streamType = []string{"text/event-stream; charset=utf-8"}
	noCache    = []string{"no-cache"}
)

// stream forwards events as they come: what one read of the vendor's
// connection brought is looked through, written and flushed once.
type stream struct {
	x        *exchange
	reply    provider.Reply
	control  *http.ResponseController
	in       *[]byte
	out      *[]byte
	scanned  int // of in: what has been searched for the end of an event
	raw      bool
	events   int
	done     bool
	deadline time.Time
}

func (x *exchange) forwardStream(reply provider.Reply) error {
	s := &stream{x: x, reply: reply, control: http.NewResponseController(x.w), in: getStreamBuffer(), out: getStreamBuffer()}
	defer putStreamBuffer(s.in)
	defer putStreamBuffer(s.out)
	x.usage.Stream = true
	for {
		end, err := s.step()
		if err != nil {
			return err
		}
		if end {
			return nil
		}
	}
}

var streamBuffers = sync.Pool{New: func() any { b := make([]byte, 0, streamBuffer); return &b }} //nolint:gochecknoglobals // a pool

func getStreamBuffer() *[]byte {
	b, _ := streamBuffers.Get().(*[]byte)
	return b
}

// putStreamBuffer keeps buffers that did not grow much: thousands of streams
// may be open.
func putStreamBuffer(b *[]byte) {
	if cap(*b) <= 4*streamBuffer {
		*b = (*b)[:0]
		streamBuffers.Put(b)
	}
}

// step handles what one read brings.
func (s *stream) step() (end bool, err error) {
	in := *s.in
	if len(in) == cap(in) {
		in = append(in, 0)[:len(in)]
	}
	// Others go first: on a busy machine more than one event is there when our
	// turn comes, and one read and one write serve them all. On an idle one
	// this returns at once.
	runtime.Gosched()
	n, readErr := s.reply.Read(in[len(in):cap(in)])
	*s.in = in[:len(in)+n]
	if err := s.process(); err != nil {
		return true, err
	}
	switch {
	case readErr == nil:
		if s.done {
			s.x.settle(http.StatusOK, "")
		}
		return false, s.write()
	case errors.Is(readErr, io.EOF):
		if s.events == 0 && !s.raw {
			return true, s.x.badAnswer("the stream ended before its first event")
		}
		*s.out = append(*s.out, *s.in...)
		*s.in = (*s.in)[:0]
		s.x.settle(http.StatusOK, "")
		return true, s.write()
	default:
		return true, s.broken(readErr)
	}
}

// broken ends a stream that the vendor broke off: with the answer of a failed
// call when nothing was sent yet, else with an error event.
func (s *stream) broken(readErr error) error {
	err := s.x.callFailed(readErr)
	if errors.Is(err, errClientGone) || !s.x.headerSent && len(*s.out) == 0 {
		return err
	}
	public := s.x.publicError(err)
	s.x.settle(public.Status, public.Type)
	s.x.p.metrics.broken.Inc()
	*s.out = append(*s.out, "data: "...)
	*s.out = append(*s.out, public.JSON()...)
	*s.out = append(*s.out, "\n\n"...)
	return s.write()
}

// process moves complete events from in to out.
func (s *stream) process() error {
	rest := *s.in
	for {
		end := sse.End(rest, s.scanned)
		if end == 0 {
			break
		}
		s.scanned = 0
		event := rest[:end]
		rest = rest[end:]
		if s.raw {
			s.raw = false
			*s.out = append(*s.out, event...)
			continue
		}
		if err := s.event(event); err != nil {
			return err
		}
	}
	if len(rest) > maxEvent {
		*s.out = append(*s.out, rest...)
		rest, s.raw = rest[:0], true
	}
	s.scanned = max(0, len(rest)-3)
	// What is left is the beginning of the next event.
	*s.in = (*s.in)[:copy(*s.in, rest)]
	return nil
}

// event looks into one event and appends what the client gets of it.
func (s *stream) event(event []byte) error {
	data, start := sse.Data(event)
	if data == nil {
		*s.out = append(*s.out, event...) // a comment or a bare field
		return nil
	}
	first := s.events == 0
	s.events++
	if bytes.Equal(data, doneMark) {
		s.done = true
		*s.out = append(*s.out, event...)
		return nil
	}
	if first && (len(data) == 0 || data[0] != '{') {
		return s.x.badAnswer("the stream does not carry JSON events")
	}
	s.x.tokens.chunks++
	var edit jsonx.Edit
	if bytes.Contains(data, usageName) && !bytes.Contains(data, nullUsage) {
		if drop := s.usage(data); drop {
			return nil
		}
	}
	if at := modelOf(data); !at.Empty() {
		edit = s.x.restamp(data, at)
	}
	if edit.New == nil {
		*s.out = append(*s.out, event...)
		return nil
	}
	*s.out = append(*s.out, event[:start+edit.At.Start]...)
	*s.out = append(*s.out, edit.New...)
	*s.out = append(*s.out, event[start+edit.At.End:]...)
	return nil
}

// usage takes the usage of a chunk. It reports whether the chunk carries
// nothing else and was asked for by us, not by the client.
func (s *stream) usage(data []byte) (drop bool) {
	var sc jsonx.Scanner
	sc.Reset(data)
	var usage, choices []byte
	for sc.Next() {
		switch string(sc.Key()) {
		case "usage":
			usage = sc.Value().Of(data)
		case "choices":
			choices = sc.Value().Of(data)
		}
	}
	if sc.Err() != nil || usage == nil || usage[0] != '{' {
		return false
	}
	s.x.tokens.take(usage)
	if !bytes.Equal(choices, noChoices) {
		return false
	}
	s.x.tokens.chunks--
	return !s.x.wantsUsage
}

// modelOf finds the model of a chunk. It stops at the first member of that
// name, which stands near the front.
func modelOf(data []byte) jsonx.Span {
	var sc jsonx.Scanner
	sc.Reset(data)
	for sc.Next() {
		if string(sc.Key()) == "model" {
			return sc.Value()
		}
	}
	return jsonx.Span{}
}

// write sends what is in out.
func (s *stream) write() error {
	if len(*s.out) == 0 {
		return nil
	}
	x := s.x
	now := time.Now()
	if !x.headerSent {
		h := x.w.Header()
		x.setHeaders(h, s.reply)
		h["Content-Type"], h["Cache-Control"] = streamType, noCache
		x.headerSent = true
		x.usage.FirstMS = now.UnixMilli()
		x.p.metrics.firstByte.Observe(now.Sub(x.start).Seconds())
		x.w.WriteHeader(http.StatusOK)
	}
	if now.Sub(s.deadline) > -writePatience+writeRefresh {
		s.deadline = now.Add(writePatience)
		_ = s.control.SetWriteDeadline(s.deadline) // a writer without deadlines can not hang us
	}
	_, err := x.w.Write(*s.out)
	*s.out = (*s.out)[:0]
	if err == nil {
		err = s.control.Flush()
	}
	return x.clientError(err)
}
