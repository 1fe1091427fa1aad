package compat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// textRequest is OpenAI's text completion.
// https://platform.openai.com/docs/api-reference/completions/create
type textRequest struct {
	Model            string              `json:"model"`
	Prompt           string              `json:"prompt"`
	MaxTokens        *int64              `json:"max_tokens,omitempty"`
	Temperature      *float64            `json:"temperature,omitempty"`
	TopP             *float64            `json:"top_p,omitempty"`
	N                *int64              `json:"n,omitempty"`
	Stop             chat.Stop           `json:"stop,omitempty"`
	Seed             *int64              `json:"seed,omitempty"`
	FrequencyPenalty *float64            `json:"frequency_penalty,omitempty"`
	PresencePenalty  *float64            `json:"presence_penalty,omitempty"`
	LogitBias        json.RawMessage     `json:"logit_bias,omitempty"`
	Logprobs         *int64              `json:"logprobs,omitempty"`
	User             string              `json:"user,omitempty"`
	Stream           bool                `json:"stream,omitempty"`
	StreamOptions    *chat.StreamOptions `json:"stream_options,omitempty"`
}

// textParams are the chat parameters that a text completion has, too.
func textParams() []string {
	return []string{
		"max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed", "frequency_penalty", "presence_penalty",
		"logit_bias", "logprobs", "top_logprobs", "user",
	}
}

// complete chats with a model that only completes texts: the conversation
// becomes one prompt, as LiteLLM has it, its texts with a space between.
func (b *Backend) complete(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	body, err := b.prompt(call, req)
	if err != nil {
		return nil, err
	}
	c := *call
	c.Surface, c.Body, c.Stream, c.AddUsage = provider.Completions, body, req.Stream, req.Stream
	if c.Members, err = jsonx.Members(nil, body); err != nil {
		return nil, fmt.Errorf("encode text completion: %w", err)
	}
	r, err := b.Do(ctx, &c)
	if err != nil {
		return nil, err
	}
	if r.Status() >= http.StatusBadRequest {
		defer func() { _ = r.Close() }()
		return nil, provider.ReadFailure(r)
	}
	if req.Stream && strings.HasPrefix(r.Header("Content-Type"), "text/event-stream") {
		return &provider.Answer{Stream: &textStream{reply: r, frames: frame.NewReader(r, frame.SSE())}, Header: r.Header}, nil
	}
	defer func() { _ = r.Close() }()
	whole, err := readText(r)
	if err != nil {
		return nil, err
	}
	if req.Stream {
		return &provider.Answer{Stream: provider.Replay(whole), Header: r.Header}, nil
	}
	return &provider.Answer{Whole: whole, Header: r.Header}, nil
}

func (b *Backend) prompt(call *provider.Call, req *chat.Request) ([]byte, error) {
	var unknown []string
	known := textParams()
	for _, name := range req.Params() {
		if !slices.Contains(known, name) && !b.allowed(call, name) && !b.drops(call) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, unsupported(b, unknown...)
	}
	t := textRequest{
		Model: req.Model, Temperature: req.Temperature, TopP: req.TopP, N: req.N, Stop: req.Stop, Seed: req.Seed, FrequencyPenalty: req.FrequencyPenalty,
		PresencePenalty: req.PresencePenalty, LogitBias: req.LogitBias, User: req.User, Stream: req.Stream, StreamOptions: req.StreamOptions,
	}
	if n, ok := req.Limit(); ok {
		t.MaxTokens = &n
	}
	if req.Logprobs != nil && *req.Logprobs {
		t.Logprobs = req.TopLogprobs
	}
	texts := make([]string, 0, len(req.Messages))
	for i := range req.Messages {
		texts = append(texts, req.Messages[i].Content.Text())
	}
	t.Prompt = strings.Join(texts, " ")
	body, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode text completion: %w", err)
	}
	return body, nil
}

// textAnswer is a text completion, or a chunk of one.
type textAnswer struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Created int64  `json:"created"`
	Choices []struct {
		Index        int    `json:"index"`
		Text         string `json:"text"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage json.RawMessage `json:"usage"`
	Error json.RawMessage `json:"error"`
}

func readText(r io.Reader) (*chat.Response, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxWhole))
	if err != nil {
		return nil, err
	}
	var t textAnswer
	if err := json.Unmarshal(body, &t); err != nil {
		return nil, provider.BadAnswer("the answer is not a text completion", err)
	}
	w := &chat.Response{ID: t.ID, Model: t.Model, Created: t.Created}
	for _, c := range t.Choices {
		w.Choices = append(w.Choices, chat.Choice{
			Index: c.Index, Message: chat.Message{Role: chat.Assistant, Content: chat.Text(c.Text)}, FinishReason: c.FinishReason,
		})
	}
	w.HasUsage = w.Usage.Read(t.Usage)
	return w, nil
}

// textStream reads the stream of a text completion.
type textStream struct {
	reply  provider.Reply
	frames *frame.Reader
	events int
}

func (s *textStream) Ready() bool  { return s.frames.Ready() }
func (s *textStream) Close() error { return s.reply.Close() }

func (s *textStream) Next(c *chat.Chunk) error {
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
	var t textAnswer
	if err := json.Unmarshal(f.Data, &t); err != nil {
		return provider.BadAnswer("the stream does not carry text completions", err)
	}
	if len(t.Error) > 0 && !jsonx.IsNull(t.Error) {
		failure := &provider.Failure{Status: http.StatusInternalServerError}
		failure.Explain(bytes.Clone(f.Data))
		return failure
	}
	s.events++
	c.Reset()
	c.ID, c.Model, c.Created = t.ID, t.Model, t.Created
	c.HasUsage = c.Usage.Read(t.Usage)
	for _, choice := range t.Choices {
		d := c.Add(choice.Index)
		d.Content, d.FinishReason = choice.Text, choice.FinishReason
	}
	return nil
}
