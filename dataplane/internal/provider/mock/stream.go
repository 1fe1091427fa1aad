package mock

import (
	"context"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// stage is what a stream sends next.
type stage uint8

const (
	atOpening stage = iota
	atContent
	atFinish
	atUsage
	atDone
	atEnd
)

// argumentPiece is about how many bytes of a tool call's arguments go into one
// chunk.
const argumentPiece = 8

// stream renders its chunks while it is read, all into one buffer.
type stream struct {
	head

	backend *backend
	ctx     context.Context //nolint:containedctx // a body ends with the context of its exchange
	answer  answer
	buf     *buffer
	// prefix and suffix stand around the choice of each chunk; chunks are
	// rendered behind them, from base.
	prefix, suffix []byte
	base           int
	pending        []byte

	stage        stage
	pieces       cutter
	call         int // the tool call that is being sent
	sent         int
	closeAfter   int
	includeUsage bool
	interval     time.Duration
	timer        *time.Timer
	failure      error
}

func (b *backend) stream(ctx context.Context, req *request, a *answer) *stream {
	s := &stream{
		head: newHead(req), backend: b, ctx: ctx, answer: *a, buf: b.borrow(), call: -1,
		closeAfter: req.closeAfter, includeUsage: req.includeUsage, interval: req.interval,
	}
	s.contentType = eventStream
	s.pieces = cutter{text: a.text, pieces: req.chunks}
	if len(a.calls) > 0 || a.text == "" {
		s.pieces = cutter{}
	}
	dst := s.buf.b
	dst = append(dst, "data: "...)
	if s.isChat() {
		dst = b.appendHead(dst, a, "chatcmpl-", "chat.completion.chunk")
		dst = append(dst, `,"service_tier":"default","system_fingerprint":"fp_mock","choices":[`...)
	} else {
		dst = append(b.appendHead(dst, a, "cmpl-", "text_completion"), `,"choices":[`...)
	}
	end := len(dst)
	if req.includeUsage {
		dst = append(dst, "],\"usage\":null}\n\n"...)
	} else {
		dst = append(dst, "]}\n\n"...)
	}
	s.prefix, s.suffix, s.base, s.buf.b = dst[:end:end], dst[end:len(dst):len(dst)], len(dst), dst
	return s
}

func (s *stream) isChat() bool { return s.answer.surface == provider.ChatCompletions }

// Read returns as many chunks as fit, or one if there is an interval between
// them.
func (s *stream) Read(p []byte) (n int, err error) {
	if s.buf == nil {
		return 0, os.ErrClosed
	}
	if s.ctx.Err() != nil {
		return 0, cancelled(s.ctx)
	}
	for n < len(p) {
		if len(s.pending) == 0 {
			if n > 0 && s.interval > 0 {
				break
			}
			if s.failure == nil {
				s.failure = s.next()
			}
			if s.failure != nil {
				break
			}
		}
		c := copy(p[n:], s.pending)
		n, s.pending = n+c, s.pending[c:]
	}
	if n == 0 && len(p) > 0 {
		return 0, s.failure
	}
	return n, nil
}

// Close gives the buffer back.
func (s *stream) Close() error {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.backend.giveBack(s.buf)
	s.buf, s.pending = nil, nil
	return nil
}

// next renders the next chunk into pending.
func (s *stream) next() error {
	switch s.stage {
	case atOpening:
		if s.closeAfter == 0 {
			return io.ErrUnexpectedEOF
		}
		s.stage = atContent
		if s.isChat() {
			s.render(s.appendOpening)
			return nil
		}
		return s.next()
	case atContent:
		if s.sent == s.closeAfter {
			return io.ErrUnexpectedEOF
		}
		if !s.renderPiece() {
			s.stage = atFinish
			return s.next()
		}
		s.sent++
		return s.wait()
	case atFinish:
		s.stage = atUsage
		s.render(s.appendFinish)
	case atUsage:
		s.stage = atDone
		if !s.includeUsage {
			return s.next()
		}
		dst := append(append(s.buf.b[:s.base], s.prefix...), `],"usage":`...)
		s.commit(append(appendUsage(dst, &s.answer), "}\n\n"...))
	case atDone:
		s.stage = atEnd
		s.commit(append(s.buf.b[:s.base], "data: [DONE]\n\n"...))
	case atEnd:
		return io.EOF
	}
	return nil
}

// render puts a choice between prefix and suffix.
func (s *stream) render(choice func(dst []byte) []byte) {
	dst := choice(append(s.buf.b[:s.base], s.prefix...))
	s.commit(append(dst, s.suffix...))
}

func (s *stream) commit(dst []byte) {
	s.buf.b, s.pending = dst, dst[s.base:]
}

func (s *stream) appendOpening(dst []byte) []byte {
	if len(s.answer.calls) > 0 {
		return append(dst, `{"index":0,"delta":{"role":"assistant","content":null,"refusal":null},"logprobs":null,"finish_reason":null}`...)
	}
	return append(dst, `{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}`...)
}

func (s *stream) appendFinish(dst []byte) []byte {
	if !s.isChat() {
		return append(dst, `{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}`...)
	}
	dst = append(dst, `{"index":0,"delta":{},"logprobs":null,"finish_reason":`...)
	return append(append(dst, s.answer.finishReason()...), '}')
}

// renderPiece renders the next piece of the text or of a tool call, if there
// is one.
func (s *stream) renderPiece() bool {
	piece, ok := s.pieces.next()
	calls := s.answer.calls
	switch {
	case ok:
	case s.call+1 < len(calls):
		s.call++
		arguments := calls[s.call].arguments
		s.pieces = cutter{text: arguments, pieces: (len(arguments) + argumentPiece - 1) / argumentPiece}
		s.render(s.appendCallOpening)
		return true
	default:
		return false
	}
	dst := s.buf.b[:s.base]
	dst = append(dst, s.prefix...)
	switch {
	case len(calls) > 0:
		dst = strconv.AppendInt(append(dst, `{"index":0,"delta":{"tool_calls":[{"index":`...), int64(s.call), 10)
		dst = appendString(append(dst, `,"function":{"arguments":`...), piece)
		dst = append(dst, `}}]},"logprobs":null,"finish_reason":null}`...)
	case s.isChat():
		dst = appendString(append(dst, `{"index":0,"delta":{"content":`...), piece)
		dst = append(dst, `},"logprobs":null,"finish_reason":null}`...)
	default:
		dst = appendString(append(dst, `{"text":`...), piece)
		dst = append(dst, `,"index":0,"logprobs":null,"finish_reason":null}`...)
	}
	s.commit(append(dst, s.suffix...))
	return true
}

func (s *stream) appendCallOpening(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"index":0,"delta":{"tool_calls":[{"index":`...), int64(s.call), 10)
	dst = appendCall(append(dst, ','), &s.answer.calls[s.call], s.answer.callID, s.call)
	return append(dst, `""}}]},"logprobs":null,"finish_reason":null}`...)
}

// wait holds the chunk that was just rendered back for the interval.
func (s *stream) wait() error {
	if s.interval <= 0 {
		return nil
	}
	if s.timer == nil {
		s.timer = time.NewTimer(s.interval)
	} else {
		s.timer.Reset(s.interval)
	}
	select {
	case <-s.timer.C:
		return nil
	case <-s.ctx.Done():
		s.pending = nil
		return cancelled(s.ctx)
	}
}
