package anthropic

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// decoder reads the events of one message.
type decoder struct {
	*reading

	blocks  []openBlock
	tools   int // calls so far
	length  int // of the text so far, in characters
	usage   chat.Usage
	done    bool
	formats bool // the answer came as the arguments of formatTool
}

// openBlock is a block that is not complete.
type openBlock struct {
	index     int64
	kind      string
	tool      int  // its place among the calls
	format    bool // its arguments are the answer
	some      bool // some of its arguments have come
	start     int  // in the text, in characters
	citations []json.RawMessage
	raw       json.RawMessage // of a block of the vendor's own
	rest      []byte          // of its input or content, which comes in pieces
}

func newDecoder(r *reading) *decoder { return &decoder{reading: r} }

// Done implements native.Decoder.
func (d *decoder) Done() bool { return d.done }

// event are the members of an event.
type event struct {
	kind                                string
	index                               int64
	delta, block, message, usage, whole []byte
}

// Frame implements native.Decoder.
func (d *decoder) Frame(f *frame.Frame, c *chat.Chunk) error {
	var e event
	if err := e.read(f.Data); err != nil {
		return err
	}
	switch e.kind {
	case "content_block_delta":
		return d.delta(&e, c)
	case "content_block_start":
		return d.start(&e, c)
	case "content_block_stop":
		d.stop(e.index, c)
	case "message_start":
		d.begin(e.message, c)
	case "message_delta":
		d.finish(&e, c)
	case "message_stop":
		d.done = true
	case "error":
		return failure(f.Data)
	}
	return nil // a ping, or something that is new
}

func (e *event) read(data []byte) error {
	e.whole = data
	var s jsonx.Scanner
	for s.Reset(data); s.Next(); {
		value := s.Value().Of(data)
		switch string(s.Key()) {
		case "type":
			e.kind = word(value)
		case "index":
			e.index = jsonx.Int(value)
		case "delta":
			e.delta = value
		case "content_block":
			e.block = value
		case "message":
			e.message = value
		case "usage":
			e.usage = value
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	return nil
}

// word returns a text that is one of few and has no escapes.
func word(quoted []byte) string {
	if len(quoted) < 2 || quoted[0] != '"' {
		return ""
	}
	// The compiler makes no copy to look at the bytes: these are the words of
	// almost every event.
	switch w := quoted[1 : len(quoted)-1]; string(w) {
	case "content_block_delta":
		return "content_block_delta"
	case "text_delta":
		return "text_delta"
	case "input_json_delta":
		return "input_json_delta"
	case "thinking_delta":
		return "thinking_delta"
	default:
		return string(w)
	}
}

func text(object []byte, name string) string {
	s, err := jsonx.Unquote(jsonx.Lookup(object, name).Of(object))
	if err != nil {
		return ""
	}
	return s
}

// begin takes what is known before the first word.
func (d *decoder) begin(message []byte, c *chat.Chunk) {
	usage := jsonx.Lookup(message, "usage").Of(message)
	c.ID, c.Model = text(message, "id"), text(message, "model")
	c.ServiceTier = serviceTier(usage)
	d.takeUsage(usage, c)
	if d.prefix != "" {
		c.Add(0).Content = d.prefix
		d.length = utf8.RuneCountInString(d.prefix)
	}
}

func (d *decoder) takeUsage(usage []byte, c *chat.Chunk) {
	if d.usage.ReadAnthropic(usage) {
		c.Usage, c.HasUsage = d.usage, true
	}
}

func (d *decoder) open(index int64) *openBlock {
	for i := len(d.blocks) - 1; i >= 0; i-- {
		if d.blocks[i].index == index {
			return &d.blocks[i]
		}
	}
	return nil
}

// maxOpen bounds the blocks that are open at a time.
const maxOpen = 256

// start opens a block.
func (d *decoder) start(e *event, c *chat.Chunk) error {
	var b answerBlock
	if err := json.Unmarshal(e.block, &b); err != nil {
		return fmt.Errorf("decode block: %w", err)
	}
	if len(d.blocks) >= maxOpen {
		return fmt.Errorf("more than %d blocks are open", maxOpen)
	}
	d.blocks = append(d.blocks, openBlock{index: e.index, kind: b.Type, start: d.length})
	o := &d.blocks[len(d.blocks)-1]
	switch b.Type {
	case blockText:
		d.say(b.Text, c)
	case blockThinking:
		if b.Thinking != "" {
			c.Add(0).Reasoning = b.Thinking
		}
	case blockRedactedThinking:
		c.Add(0).Thinking = &chat.ThinkingBlock{Type: chat.RedactedThinkingType, Data: b.Data}
	case blockToolUse:
		d.call(o, &b, c)
	default:
		o.raw = append(json.RawMessage(nil), e.block...)
	}
	return nil
}

func (d *decoder) say(s string, c *chat.Chunk) {
	if s == "" {
		return
	}
	d.length += utf8.RuneCountInString(s)
	c.Add(0).Content = s
}

// call begins a tool call. Imitators give all arguments here.
func (d *decoder) call(o *openBlock, b *answerBlock, c *chat.Chunk) {
	if o.format = d.format && b.Name == formatTool; !o.format {
		o.tool = d.tools
		d.tools++
		delta := c.Add(0)
		delta.ToolCalls = append(delta.ToolCalls, chat.ToolCallDelta{Index: o.tool, ID: b.ID, Name: d.name(b.Name)})
	}
	if input := string(b.Input); input != "" && input != "{}" && input != "null" {
		d.arguments(o, input, c)
	}
}

func (d *decoder) arguments(o *openBlock, piece string, c *chat.Chunk) {
	if piece == "" {
		return
	}
	o.some = true
	if o.format {
		d.formats = true
		c.Add(0).Content = piece
		return
	}
	if n := len(c.Deltas); n > 0 && len(c.Deltas[n-1].ToolCalls) == 1 { // the beginning, in the same event
		c.Deltas[n-1].ToolCalls[0].Arguments = piece
		return
	}
	delta := c.Add(0)
	delta.ToolCalls = append(delta.ToolCalls, chat.ToolCallDelta{Index: o.tool, Arguments: piece})
}

// delta adds to an open block.
func (d *decoder) delta(e *event, c *chat.Chunk) error {
	var kind string
	var value []byte
	var s jsonx.Scanner
	for s.Reset(e.delta); s.Next(); {
		switch string(s.Key()) {
		case "type":
			kind = word(s.Value().Of(e.delta))
		case "text", "partial_json", "thinking", "signature", "citation", "content":
			value = s.Value().Of(e.delta)
		}
	}
	if kind == "citations_delta" {
		d.cite(e.index, value, c)
		return nil
	}
	if len(value) == 0 || value[0] != '"' {
		return nil
	}
	said, err := jsonx.Unquote(value)
	if err != nil {
		return fmt.Errorf("decode delta: %w", err)
	}
	switch kind {
	case "text_delta":
		d.say(said, c)
	case "thinking_delta":
		c.Add(0).Reasoning = said
	case "signature_delta":
		c.Add(0).Thinking = &chat.ThinkingBlock{Type: chat.ThinkingType, Signature: said}
	case "input_json_delta", "compaction_delta":
		o := d.open(e.index)
		switch {
		case o == nil:
		case o.raw != nil:
			o.rest = append(o.rest, said...)
		default:
			d.arguments(o, said, c)
		}
	}
	return nil
}

// cite hands a citation on. Where it leads to a page it is an annotation, too,
// when the text that it stands for is complete.
func (d *decoder) cite(index int64, citation []byte, c *chat.Chunk) {
	var f fields
	f.add(fieldCitation, citation)
	if f == nil {
		return
	}
	c.Add(0).ProviderFields = f.json()
	if o := d.open(index); o != nil {
		o.citations = append(o.citations, append(json.RawMessage(nil), citation...))
	}
}

// stop closes a block.
func (d *decoder) stop(index int64, c *chat.Chunk) {
	o := d.open(index)
	if o == nil {
		return
	}
	switch {
	case o.kind == blockToolUse && !o.some:
		d.arguments(o, "{}", c)
	case o.raw != nil:
		var f fields
		f.list(fieldOf(o.kind), []json.RawMessage{o.complete()})
		c.Add(0).ProviderFields = f.json()
	}
	var a annotations
	for _, citation := range o.citations {
		a.add(citation, o.start, d.length)
	}
	if list := a.json(); list != nil {
		c.Add(0).Annotations = list
	}
	for i := range d.blocks {
		if &d.blocks[i] == o {
			d.blocks = append(d.blocks[:i], d.blocks[i+1:]...)
			return
		}
	}
}

// complete returns a block of the vendor's own with what came in pieces.
func (o *openBlock) complete() json.RawMessage {
	if len(o.rest) == 0 {
		return o.raw
	}
	name, value := "input", o.rest
	if o.kind == blockCompaction {
		name, value = "content", jsonx.Quote(string(o.rest))
	} else if !json.Valid(value) {
		return o.raw
	}
	members, err := jsonx.Members(nil, o.raw)
	if err != nil {
		return o.raw
	}
	return withMember(o.raw, members, name, value)
}

// finish takes why the model stopped.
func (d *decoder) finish(e *event, c *chat.Chunk) {
	d.takeUsage(e.usage, c)
	stop := text(e.delta, "stop_reason")
	if stop == "" {
		return
	}
	delta := c.Add(0)
	delta.FinishReason = finishReason(stop)
	if stop == stopToolUse && d.formats && d.tools == 0 {
		delta.FinishReason = chat.FinishStop
	}
	var f fields
	f.stop(stop, jsonx.Lookup(e.delta, "stop_sequence").Of(e.delta), jsonx.Lookup(e.delta, "stop_details").Of(e.delta))
	f.add(fieldContainer, jsonx.Lookup(e.delta, "container").Of(e.delta))
	f.add(fieldManagement, jsonx.Lookup(e.whole, "context_management").Of(e.whole))
	delta.ProviderFields = f.json()
}
