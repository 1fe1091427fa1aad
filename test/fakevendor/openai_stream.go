package fakevendor

import (
	"encoding/json"
	"net/http"
)

// openAIStream collects the events of a chat or a completion.
type openAIStream struct {
	id, object, model string
	includeUsage      bool
	frames            []Frame
}

func (s *openAIStream) stream() Stream {
	return Stream{
		Header: http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}, "X-Request-Id": {"req_vendor"}},
		Frames: s.frames,
		Broken: func(message string) []byte {
			return Event("", Object("error", Object("message", message, "type", "server_error", "param", nil, "code", nil)))
		},
	}
}

// choice adds an event with one choice.
func (s *openAIStream) choice(content bool, name string, value, reason any) {
	pairs := []any{"index", 0, name, value, "logprobs", nil, "finish_reason", reason}
	s.event(content, []json.RawMessage{Object(pairs...)}, nil)
}

// event adds a chunk. Once usage is asked for, every chunk has the member.
func (s *openAIStream) event(content bool, choices []json.RawMessage, usage *Usage) {
	pairs := []any{
		"id", s.id, "object", s.object, "created", 1760000000, "model", s.model + Snapshot, "service_tier", "default", "system_fingerprint", "fp_vendor",
		"choices", List(choices),
	}
	switch {
	case usage != nil:
		pairs = append(pairs, "usage", openAIUsage(*usage))
	case s.includeUsage:
		pairs = append(pairs, "usage", nil)
	}
	s.frames = append(s.frames, Frame{Data: Event("", Object(append(pairs, "obfuscation", "x")...)), Content: content})
}

func (s *openAIStream) ending(usage *Usage) {
	if s.includeUsage && usage != nil {
		s.event(false, nil, usage)
	}
	s.frames = append(s.frames, Frame{Data: Event("", []byte("[DONE]"))})
}

// stream renders
// https://platform.openai.com/docs/api-reference/chat-streaming
func (q *openAIChat) stream(r Reply) Stream {
	s := &openAIStream{id: "chatcmpl-vendor", object: "chat.completion.chunk", model: q.model, includeUsage: q.includeUsage}
	delta := func(content bool, pairs ...any) { s.choice(content, "delta", Object(pairs...), nil) }
	if len(r.Pieces) > 0 || len(r.Calls) == 0 {
		delta(false, "role", "assistant", "content", "", "refusal", nil)
	}
	for _, p := range r.Pieces {
		delta(true, "content", p)
	}
	for i, c := range r.Calls {
		call := Object("index", i, "id", openAICallID(c), "type", "function", "function", Object("name", c.Name, "arguments", ""))
		opening := []any{"tool_calls", List([]json.RawMessage{call})}
		if i == 0 && len(r.Pieces) == 0 {
			opening = append([]any{"role", "assistant", "content", nil}, append(opening, "refusal", nil)...)
		}
		delta(false, opening...)
		for _, p := range c.ArgumentPieces() {
			delta(true, "tool_calls", List([]json.RawMessage{Object("index", i, "function", Object("arguments", p))}))
		}
	}
	s.choice(false, "delta", Object(), openAIReason(r.Finish))
	s.ending(r.Usage)
	return s.stream()
}

// stream renders the events.
func (q *openAICompletion) stream(r Reply) Stream {
	s := &openAIStream{id: "cmpl-vendor", object: "text_completion", model: q.model, includeUsage: q.includeUsage}
	for _, p := range r.Pieces {
		s.choice(true, "text", p, nil)
	}
	s.choice(false, "text", "", openAIReason(r.Finish))
	s.ending(r.Usage)
	return s.stream()
}
