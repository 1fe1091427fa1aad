package gemini

import (
	"encoding/json"
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// maxCandidates bounds what is remembered of the candidates of a stream.
	maxCandidates = 128
	// maxArguments bounds the arguments of a call that is put together.
	maxArguments = 16 << 20
)

// encoder writes one stream. Gemini calls functions in one piece, and says why
// an answer ends together with what it used: both wait until they are known.
type encoder struct {
	array bool
	begun bool
	tail  []byte // of each event: the model and the id
	w     writer
	state []candidate
}

// candidate is how far one is.
type candidate struct {
	seen   bool
	finish string
	calls  []pending
}

// pending is a call in the making.
type pending struct {
	index     int
	id, name  string
	arguments []byte
	fields    json.RawMessage
}

func newEncoder(stamp chat.Stamp, array bool) *encoder {
	tail := jsonx.AppendQuote([]byte(`,"modelVersion":`), stamp.Model)
	tail = jsonx.AppendQuote(append(tail, `,"responseId":`...), stamp.ID)
	return &encoder{array: array, tail: append(tail, '}')}
}

// open begins an event, up to its candidates.
func (e *encoder) open(b []byte) []byte {
	switch {
	case !e.array:
		b = append(b, "data: "...)
	case !e.begun:
		b = append(b, '[')
	default:
		b = append(b, ",\r\n"...)
	}
	e.begun = true
	return append(b, `{"candidates":[`...)
}

// close ends an event behind its candidates, and what was used where it is
// known.
func (e *encoder) close(b []byte, usage *chat.Usage) []byte {
	b = append(b, ']')
	if usage != nil {
		b = usage.AppendGemini(append(b, `,"usageMetadata":`...))
	}
	b = append(b, e.tail...)
	if e.array {
		return b
	}
	return append(b, "\r\n\r\n"...)
}

// Chunk implements dialect.Encoder.
func (e *encoder) Chunk(b []byte, c *chat.Chunk) []byte {
	for i := range c.Deltas {
		d := &c.Deltas[i]
		if d.Choice < 0 || d.Choice >= maxCandidates {
			continue
		}
		for len(e.state) <= d.Choice {
			e.state = append(e.state, candidate{})
		}
		s := &e.state[d.Choice]
		s.seen = true
		e.delta(s, d)
		grounded := e.grounding(d)
		if len(e.w.parts) == 0 && grounded == nil {
			continue
		}
		b = e.w.candidate(e.open(b), d.Choice, "")
		if grounded != nil {
			b = append(append(b[:len(b)-1], `,"groundingMetadata":`...), grounded...)
			b = append(b, '}')
		}
		b = e.close(b, nil)
	}
	return b
}

// delta writes what a delta says at once, and keeps the rest.
func (e *encoder) delta(s *candidate, d *chat.Delta) {
	if t := d.Thinking; t != nil && (t.Signature != "" || d.Reasoning != "") {
		e.w.text(d.Reasoning, true, t.Signature)
	} else if d.Reasoning != "" {
		e.w.text(d.Reasoning, true, "")
	}
	if d.Content != "" || d.Refusal != "" {
		e.w.text(d.Content+d.Refusal, false, "")
	}
	if signature := lastSignature(d.ProviderFields); signature != "" {
		e.w.text("", false, signature)
	}
	for i := range d.Images {
		e.w.image(&d.Images[i])
	}
	e.w.audio(d.Audio)
	for i := range d.ToolCalls {
		e.call(s, &d.ToolCalls[i])
	}
	if d.FinishReason != "" {
		s.finish = finishReason(d.FinishReason)
		e.flush(s)
	}
}

func (e *encoder) grounding(d *chat.Delta) json.RawMessage {
	if d.Annotations == nil && d.ProviderFields == nil {
		return nil
	}
	return groundingOf(field(d.ProviderFields, "vertex_ai_grounding_metadata"), d.Annotations)
}

// call adds a piece of a call. Calls that are followed by another are whole.
func (e *encoder) call(s *candidate, t *chat.ToolCallDelta) {
	i := slices.IndexFunc(s.calls, func(p pending) bool { return p.index == t.Index })
	if i >= 0 && t.ID != "" && s.calls[i].id != "" && t.ID != s.calls[i].id {
		i = -1 // some vendors number all their calls 0
	}
	if i < 0 {
		e.flush(s)
		s.calls = append(s.calls, pending{index: t.Index, id: t.ID, name: t.Name})
		i = len(s.calls) - 1
	}
	p := &s.calls[i]
	if p.name == "" {
		p.name = t.Name
	}
	if t.ProviderFields != nil {
		p.fields = slices.Clone(t.ProviderFields)
	}
	if len(p.arguments)+len(t.Arguments) <= maxArguments {
		p.arguments = append(p.arguments, t.Arguments...)
	}
}

// flush writes the calls that are whole.
func (e *encoder) flush(s *candidate) {
	for i := range s.calls {
		p := &s.calls[i]
		e.w.call(p.id, p.name, string(p.arguments), p.fields)
	}
	s.calls = s.calls[:0]
}

// End implements dialect.Encoder.
func (e *encoder) End(b []byte, usage *chat.Usage) []byte {
	b = e.open(b)
	first := true
	for i := range e.state {
		s := &e.state[i]
		if !s.seen {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		e.flush(s)
		if len(e.w.parts) == 0 {
			e.w.text("", false, "")
		}
		if s.finish == "" {
			s.finish = stopped
		}
		b = e.w.candidate(b, i, s.finish)
	}
	b = e.close(b, usage)
	if e.array {
		b = append(b, ']')
	}
	return b
}
