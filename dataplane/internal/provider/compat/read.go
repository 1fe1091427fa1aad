package compat

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/sse"
)

const (
	// maxWhole bounds an answer that is read before it is edited.
	maxWhole = 256 << 20
	// maxEvent bounds one event of a stream.
	maxEvent    = 64 << 20
	firstBuffer = 8 << 10
)

// reading is how an answer is read.
type reading struct {
	surface provider.Surface
	stream  bool
	replay  bool // the client wants a stream, the vendor gave a whole
	byTool  bool
}

// read edits an answer that is a success.
func (b *Backend) read(resp *upstream.Response, r reading) (provider.Reply, error) {
	if r.stream && !r.replay {
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
			return &stream{reply: reply{resp}, src: resp, answer: b.answer, in: make([]byte, 0, firstBuffer)}, nil
		}
	}
	defer func() { _ = resp.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp, maxWhole))
	if err != nil {
		return nil, err
	}
	if b.answer != nil && b.answer.concerns(r.surface) {
		body = b.answer.whole(body)
	}
	if r.byTool {
		if body, err = fromTool(body); err != nil {
			return nil, provider.BadAnswer("the answer is not a chat completion", err)
		}
	}
	if r.replay {
		return replayed(body, resp.Header)
	}
	return newWhole(body, "application/json", resp.Header), nil
}

// whole is an answer that was read and edited.
type whole struct {
	*bytes.Reader

	length      int64
	contentType string
	header      upstream.Header
}

func newWhole(body []byte, contentType string, header upstream.Header) *whole {
	return &whole{Reader: bytes.NewReader(body), length: int64(len(body)), contentType: contentType, header: header}
}

func (w *whole) Close() error         { return nil }
func (w *whole) Status() int          { return http.StatusOK }
func (w *whole) ContentLength() int64 { return w.length }

func (w *whole) Header(name string) string {
	if strings.EqualFold(name, "Content-Type") {
		return w.contentType
	}
	return w.header.Get(name)
}

// replayed gives a whole chat answer as OpenAI's stream of it.
func replayed(body []byte, header upstream.Header) (provider.Reply, error) {
	r, err := chat.DecodeResponse(body)
	if err != nil {
		return nil, provider.BadAnswer("the answer is not a chat completion", err)
	}
	head := chat.Stamp{ID: r.ID, Model: r.Model, Created: r.Created}.Head()
	var c chat.Chunk
	var out []byte
	first := map[int]bool{}
	for s := provider.Replay(r); s.Next(&c) == nil; {
		for i := range c.Deltas {
			d := &c.Deltas[i]
			out = append(chat.AppendDelta(append(out, "data: "...), head, d, !first[d.Choice]), "\n\n"...)
			first[d.Choice] = true
		}
	}
	if r.HasUsage {
		out = append(chat.AppendUsage(append(out, "data: "...), head, &r.Usage), "\n\n"...)
	}
	return newWhole(append(out, "data: [DONE]\n\n"...), "text/event-stream", header), nil
}

// stream edits the events of a stream as they come. What is no event with
// data, such as a comment that keeps the connection open, passes.
type stream struct {
	reply

	src      io.Reader // the reply's body
	answer   *answers
	progress progress
	in       []byte // read, and not an event yet
	from     int    // of in: looked at in vain
	out      []byte // for the client
	sent     int    // of out
	err      error
}

// ContentLength implements provider.Reply: edits change it.
func (s *stream) ContentLength() int64 { return -1 }

// Read returns the events that one read of the vendor completed.
func (s *stream) Read(p []byte) (int, error) {
	for s.sent == len(s.out) {
		if s.err != nil {
			return 0, s.err
		}
		s.out, s.sent = s.out[:0], 0
		s.fill()
	}
	n := copy(p, s.out[s.sent:])
	s.sent += n
	return n, nil
}

func (s *stream) fill() {
	if len(s.in) == cap(s.in) {
		if len(s.in) >= maxEvent {
			s.err = frame.ErrTooLong
			return
		}
		s.in = append(s.in, 0)[:len(s.in)]
	}
	n, err := s.src.Read(s.in[len(s.in):cap(s.in)])
	s.in = s.in[:len(s.in)+n]
	start := 0
	for {
		end := sse.End(s.in[start:], s.from)
		if end == 0 {
			break
		}
		s.take(s.in[start : start+end])
		start, s.from = start+end, 0
	}
	s.in = s.in[:copy(s.in, s.in[start:])]
	s.from = max(0, len(s.in)-3)
	if err != nil {
		s.err = err
		if errors.Is(err, io.EOF) {
			s.out = append(s.out, s.in...) // an event that the vendor did not end
			s.in = s.in[:0]
		}
	}
}

func (s *stream) take(event []byte) {
	data, at := sse.Data(event)
	if len(data) == 0 || data[0] != '{' {
		s.out = append(s.out, event...)
		return
	}
	edited := s.answer.event(data, &s.progress)
	s.out = append(s.out, event[:at]...)
	s.out = append(s.out, edited...)
	s.out = append(s.out, event[at+len(data):]...)
}
