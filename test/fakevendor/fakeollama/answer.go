package fakeollama

import (
	"encoding/json"
	"net/http"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

const created = "2026-01-31T00:00:00.123456Z"

// answer renders the whole answer.
func (q *request) answer(r fakevendor.Reply) fakevendor.Document {
	return document(q.line(q.part(r.Thought(), r.Text(), r.Calls), ending(r)...))
}

// part is what a line says, under the names of the endpoint.
func (q *request) part(thought, text string, calls []fakevendor.ToolCall) []any {
	pairs := []any{"content", text}
	if q.generate {
		pairs = []any{"response", text}
	}
	if thought != "" {
		pairs = append(pairs, "thinking", thought)
	}
	if len(calls) > 0 {
		all := make([]json.RawMessage, len(calls))
		for i, c := range calls {
			all[i] = fakevendor.Object("function", fakevendor.Object("index", i, "name", c.Name, "arguments", json.RawMessage(c.Arguments)))
		}
		pairs = append(pairs, "tool_calls", fakevendor.List(all))
	}
	if q.generate {
		return pairs
	}
	return []any{"message", fakevendor.Object(append([]any{"role", "assistant"}, pairs...)...)}
}

func (q *request) line(part []any, end ...any) []byte {
	if len(end) == 0 {
		end = []any{"done", false}
	}
	pairs := append([]any{"model", q.model, "created_at", created}, part...)
	return fakevendor.Object(append(pairs, end...)...)
}

func ending(r fakevendor.Reply) []any {
	why := "stop" // for calls too
	if r.Finish == fakevendor.OutOfTokens {
		why = "length"
	}
	pairs := []any{"done_reason", why, "done", true, "total_duration", 5191566416, "load_duration", 2154458}
	if u := r.Usage; u != nil {
		pairs = append(pairs, "prompt_eval_count", u.Prompt, "prompt_eval_duration", 383809000, "eval_count", u.Completion, "eval_duration", 4799921000)
	}
	return pairs
}

// stream renders a line of JSON for each piece, and
// calls whole.
func (q *request) stream(r fakevendor.Reply) fakevendor.Stream {
	var frames []fakevendor.Frame
	add := func(content bool, line []byte) {
		frames = append(frames, fakevendor.Frame{Data: append(line, '\n'), Content: content})
	}
	for _, p := range r.Thoughts {
		add(true, q.line(q.part(p, "", nil)))
	}
	for _, p := range r.Pieces {
		add(true, q.line(q.part("", p, nil)))
	}
	for _, c := range r.Calls {
		add(true, q.line(q.part("", "", []fakevendor.ToolCall{c})))
	}
	add(false, q.line(q.part("", "", nil), ending(r)...))
	return fakevendor.Stream{
		Header: http.Header{"Content-Type": {"application/x-ndjson"}}, Frames: frames,
		Broken: func(message string) []byte { return append(fakevendor.Object("error", message), '\n') },
	}
}
