package pipeline

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/price"
)

// translate takes the request through the internal form.
func (x *exchange) translate() error {
	if x.chat == nil {
		req, err := x.endpoint.Dialect.Decode(x.withoutDropped())
		if err != nil {
			return err
		}
		req.Stream = x.call.Stream
		x.takeControls(req)
		if x.endpoint.Surface == provider.Responses {
			if err := x.recall(req); err != nil {
				return err
			}
		}
		x.chat = req
	}
	call := x.call
	call.Body, call.Members = nil, nil
	answer, err := x.backend.Chat(x.r.Context(), &call, x.chat)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Close() }()
	if answer.Stream != nil {
		return x.sendChunks(answer)
	}
	return x.sendWhole(answer)
}

// sendWhole sends an answer that is not a stream.
func (x *exchange) sendWhole(answer *provider.Answer) error {
	w := answer.Whole
	w.Model = x.model
	if w.ID == "" {
		w.ID = newAnswerID()
	}
	if w.HasUsage {
		x.tokens.Usage, x.tokens.known = w.Usage, true
	} else {
		x.countWhole(w)
		w.Usage, w.HasUsage = x.tokens.Usage, true
	}
	x.measures.Tier = price.ParseTier(w.ServiceTier)
	body, err := x.endpoint.Dialect.Whole(x.chat, w)
	if err != nil {
		return err
	}
	if x.endpoint.Surface == provider.Responses {
		x.keep(decodeResponse(body))
	}
	x.searched()
	x.settle(http.StatusOK, "")
	x.beginWhole(answer.Header, len(body))
	x.record(body)
	_, err = x.w.Write(body)
	return x.clientError(err)
}

func newAnswerID() string { return "chatcmpl-" + ident.NewUUID(time.Now()).String() }

// chunks sends a stream whose chunks are in the internal form.
type chunks struct {
	x       *exchange
	stream  provider.Stream
	header  func(string) string
	encoder dialect.Encoder
	chunk   chat.Chunk
	out     writer
}

var chunkStates = sync.Pool{New: func() any { return &chunks{} }} //nolint:gochecknoglobals // a pool

func (x *exchange) sendChunks(answer *provider.Answer) error {
	c, _ := chunkStates.Get().(*chunks)
	c.x, c.stream, c.header = x, answer.Stream, answer.Header
	c.out.open(x, answer.Header)
	defer func() {
		c.out.close()
		c.chunk.Reset()
		c.x, c.stream, c.header, c.encoder = nil, nil, nil, nil
		chunkStates.Put(c)
	}()
	x.usage.Stream = true
	for {
		if end, err := c.step(); end || err != nil {
			return err
		}
	}
}

// step handles one chunk, and sends what has come when nothing more is ready.
func (c *chunks) step() (end bool, err error) {
	switch err := c.stream.Next(&c.chunk); {
	case err == nil:
	case errors.Is(err, io.EOF):
		return true, c.end()
	default:
		return true, c.broken(err)
	}
	c.take()
	if c.stream.Ready() {
		return false, nil
	}
	return false, c.out.write()
}

// take encodes a chunk.
func (c *chunks) take() {
	x := c.x
	if c.encoder == nil {
		c.begin()
	}
	if c.chunk.HasUsage {
		x.tokens.Usage, x.tokens.known = c.chunk.Usage, true
	}
	if c.chunk.ServiceTier != "" {
		x.measures.Tier = price.ParseTier(c.chunk.ServiceTier)
	}
	x.tokens.chunks += int64(len(c.chunk.Deltas))
	for i := range c.chunk.Deltas {
		x.counted(&c.chunk.Deltas[i])
	}
	c.out.buf = c.encoder.Chunk(c.out.buf, &c.chunk)
}

func (c *chunks) begin() {
	stamp := chat.Stamp{ID: c.chunk.ID, Model: c.x.model, Created: c.chunk.Created}
	if stamp.ID == "" {
		stamp.ID = newAnswerID()
	}
	c.encoder = c.x.endpoint.Dialect.Stream(c.x.chat, stamp)
}

func (c *chunks) end() error {
	if c.encoder == nil {
		return provider.BadAnswer("the stream ended before its first event", nil)
	}
	c.x.countTokens()
	c.x.searched()
	c.out.buf = c.encoder.End(c.out.buf, &c.x.tokens.Usage)
	if a, ok := c.encoder.(answered); ok {
		c.x.keep(a.Answer())
	}
	c.x.settle(http.StatusOK, "")
	return c.out.write()
}

// broken ends a stream that the vendor broke off: with an error of the call
// when nothing was sent yet, else with the dialect's error event.
func (c *chunks) broken(err error) error {
	if c.x.r.Context().Err() != nil {
		return errClientGone
	}
	if !c.x.headerSent && len(c.out.buf) == 0 {
		return err
	}
	if n, ok := c.encoder.(dialect.Numberer); ok {
		c.x.tokens.events = n.Events()
	}
	return c.out.fail(err)
}
