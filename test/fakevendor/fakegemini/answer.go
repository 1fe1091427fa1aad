package fakegemini

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// request is one for content.
type request struct {
	asked fakevendor.Asked
	model string
	// array is a stream as one JSON array instead of events.
	array bool
}

func readGenerate(c *fakevendor.Call, vertex bool) (*fakevendor.Request, *fakevendor.Failure) {
	q, f := readBody(c, c.Body, vertex)
	if f != nil {
		return nil, f
	}
	query, err := url.ParseQuery(c.Query)
	q.array = err != nil || query.Get("alt") != "sse"
	return &fakevendor.Request{Asked: q.asked, Answer: q.answer, Stream: q.stream}, nil
}

// answer renders the whole answer.
func (q *request) answer(r fakevendor.Reply) fakevendor.Document {
	var parts []json.RawMessage
	if len(r.Thoughts) > 0 {
		parts = append(parts, thought(r.Thought()))
	}
	if len(r.Pieces) > 0 {
		parts = append(parts, fakevendor.Object("text", r.Text()))
	}
	for i, c := range r.Calls {
		parts = append(parts, q.call(i, c, r))
	}
	return document(q.chunk(parts, reason(r.Finish), r.Usage))
}

func thought(text string) json.RawMessage { return fakevendor.Object("text", text, "thought", true) }

// call renders a call. The first carries the signature of the thoughts, and
// models since Gemini 3 tell ids.
func (q *request) call(i int, c fakevendor.ToolCall, r fakevendor.Reply) json.RawMessage {
	pairs := []any{"name", c.Name, "args", json.RawMessage(c.Arguments)}
	if q.newer() {
		pairs = append([]any{"id", "fc_" + c.ID}, pairs...)
	}
	whole := []any{"functionCall", fakevendor.Object(pairs...)}
	if i == 0 && (len(r.Thoughts) > 0 || q.newer()) {
		whole = append(whole, "thoughtSignature", r.Signature)
	}
	return fakevendor.Object(whole...)
}

func (q *request) newer() bool { return strings.HasPrefix(q.model, "gemini-3") }

// chunk is a response, or one event of a stream.
func (q *request) chunk(parts []json.RawMessage, reason any, u *fakevendor.Usage) []byte {
	candidate := []any{"content", fakevendor.Object("parts", fakevendor.List(parts), "role", "model")}
	if reason != nil {
		candidate = append(candidate, "finishReason", reason)
	}
	candidate = append(candidate, "index", 0)
	pairs := []any{"candidates", fakevendor.List([]json.RawMessage{fakevendor.Object(candidate...)})}
	if u != nil {
		pairs = append(pairs, "usageMetadata", usage(*u))
	}
	return fakevendor.Object(append(pairs, "modelVersion", q.model, "responseId", "vendor-response")...)
}

// usage counts thoughts apart from the candidates.
func usage(u fakevendor.Usage) json.RawMessage {
	modality := func(n int) json.RawMessage {
		return fakevendor.List([]json.RawMessage{fakevendor.Object("modality", "TEXT", "tokenCount", n)})
	}
	pairs := []any{
		"promptTokenCount", u.Prompt, "candidatesTokenCount", u.Completion - u.Reasoning, "totalTokenCount", u.Total(),
		"promptTokensDetails", modality(u.Prompt),
	}
	if u.Cached > 0 {
		pairs = append(pairs, "cachedContentTokenCount", u.Cached, "cacheTokensDetails", modality(u.Cached))
	}
	if u.Reasoning > 0 {
		pairs = append(pairs, "thoughtsTokenCount", u.Reasoning)
	}
	return fakevendor.Object(pairs...)
}

func reason(f fakevendor.Finish) string {
	switch f {
	case fakevendor.OutOfTokens:
		return "MAX_TOKENS"
	case fakevendor.Filtered:
		return "SAFETY"
	default:
		return "STOP" // for calls too
	}
}

// stream renders the events. Calls come whole, and usage with
// every event.
func (q *request) stream(r fakevendor.Reply) fakevendor.Stream {
	s := &stream{array: q.array}
	for _, p := range r.Thoughts {
		s.add(true, q.chunk([]json.RawMessage{thought(p)}, nil, r.Usage))
	}
	for i, p := range r.Pieces {
		var end any
		if i == len(r.Pieces)-1 && len(r.Calls) == 0 {
			end = reason(r.Finish)
		}
		s.add(true, q.chunk([]json.RawMessage{fakevendor.Object("text", p)}, end, r.Usage))
	}
	for i, c := range r.Calls {
		var end any
		if i == len(r.Calls)-1 {
			end = reason(r.Finish)
		}
		s.add(true, q.chunk([]json.RawMessage{q.call(i, c, r)}, end, r.Usage))
	}
	return s.stream()
}

// stream collects chunks as events or as members of an array.
type stream struct {
	array  bool
	frames []fakevendor.Frame
}

func (s *stream) add(content bool, chunk []byte) {
	text := "data: " + string(chunk) + "\r\n\r\n"
	if s.array {
		text = ",\r\n" + string(chunk)
		if len(s.frames) == 0 {
			text = "[" + string(chunk)
		}
	}
	s.frames = append(s.frames, fakevendor.Frame{Data: []byte(text), Content: content})
}

func (s *stream) stream() fakevendor.Stream {
	contentType := "text/event-stream"
	if s.array {
		contentType = "application/json; charset=UTF-8"
		s.frames = append(s.frames, fakevendor.Frame{Data: []byte("]\r\n")})
	}
	return fakevendor.Stream{
		Header: header(contentType), Frames: s.frames,
		Broken: func(message string) []byte {
			const unavailable = 503
			if s.array {
				return append([]byte(",\r\n"), append(failure(unavailable, message), "]\r\n"...)...)
			}
			return []byte("data: " + string(failure(unavailable, message)) + "\r\n\r\n")
		},
	}
}
