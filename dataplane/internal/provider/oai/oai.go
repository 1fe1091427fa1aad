// Package oai chats in the internal form with a backend whose wire is
// OpenAI's: it encodes the request, and reads the answer or the stream. It is
// what dialects other than OpenAI's meet OpenAI's imitators through.
package oai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// maxWhole bounds an answer that is not a stream.
const maxWhole = 256 << 20

// Doer sends calls in OpenAI's wire.
type Doer interface {
	Do(ctx context.Context, call *provider.Call) (provider.Reply, error)
}

// Chat sends a chat and reads the answer.
func Chat(ctx context.Context, d Doer, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	body, err := req.Plain().Encode()
	if err != nil {
		return nil, err
	}
	c := *call
	c.Surface, c.Body = provider.ChatCompletions, body
	if c.Members, err = jsonx.Members(nil, body); err != nil {
		return nil, fmt.Errorf("encode chat request: %w", err)
	}
	c.Stream, c.AddUsage = req.Stream, req.Stream
	reply, err := d.Do(ctx, &c)
	if err != nil {
		return nil, err
	}
	if reply.Status() >= http.StatusBadRequest {
		defer func() { _ = reply.Close() }()
		return nil, provider.ReadFailure(reply)
	}
	if req.Stream && strings.HasPrefix(reply.Header("Content-Type"), "text/event-stream") {
		return &provider.Answer{Stream: &stream{reply: reply, frames: frame.NewReader(reply, frame.SSE())}, Header: reply.Header}, nil
	}
	defer func() { _ = reply.Close() }()
	whole, err := readWhole(reply)
	if err != nil {
		return nil, err
	}
	if req.Stream {
		return &provider.Answer{Stream: provider.Replay(whole), Header: reply.Header}, nil
	}
	return &provider.Answer{Whole: whole, Header: reply.Header}, nil
}

func readWhole(reply provider.Reply) (*chat.Response, error) {
	body, err := io.ReadAll(io.LimitReader(reply, maxWhole))
	if err != nil {
		return nil, err
	}
	if failure := provider.Midstream(body); failure != nil {
		return nil, failure
	}
	whole, err := chat.DecodeResponse(body)
	if err != nil {
		return nil, provider.BadAnswer("the answer is not a chat completion", err)
	}
	return whole, nil
}

// stream reads OpenAI's events.
type stream struct {
	reply  provider.Reply
	frames *frame.Reader
	events int
}

func (s *stream) Ready() bool { return s.frames.Ready() }
func (s *stream) Close() error {
	s.frames.Close()
	return s.reply.Close()
}

func (s *stream) Next(c *chat.Chunk) error {
	f, err := s.frames.Next()
	if err != nil {
		if errors.Is(err, io.EOF) && s.events == 0 {
			return provider.BadAnswer("the stream ended before its first event", nil)
		}
		return err
	}
	if string(f.Data) == "[DONE]" {
		return io.EOF
	}
	if failure := provider.Midstream(f.Data); failure != nil {
		return failure
	}
	s.events++
	if err := chat.DecodeChunk(f.Data, c); err != nil {
		return provider.BadAnswer("the stream does not carry chat chunks", err)
	}
	return nil
}
