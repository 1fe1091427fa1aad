package fakevendor

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// responseItem is an item of output, as it stands once it is done and as a
// stream opens it.
type responseItem struct {
	kind    string // reasoning, message or function_call
	id      string
	done    json.RawMessage
	opening json.RawMessage
	pieces  []string
	text    string
	call    ToolCall
}

func (q *responsesRequest) items(r Reply) []responseItem {
	var items []responseItem
	if len(r.Thoughts) > 0 {
		id, summary := "rs_vendor", []json.RawMessage(nil)
		item := responseItem{kind: "reasoning", id: id, opening: Object("id", id, "type", "reasoning", "summary", List(summary))}
		if q.summary {
			summary = append(summary, Object("type", "summary_text", "text", r.Thought()))
			item.pieces, item.text = r.Thoughts, r.Thought()
		}
		item.done = Object("id", id, "type", "reasoning", "summary", List(summary))
		items = append(items, item)
	}
	if len(r.Pieces) > 0 {
		render := func(status string, content ...json.RawMessage) json.RawMessage {
			return Object("id", "msg_vendor", "type", "message", "status", status, "role", "assistant", "content", List(content))
		}
		items = append(items, responseItem{
			kind: "message", id: "msg_vendor", pieces: r.Pieces, text: r.Text(),
			opening: render("in_progress"), done: render("completed", outputText(r.Text())),
		})
	}
	for i, c := range r.Calls {
		id := fmt.Sprintf("fc_vendor%d", i+1)
		render := func(status, arguments string) json.RawMessage {
			return Object("id", id, "type", "function_call", "status", status, "call_id", openAICallID(c), "name", c.Name, "arguments", arguments)
		}
		items = append(items, responseItem{
			kind: "function_call", id: id, pieces: c.ArgumentPieces(), text: c.Arguments, call: c,
			opening: render("in_progress", ""), done: render("completed", c.Arguments),
		})
	}
	return items
}

func outputText(text string) json.RawMessage {
	return Object("type", "output_text", "text", text, "annotations", List[string](nil), "logprobs", List[string](nil))
}

// object renders a response.
// https://platform.openai.com/docs/api-reference/responses/object
func (q *responsesRequest) object(id, status string, output []json.RawMessage, r *Reply) json.RawMessage {
	usage, incomplete := any(nil), any(nil)
	if status != "in_progress" {
		if u := r.Usage; u != nil {
			usage = Object("input_tokens", u.Prompt, "input_tokens_details", Object("cached_tokens", u.Cached), "output_tokens", u.Completion,
				"output_tokens_details", Object("reasoning_tokens", u.Reasoning), "total_tokens", u.Total())
		}
		if r.Finish == OutOfTokens {
			status, incomplete = "incomplete", Object("reason", "max_output_tokens")
		}
	}
	previous, limit := any(nil), any(nil)
	if q.previous != "" {
		previous = q.previous
	}
	if q.maxTokens > 0 {
		limit = q.maxTokens
	}
	return Object("id", id, "object", "response", "created_at", 1760000000, "status", status, "background", false, "error", nil,
		"incomplete_details", incomplete, "instructions", nil, "max_output_tokens", limit, "model", q.model+Snapshot, "output", List(output),
		"parallel_tool_calls", true, "previous_response_id", previous, "reasoning", Object("effort", nil, "summary", nil), "service_tier", "default",
		"store", q.keep, "temperature", 1.0, "text", Object("format", Object("type", "text")), "tool_choice", "auto", "tools", List[string](nil), "top_p", 1.0,
		"truncation", "disabled", "usage", usage, "user", nil, "metadata", Object())
}

// make renders the finished response and keeps it.
func (q *responsesRequest) make(id string, r *Reply) json.RawMessage {
	var output []json.RawMessage
	for _, item := range q.items(*r) {
		output = append(output, item.done)
	}
	body := q.object(id, "completed", output, r)
	if q.keep {
		made := stored{body: body, input: q.input}
		for _, c := range r.Calls {
			made.calls = append(made.calls, openAICallID(c))
		}
		q.store.put(id, made)
	}
	return body
}

// answer renders the whole answer.
func (q *responsesRequest) answer(r Reply) Document {
	return openAIDocument(q.make(q.store.next(), &r))
}

// stream renders
// https://platform.openai.com/docs/api-reference/responses-streaming
func (q *responsesRequest) stream(r Reply) Stream {
	s := &responsesStream{}
	id := q.store.next()
	begun := q.object(id, "in_progress", nil, &r)
	s.event(false, "response.created", "response", begun)
	s.event(false, "response.in_progress", "response", begun)
	for i, item := range q.items(r) {
		s.item(i, item)
	}
	end := "response.completed"
	if r.Finish == OutOfTokens {
		end = "response.incomplete"
	}
	s.event(false, end, "response", q.make(id, &r))
	return Stream{
		Header: http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}, "X-Request-Id": {"req_vendor"}},
		Frames: s.frames,
		Broken: func(message string) []byte {
			return Event("error", Object("type", "error", "code", "server_error", "message", message, "param", nil, "sequence_number", s.number))
		},
	}
}

// responsesStream numbers the events.
type responsesStream struct {
	frames []Frame
	number int
}

func (s *responsesStream) event(content bool, name string, pairs ...any) {
	all := append([]any{"type", name, "sequence_number", s.number}, pairs...)
	s.number++
	s.frames = append(s.frames, Frame{Data: Event(name, Object(all...)), Content: content})
}

func (s *responsesStream) item(index int, item responseItem) {
	s.event(false, "response.output_item.added", "output_index", index, "item", item.opening)
	where := func(more ...any) []any { return append([]any{"item_id", item.id, "output_index", index}, more...) }
	switch item.kind {
	case "message":
		part := func(text string) []any { return where("content_index", 0, "part", outputText(text)) }
		s.event(false, "response.content_part.added", part("")...)
		for _, p := range item.pieces {
			s.event(true, "response.output_text.delta", where("content_index", 0, "delta", p, "logprobs", List[string](nil), "obfuscation", "x")...)
		}
		s.event(false, "response.output_text.done", where("content_index", 0, "text", item.text, "logprobs", List[string](nil))...)
		s.event(false, "response.content_part.done", part(item.text)...)
	case "function_call":
		for _, p := range item.pieces {
			s.event(true, "response.function_call_arguments.delta", where("delta", p, "obfuscation", "x")...)
		}
		s.event(false, "response.function_call_arguments.done", where("name", item.call.Name, "arguments", item.text)...)
	case "reasoning":
		if len(item.pieces) == 0 {
			break
		}
		part := func(text string) []any {
			return where("summary_index", 0, "part", Object("type", "summary_text", "text", text))
		}
		s.event(false, "response.reasoning_summary_part.added", part("")...)
		for _, p := range item.pieces {
			s.event(true, "response.reasoning_summary_text.delta", where("summary_index", 0, "delta", p, "obfuscation", "x")...)
		}
		s.event(false, "response.reasoning_summary_text.done", where("summary_index", 0, "text", item.text)...)
		s.event(false, "response.reasoning_summary_part.done", part(item.text)...)
	}
	s.event(false, "response.output_item.done", "output_index", index, "item", item.done)
}
