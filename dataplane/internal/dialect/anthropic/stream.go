package anthropic

import (
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Stream implements dialect.Dialect.
func (Dialect) Stream(_ *chat.Request, stamp chat.Stamp) dialect.Encoder {
	return &encoder{stamp: stamp}
}

// encoder writes the events of a message. A text or a thought is closed when
// something else begins; tool calls are closed when the next thing begins and
// their arguments are complete, because some vendors give those of several
// calls in turns.
type encoder struct {
	stamp chat.Stamp
	begun bool
	next  int    // index of the next block
	open  string // type of the text or thought that is open, or ""
	at    int    // its index
	calls []call
	cited bool // something, in Anthropic's own words
	stop  stop
}

const (
	startEvent = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"
	deltaEvent = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"
	stopEvent  = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"

	endBlock = "}}\n\n" // of a block or a delta, and of its event
	endEvent = "}\n\n"
)

// Chunk implements dialect.Encoder.
func (e *encoder) Chunk(b []byte, c *chat.Chunk) []byte {
	if !e.begun {
		b = e.begin(b, &c.Usage)
	}
	for i := range c.Deltas {
		if d := &c.Deltas[i]; d.Choice == 0 { // a message has one
			b = e.delta(b, d)
		}
	}
	return b
}

func (e *encoder) begin(b []byte, u *chat.Usage) []byte {
	e.begun = true
	b = append(b, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)
	b = appendHead(b, e.stamp.ID, e.stamp.Model)
	b = append(b, `"content":[],"stop_reason":null,"stop_sequence":null,"usage":`...)
	return append(u.AppendAnthropic(b), endBlock...)
}

func (e *encoder) delta(b []byte, d *chat.Delta) []byte {
	if d.Reasoning != "" || d.Thinking != nil {
		b = e.thought(b, d)
	}
	if d.Content != "" {
		b = e.text(b, d.Content)
	}
	if d.Refusal != "" {
		b = e.text(b, d.Refusal)
		e.stop.refused = true
	}
	for i := range d.Images {
		b = e.start(e.closeAll(b))
		b = appendImage(b, &d.Images[i])
		b = e.end(append(b, endEvent...), e.next-1)
	}
	for i := range d.ToolCalls {
		b = e.call(b, &d.ToolCalls[i])
	}
	if d.Annotations != nil || d.ProviderFields != nil {
		b = e.rare(b, d)
	}
	if d.FinishReason != "" {
		e.stop.reason = d.FinishReason
	}
	return b
}

// start begins the event that opens a block; its content follows.
func (e *encoder) start(b []byte) []byte {
	b = strconv.AppendInt(append(b, startEvent...), int64(e.next), 10)
	e.next++
	return append(b, `,"content_block":`...)
}

func (e *encoder) end(b []byte, at int) []byte {
	b = strconv.AppendInt(append(b, stopEvent...), int64(at), 10)
	return append(b, endEvent...)
}

// grow begins the event that adds to a block, up to the text that is added.
func grow(b []byte, at int, delta string) []byte {
	b = strconv.AppendInt(append(b, deltaEvent...), int64(at), 10)
	return append(append(b, `,"delta":`...), delta...)
}

// need opens a text or a thought, unless it is open.
func (e *encoder) need(b []byte, kind string) []byte {
	if e.open == kind {
		return b
	}
	b = e.start(e.closeAll(b))
	e.open, e.at = kind, e.next-1
	if kind == blockThinking {
		return append(b, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n"...)
	}
	return append(b, "{\"type\":\"text\",\"text\":\"\"}}\n\n"...)
}

func (e *encoder) closeOpen(b []byte) []byte {
	if e.open == "" {
		return b
	}
	e.open = ""
	return e.end(b, e.at)
}

// closeAll closes what can be closed when another block begins.
func (e *encoder) closeAll(b []byte) []byte {
	b = e.closeOpen(b)
	for i := range e.calls {
		if c := &e.calls[i]; !c.closed && c.arguments.complete() {
			c.closed = true
			b = e.end(b, c.at)
		}
	}
	return b
}

func (e *encoder) text(b []byte, s string) []byte {
	b = e.need(b, blockText)
	b = grow(b, e.at, `{"type":"text_delta","text":`)
	return append(jsonx.AppendQuote(b, s), endBlock...)
}

// thought adds to a thought. Its signature ends it.
func (e *encoder) thought(b []byte, d *chat.Delta) []byte {
	if t := d.Thinking; t != nil && t.Type == chat.RedactedThinkingType {
		b = e.start(e.closeAll(b))
		b = jsonx.AppendQuote(append(b, `{"type":"redacted_thinking","data":`...), t.Data)
		return e.end(append(b, endBlock...), e.next-1)
	}
	b = e.need(b, blockThinking)
	if d.Reasoning != "" {
		b = grow(b, e.at, `{"type":"thinking_delta","thinking":`)
		b = append(jsonx.AppendQuote(b, d.Reasoning), endBlock...)
	}
	if d.Thinking != nil && d.Thinking.Signature != "" {
		b = grow(b, e.at, `{"type":"signature_delta","signature":`)
		b = append(jsonx.AppendQuote(b, d.Thinking.Signature), endBlock...)
		b = e.closeOpen(b)
	}
	return b
}

// rare takes what few streams have: citations, and why the model stopped.
func (e *encoder) rare(b []byte, d *chat.Delta) []byte {
	if c := jsonx.Lookup(d.ProviderFields, "citation"); !c.Empty() {
		e.cited = true
		b = e.cite(b, c.Of(d.ProviderFields))
	}
	if !e.cited { // else the annotations say the same again
		for _, c := range citations(d.ProviderFields, d.Annotations) {
			b = e.cite(b, c)
		}
	}
	e.stop.take(d.ProviderFields)
	return b
}

func (e *encoder) cite(b, citation []byte) []byte {
	b = e.need(b, blockText)
	b = grow(b, e.at, `{"type":"citations_delta","citation":`)
	return append(append(b, citation...), endBlock...)
}

// End implements dialect.Encoder.
func (e *encoder) End(b []byte, usage *chat.Usage) []byte {
	if !e.begun {
		b = e.begin(b, usage)
	}
	b = e.closeOpen(b)
	for i := range e.calls {
		if c := &e.calls[i]; !c.closed {
			c.closed = true
			b = e.end(b, c.at)
		}
	}
	e.stop.called = len(e.calls) > 0
	b = append(b, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"...)
	b = append(e.stop.append(b), `},"usage":`...)
	b = append(usage.AppendAnthropic(b), endEvent...)
	return append(b, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}
