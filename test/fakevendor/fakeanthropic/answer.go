package fakeanthropic

import (
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// answer renders the whole answer.
func (q *request) answer(r fakevendor.Reply) fakevendor.Document {
	if q.endpoint.counts() {
		return document(fakevendor.Object("input_tokens", fakevendor.PromptTokens))
	}
	return document(q.message(r))
}

func (q *request) message(r fakevendor.Reply) json.RawMessage {
	var content []json.RawMessage
	if len(r.Thoughts) > 0 {
		content = append(content, fakevendor.Object("type", "thinking", "thinking", strings.Join(q.thoughts(r), ""), "signature", r.Signature))
	}
	if len(r.Pieces) > 0 {
		content = append(content, fakevendor.Object("type", "text", "text", r.Text()))
	}
	for _, c := range r.Calls {
		content = append(content, fakevendor.Object("type", "tool_use", "id", callID(c), "name", c.Name, "input", json.RawMessage(c.Arguments)))
	}
	reason, sequence := q.reason(r.Finish)
	return q.envelope(content, reason, sequence, r.Usage, false)
}

// thoughts are those that the caller wants to see.
func (q *request) thoughts(r fakevendor.Reply) []string {
	if q.omit {
		return nil
	}
	return r.Thoughts
}

// envelope is a message; opening is the one at the start of a stream.
func (q *request) envelope(content []json.RawMessage, reason, sequence any, u *fakevendor.Usage, opening bool) json.RawMessage {
	pairs := []any{
		"model", q.model, "id", "msg_vendor", "type", "message", "role", "assistant", "content", fakevendor.List(content),
		"stop_reason", reason, "stop_sequence", sequence,
	}
	if u != nil {
		pairs = append(pairs, "usage", usage(*u, opening))
	}
	return fakevendor.Object(pairs...)
}

// usage counts what was read from and written to the cache apart from the rest
// of the prompt.
func usage(u fakevendor.Usage, opening bool) json.RawMessage {
	output := u.Completion
	if opening {
		output = 1
	}
	return fakevendor.Object("input_tokens", u.Prompt-u.Cached-u.CacheWritten, "cache_creation_input_tokens", u.CacheWritten, "cache_read_input_tokens", u.Cached,
		"cache_creation", fakevendor.Object("ephemeral_5m_input_tokens", u.CacheWritten, "ephemeral_1h_input_tokens", 0),
		"output_tokens", output, "service_tier", "standard")
}

func callID(c fakevendor.ToolCall) string { return "toolu_" + c.ID }

func (q *request) reason(f fakevendor.Finish) (reason, sequence any) {
	switch f {
	case fakevendor.OutOfTokens:
		return "max_tokens", nil
	case fakevendor.CalledTools:
		return "tool_use", nil
	case fakevendor.Filtered:
		return "refusal", nil
	case fakevendor.StopSequence:
		if len(q.stop) > 0 {
			return "stop_sequence", q.stop[0]
		}
	default:
	}
	return "end_turn", nil
}
