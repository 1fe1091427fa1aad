package fakebedrock

import (
	"bytes"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// frame renders a message of
// https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
// with its checksums; kind is event or exception.
func frame(kind, name string, payload []byte) []byte {
	var headers eventstream.Headers
	headers.Set(":"+kind+"-type", eventstream.StringValue(name))
	headers.Set(":content-type", eventstream.StringValue("application/json"))
	headers.Set(":message-type", eventstream.StringValue(kind))
	var b bytes.Buffer
	if eventstream.NewEncoder().Encode(&b, eventstream.Message{Headers: headers, Payload: payload}) != nil {
		return nil // a buffer takes everything
	}
	return b.Bytes()
}

// stream collects the events of
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
type stream struct {
	frames []fakevendor.Frame
	blocks int
}

// event adds an event, padded as the vendor does.
func (s *stream) event(content bool, name string, pairs ...any) {
	payload := fakevendor.Object(append(pairs, "p", "abcdefghijkl")...)
	s.frames = append(s.frames, fakevendor.Frame{Data: frame("event", name, payload), Content: content})
}

func (s *stream) delta(content bool, delta json.RawMessage) {
	s.event(content, "contentBlockDelta", "contentBlockIndex", s.blocks, "delta", delta)
}

func (s *stream) endBlock() {
	s.event(false, "contentBlockStop", "contentBlockIndex", s.blocks)
	s.blocks++
}

// stream renders the events. Only calls have an event that opens
// their block.
func (q *request) stream(r fakevendor.Reply) fakevendor.Stream {
	s := &stream{}
	s.event(false, "messageStart", "role", "assistant")
	if len(r.Thoughts) > 0 {
		for _, p := range r.Thoughts {
			s.delta(true, fakevendor.Object("reasoningContent", fakevendor.Object("text", p)))
		}
		s.delta(false, fakevendor.Object("reasoningContent", fakevendor.Object("signature", r.Signature)))
		s.endBlock()
	}
	if len(r.Pieces) > 0 {
		for _, p := range r.Pieces {
			s.delta(true, fakevendor.Object("text", p))
		}
		s.endBlock()
	}
	for _, c := range r.Calls {
		s.event(false, "contentBlockStart", "contentBlockIndex", s.blocks, "start", fakevendor.Object("toolUse", fakevendor.Object("name", c.Name, "toolUseId", callID(c))))
		for _, p := range c.ArgumentPieces() {
			s.delta(true, fakevendor.Object("toolUse", fakevendor.Object("input", p)))
		}
		s.endBlock()
	}
	s.event(false, "messageStop", "stopReason", reason(r.Finish))
	metadata := []any{"metrics", fakevendor.Object("latencyMs", latency)}
	if r.Usage != nil {
		metadata = append(metadata, "usage", usage(*r.Usage))
	}
	s.event(false, "metadata", metadata...)
	return fakevendor.Stream{
		Header: header("application/vnd.amazon.eventstream"), Frames: s.frames, Broken: broken,
	}
}
