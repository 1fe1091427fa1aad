package fakecohere

import (
	"encoding/json"
	"net/http"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

const plan = "I will use the tools."

// answer renders the whole answer.
func (q *request) answer(r fakevendor.Reply) fakevendor.Document {
	message := []any{"role", "assistant"}
	if len(r.Calls) > 0 {
		calls := make([]json.RawMessage, len(r.Calls))
		for i, c := range r.Calls {
			calls[i] = call(c, c.Arguments)
		}
		message = append(message, "tool_plan", plan, "tool_calls", fakevendor.List(calls))
	}
	var content []json.RawMessage
	if len(r.Thoughts) > 0 {
		content = append(content, fakevendor.Object("type", "thinking", "thinking", r.Thought()))
	}
	if len(r.Pieces) > 0 {
		content = append(content, fakevendor.Object("type", "text", "text", r.Text()))
	}
	if len(content) > 0 {
		message = append(message, "content", fakevendor.List(content))
	}
	pairs := []any{"id", "vendor-chat", "message", fakevendor.Object(message...), "finish_reason", reason(r.Finish)}
	if r.Usage != nil {
		pairs = append(pairs, "usage", usage(*r.Usage))
	}
	return document(fakevendor.Object(pairs...))
}

func call(c fakevendor.ToolCall, arguments string) json.RawMessage {
	return fakevendor.Object("id", c.Name+"_"+c.ID, "type", "function", "function", fakevendor.Object("name", c.Name, "arguments", arguments))
}

// usage bills less than it counts, as the vendor does.
func usage(u fakevendor.Usage) json.RawMessage {
	return fakevendor.Object("billed_units", fakevendor.Object("input_tokens", u.Prompt-1, "output_tokens", u.Completion-1),
		"tokens", fakevendor.Object("input_tokens", u.Prompt, "output_tokens", u.Completion))
}

func reason(f fakevendor.Finish) string {
	switch f {
	case fakevendor.OutOfTokens:
		return "MAX_TOKENS"
	case fakevendor.CalledTools:
		return "TOOL_CALL"
	case fakevendor.StopSequence:
		return "STOP_SEQUENCE"
	case fakevendor.Filtered:
		return "ERROR_TOXIC"
	default:
		return "COMPLETE"
	}
}

// stream collects the events of https://docs.cohere.com/docs/streaming
type stream struct {
	frames []fakevendor.Frame
	index  int
}

func (s *stream) event(content bool, name string, pairs ...any) {
	data := fakevendor.Object(append([]any{"type", name}, pairs...)...)
	s.frames = append(s.frames, fakevendor.Frame{Data: fakevendor.Event(name, data), Content: content})
}

// message is an event about a part of the message.
func (s *stream) message(content bool, name, part string, value any) {
	s.event(content, name, "index", s.index, "delta", fakevendor.Object("message", fakevendor.Object(part, value)))
}

// content sends a block of content: text, or thinking under that name.
func (s *stream) content(kind string, pieces []string) {
	if len(pieces) == 0 {
		return
	}
	s.message(false, "content-start", "content", fakevendor.Object("type", kind, kind, ""))
	for _, p := range pieces {
		s.message(true, "content-delta", "content", fakevendor.Object(kind, p))
	}
	s.event(false, "content-end", "index", s.index)
	s.index++
}

// stream renders the events.
func (q *request) stream(r fakevendor.Reply) fakevendor.Stream {
	s := &stream{}
	none := fakevendor.List[string](nil)
	s.event(false, "message-start", "id", "vendor-chat", "delta", fakevendor.Object("message", fakevendor.Object(
		"role", "assistant", "content", none, "tool_plan", "", "tool_calls", none, "citations", none)))
	s.content("thinking", r.Thoughts)
	s.content("text", r.Pieces)
	if len(r.Calls) > 0 {
		s.event(false, "tool-plan-delta", "delta", fakevendor.Object("message", fakevendor.Object("tool_plan", plan)))
	}
	s.index = 0
	for _, c := range r.Calls {
		s.message(false, "tool-call-start", "tool_calls", call(c, ""))
		for _, p := range c.ArgumentPieces() {
			s.message(true, "tool-call-delta", "tool_calls", fakevendor.Object("function", fakevendor.Object("arguments", p)))
		}
		s.event(false, "tool-call-end", "index", s.index)
		s.index++
	}
	end := []any{"finish_reason", reason(r.Finish)}
	if r.Usage != nil {
		end = append(end, "usage", usage(*r.Usage))
	}
	s.event(false, "message-end", "delta", fakevendor.Object(end...))
	s.frames = append(s.frames, fakevendor.Frame{Data: fakevendor.Event("", []byte("[DONE]"))})
	return fakevendor.Stream{
		Header: http.Header{"Content-Type": {"text/event-stream"}}, Frames: s.frames,
		Broken: func(message string) []byte {
			return fakevendor.Event("message-end", fakevendor.Object("type", "message-end", "delta", fakevendor.Object("finish_reason", "ERROR", "error", message)))
		},
	}
}
