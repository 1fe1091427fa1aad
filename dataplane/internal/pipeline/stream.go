package pipeline

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/sse"
)

// maxEvent is the longest event that is looked into. Longer ones, and the
// rest of them, are passed on as they come.
const maxEvent = 4 << 20

//nolint:gochecknoglobals // read-only
var (
	doneMark  = []byte("[DONE]")
	usageName = []byte(`"usage"`)
	nullUsage = []byte(`"usage":null`)
	noChoices = []byte(`[]`)
)

// stream forwards events as they come: what one read of the vendor's
// connection brought is looked through, written and flushed once.
type stream struct {
	x       *exchange
	reply   provider.Reply
	in      *[]byte
	out     writer
	scanned int // of in: what has been searched for the end of an event
	raw     bool
	events  int
	done    bool
}

func (x *exchange) forwardStream(reply provider.Reply) error {
	s := &stream{x: x, reply: reply, in: getStreamBuffer()}
	s.out.open(x, reply.Header)
	defer putStreamBuffer(s.in)
	defer s.out.close()
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
		return true, s.broken(err)
	}
	switch {
	case readErr == nil:
		if s.done {
			s.x.settle(http.StatusOK, "")
		}
		return false, s.out.write()
	case errors.Is(readErr, io.EOF):
		if s.events == 0 && !s.raw {
			return true, s.broken(provider.BadAnswer("the stream ended before its first event", nil))
		}
		s.out.buf = append(s.out.buf, *s.in...)
		*s.in = (*s.in)[:0]
		s.x.settle(http.StatusOK, "")
		return true, s.out.write()
	default:
		return true, s.broken(readErr)
	}
}

// broken ends a stream that the vendor broke off: with an error of the call
// when nothing was sent yet, else with the dialect's error event.
func (s *stream) broken(err error) error {
	if s.x.r.Context().Err() != nil {
		return errClientGone
	}
	if !s.x.headerSent && s.events == 0 {
		return err
	}
	return s.out.fail(err)
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
			s.out.buf = append(s.out.buf, event...)
			continue
		}
		if err := s.event(event); err != nil {
			return err
		}
	}
	if len(rest) > maxEvent {
		s.out.buf = append(s.out.buf, rest...)
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
		s.out.buf = append(s.out.buf, event...) // a comment or a bare field
		return nil
	}
	if bytes.Equal(data, doneMark) {
		s.events++
		s.done = true
		s.out.buf = append(s.out.buf, event...)
		return nil
	}
	if s.events == 0 && (len(data) == 0 || data[0] != '{') {
		return provider.BadAnswer("the stream does not carry JSON events", nil)
	}
	if failure := provider.Midstream(data); failure != nil {
		return failure
	}
	s.events++
	s.x.tokens.chunks++
	s.x.tokens.events++
	if !s.x.plain {
		s.look(event, data, start)
		return nil
	}
	s.x.hear(data)
	var edit jsonx.Edit
	if bytes.Contains(data, usageName) && !bytes.Contains(data, nullUsage) {
		if drop := s.usage(data); drop {
			return nil
		}
	}
	if at := modelOf(data); !at.Empty() {
		edit = s.x.restamp(data, at)
	}
	s.put(event, start, edit)
	return nil
}

// look is event for dialects other than OpenAI's chat.
func (s *stream) look(event, data []byte, start int) {
	x := s.x
	if !x.free && x.endpoint.Dialect.Usage(data, &x.tokens.Usage) {
		x.tokens.known = true
	}
	pos := 0
	for _, e := range x.edits(data) {
		s.out.buf = append(append(s.out.buf, event[pos:start+e.At.Start]...), e.New...)
		pos = start + e.At.End
	}
	s.out.buf = append(s.out.buf, event[pos:]...)
}

// put appends an event with one edit of its data, which starts at start.
func (s *stream) put(event []byte, start int, edit jsonx.Edit) {
	if edit.New == nil {
		s.out.buf = append(s.out.buf, event...)
		return
	}
	s.out.buf = append(s.out.buf, event[:start+edit.At.Start]...)
	s.out.buf = append(s.out.buf, edit.New...)
	s.out.buf = append(s.out.buf, event[start+edit.At.End:]...)
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
		case "service_tier":
			s.x.served(sc.Value().Of(data))
		}
	}
	if sc.Err() != nil || usage == nil || usage[0] != '{' {
		return false
	}
	if s.x.tokens.Read(usage) {
		s.x.tokens.known = true
	}
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
