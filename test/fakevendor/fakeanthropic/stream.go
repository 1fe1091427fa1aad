package fakeanthropic

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// stream collects the events of
// https://docs.anthropic.com/en/docs/build-with-claude/streaming
type stream struct {
	frames []fakevendor.Frame
	blocks int
}

func (s *stream) event(content bool, name string, pairs ...any) {
	data := fakevendor.Object(append([]any{"type", name}, pairs...)...)
	s.frames = append(s.frames, fakevendor.Frame{Data: fakevendor.Event(name, data), Content: content})
}

// block sends one block: how it opens, and its deltas.
func (s *stream) block(opening json.RawMessage, deltas ...delta) {
	s.event(false, "content_block_start", "index", s.blocks, "content_block", opening)
	if s.blocks == 0 {
		s.event(false, "ping")
	}
	for _, d := range deltas {
		s.event(d.content, "content_block_delta", "index", s.blocks, "delta", fakevendor.Object("type", d.kind, d.name, d.text))
	}
	s.event(false, "content_block_stop", "index", s.blocks)
	s.blocks++
}

type delta struct {
	content          bool
	kind, name, text string
}

func deltas(kind, name string, pieces []string) []delta {
	all := make([]delta, len(pieces))
	for i, p := range pieces {
		all[i] = delta{true, kind, name, p}
	}
	return all
}

// stream renders the events.
func (q *request) stream(r fakevendor.Reply) fakevendor.Stream {
	s := &stream{}
	s.event(false, "message_start", "message", q.envelope(nil, nil, nil, r.Usage, true))
	if len(r.Thoughts) > 0 {
		all := append(deltas("thinking_delta", "thinking", q.thoughts(r)), delta{false, "signature_delta", "signature", r.Signature})
		s.block(fakevendor.Object("type", "thinking", "thinking", "", "signature", ""), all...)
	}
	if len(r.Pieces) > 0 {
		s.block(fakevendor.Object("type", "text", "text", ""), deltas("text_delta", "text", r.Pieces)...)
	}
	for _, c := range r.Calls {
		// The vendor opens the arguments with an empty piece.
		all := append([]delta{{false, "input_json_delta", "partial_json", ""}}, deltas("input_json_delta", "partial_json", c.ArgumentPieces())...)
		s.block(fakevendor.Object("type", "tool_use", "id", callID(c), "name", c.Name, "input", fakevendor.Object()), all...)
	}
	reason, sequence := q.reason(r.Finish)
	end := []any{"delta", fakevendor.Object("stop_reason", reason, "stop_sequence", sequence)}
	if u := r.Usage; u != nil {
		end = append(end, "usage", fakevendor.Object("input_tokens", u.Prompt-u.Cached-u.CacheWritten, "cache_creation_input_tokens", u.CacheWritten,
			"cache_read_input_tokens", u.Cached, "output_tokens", u.Completion))
	}
	s.event(false, "message_delta", end...)
	s.event(false, "message_stop")
	return fakevendor.Stream{
		Header: header("text/event-stream; charset=utf-8"),
		Frames: s.frames,
		Broken: func(message string) []byte {
			return fakevendor.Event("error", fakevendor.Object("type", "error", "error", fakevendor.Object("type", "overloaded_error", "message", message)))
		},
	}
}
