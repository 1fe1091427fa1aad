package responses

import (
	"encoding/json"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Stream implements dialect.Dialect.
func (Dialect) Stream(req *chat.Request, stamp chat.Stamp) dialect.Encoder {
	return &encoder{response: begin(req, NewID(), stamp.Model), open: none, calls: map[int]int{}}
}

// none is the index of no item.
const none = -1

// encoder writes the events of a response. One item is open at a time, but for
// tool calls, whose arguments a vendor may give in turns.
type encoder struct {
	response *Response
	sequence int
	begun    bool
	open     int         // in response.Output: the message or thought that grows
	calls    map[int]int // where in response.Output a tool call stands, by its index
	reason   string
	text     []byte // of the open item
}

// event begins an event; what is appended has to close its object.
func (e *encoder) event(b []byte, name string) []byte {
	b = append(append(b, "event: "...), name...)
	b = append(append(b, "\ndata: {\"type\":\""...), name...)
	b = strconv.AppendInt(append(b, `","sequence_number":`...), int64(e.sequence), 10)
	e.sequence++
	return b
}

const end = "}\n\n"

// object appends an event that carries one object.
func (e *encoder) object(b []byte, name, member string, v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil { // strings and numbers: it can not fail
		raw = []byte("{}")
	}
	b = e.event(b, name)
	b = append(append(append(b, `,"`...), member...), `":`...)
	return append(append(b, raw...), end...)
}

// place appends where in the output an event belongs.
func (e *encoder) place(b []byte, at int) []byte {
	b = strconv.AppendInt(append(b, `,"output_index":`...), int64(at), 10)
	return b
}

func (e *encoder) itemPlace(b []byte, at int) []byte {
	b = e.place(b, at)
	return jsonx.AppendQuote(append(b, `,"item_id":`...), e.response.Output[at].ID)
}

// Chunk implements dialect.Encoder.
func (e *encoder) Chunk(b []byte, c *chat.Chunk) []byte {
	if !e.begun {
		e.begun = true
		b = e.object(b, "response.created", "response", e.response)
		b = e.object(b, "response.in_progress", "response", e.response)
	}
	for i := range c.Deltas {
		d := &c.Deltas[i]
		if d.Choice != 0 {
			continue // a response has one output
		}
		b = e.delta(b, d)
	}
	return b
}

func (e *encoder) delta(b []byte, d *chat.Delta) []byte {
	if d.Reasoning != "" || d.Thinking != nil {
		b = e.thought(b, d)
	}
	if d.Content != "" {
		b = e.grow(b, "message", d.Content)
	}
	if d.Refusal != "" {
		b = e.grow(b, "message", d.Refusal)
	}
	for i := range d.ToolCalls {
		b = e.call(b, &d.ToolCalls[i])
	}
	if d.FinishReason != "" {
		e.reason = d.FinishReason
	}
	return b
}

// added opens an item.
func (e *encoder) added(b []byte, it output) ([]byte, int) {
	e.response.Output = append(e.response.Output, it)
	at := len(e.response.Output) - 1
	b = e.event(b, "response.output_item.added")
	b = e.place(b, at)
	return e.item(b, at), at
}

func (e *encoder) item(b []byte, at int) []byte {
	raw, err := json.Marshal(e.response.Output[at])
	if err != nil { // strings and numbers: it can not fail
		raw = []byte("{}")
	}
	return append(append(append(b, `,"item":`...), raw...), end...)
}

// grow adds text to the open item, opening one of the kind where it is another.
func (e *encoder) grow(b []byte, kind, text string) []byte {
	if e.open == none || e.response.Output[e.open].Type != kind {
		b = e.closeOpen(b)
		b = e.openItem(b, kind)
	}
	e.text = append(e.text, text...)
	name := "response.output_text.delta"
	index := `,"content_index":0`
	if kind == "reasoning" {
		name, index = "response.reasoning_summary_text.delta", `,"summary_index":0`
	}
	b = e.itemPlace(e.event(b, name), e.open)
	b = append(b, index...)
	b = jsonx.AppendQuote(append(b, `,"delta":`...), text)
	if kind == "message" {
		b = append(b, `,"logprobs":[]`...)
	}
	return append(b, end...)
}

func (e *encoder) openItem(b []byte, kind string) []byte {
	if kind == "reasoning" {
		b, e.open = e.added(b, output{Type: kind, ID: "rs_" + newSuffix(), Summary: []outputPart{}})
		b = e.itemPlace(e.event(b, "response.reasoning_summary_part.added"), e.open)
		return append(b, `,"summary_index":0,"part":{"type":"summary_text","text":""}`+end...)
	}
	b, e.open = e.added(b, output{Type: kind, ID: "msg_" + newSuffix(), Status: inProgress, Role: chat.Assistant, Content: []outputPart{}})
	b = e.itemPlace(e.event(b, "response.content_part.added"), e.open)
	return append(b, `,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}`+end...)
}

func (e *encoder) thought(b []byte, d *chat.Delta) []byte {
	if d.Reasoning != "" {
		b = e.grow(b, "reasoning", d.Reasoning)
	}
	if d.Thinking != nil && d.Thinking.Signature != "" && e.open != none && e.response.Output[e.open].Type == "reasoning" {
		e.response.Output[e.open].EncryptedContent = d.Thinking.Signature
	}
	return b
}

// call opens a tool call or adds to its arguments.
func (e *encoder) call(b []byte, t *chat.ToolCallDelta) []byte {
	at, known := e.calls[t.Index]
	if !known {
		b = e.closeOpen(b)
		empty := ""
		b, at = e.added(b, output{Type: "function_call", ID: "fc_" + newSuffix(), Status: inProgress, CallID: t.ID, Name: t.Name, Arguments: &empty})
		e.calls[t.Index] = at
	}
	if t.Arguments == "" {
		return b
	}
	grown := *e.response.Output[at].Arguments + t.Arguments
	e.response.Output[at].Arguments = &grown
	b = e.itemPlace(e.event(b, "response.function_call_arguments.delta"), at)
	return append(jsonx.AppendQuote(append(b, `,"delta":`...), t.Arguments), end...)
}

// closeOpen ends the item that grows.
func (e *encoder) closeOpen(b []byte) []byte {
	if e.open == none {
		return b
	}
	at, text := e.open, string(e.text)
	it := &e.response.Output[at]
	e.open, e.text = none, e.text[:0]
	done, partDone, index := "response.output_text.done", "response.content_part.done", `,"content_index":0`
	p := textPart(text, nil)
	if it.Type == "reasoning" {
		done, partDone, index = "response.reasoning_summary_text.done", "response.reasoning_summary_part.done", `,"summary_index":0`
		p = outputPart{Type: "summary_text", Text: &text}
		it.Summary = []outputPart{p}
	} else {
		it.Content, it.Status = []outputPart{p}, completed
	}
	b = append(e.itemPlace(e.event(b, done), at), index...)
	b = jsonx.AppendQuote(append(b, `,"text":`...), text)
	if it.Type == "message" {
		b = append(b, `,"logprobs":[]`...)
	}
	b = append(b, end...)
	raw, err := json.Marshal(p)
	if err != nil { // strings: it can not fail
		raw = []byte("{}")
	}
	b = append(e.itemPlace(e.event(b, partDone), at), index...)
	b = append(append(append(b, `,"part":`...), raw...), end...)
	b = e.place(e.event(b, "response.output_item.done"), at)
	return e.item(b, at)
}

// End implements dialect.Encoder.
func (e *encoder) End(b []byte, u *chat.Usage) []byte {
	b = e.closeOpen(b)
	for at := range e.response.Output {
		it := &e.response.Output[at]
		if it.Type != "function_call" {
			continue
		}
		it.Status = completed
		b = e.itemPlace(e.event(b, "response.function_call_arguments.done"), at)
		b = jsonx.AppendQuote(append(b, `,"name":`...), it.Name)
		b = append(jsonx.AppendQuote(append(b, `,"arguments":`...), *it.Arguments), end...)
		b = e.place(e.event(b, "response.output_item.done"), at)
		b = e.item(b, at)
	}
	e.response.finish(e.reason, u)
	name := "response.completed"
	if e.response.Status == incomplete {
		name = "response.incomplete"
	}
	return e.object(b, name, "response", e.response)
}

// Answer returns the response as it is after End.
func (e *encoder) Answer() *Response { return e.response }

// Events implements dialect.Numberer.
func (e *encoder) Events() int64 { return int64(e.sequence) }

// FailStream implements dialect.Dialect.
func (d Dialect) FailStream(b []byte, err *apierr.Error) []byte { return d.FailStreamAt(b, err, 0) }

// FailStreamAt implements dialect.Numbering.
func (Dialect) FailStreamAt(b []byte, err *apierr.Error, events int64) []byte {
	b = append(b, "event: error\ndata: {\"type\":\"error\",\"code\":"...)
	code := err.Type
	if code == "" {
		code = "server_error"
	}
	b = jsonx.AppendQuote(b, code)
	b = jsonx.AppendQuote(append(b, `,"message":`...), err.Message)
	b = strconv.AppendInt(append(b, `,"param":null,"sequence_number":`...), events, 10)
	return append(b, end...)
}

// Usage implements dialect.Dialect: it stands in the response, which is the
// whole answer, or in the response of an event.
func (Dialect) Usage(data []byte, u *chat.Usage) bool {
	if at := jsonx.Lookup(data, "response"); !at.Empty() {
		data = at.Of(data)
	}
	return u.Read(jsonx.Lookup(data, "usage").Of(data))
}

// Model implements dialect.Dialect.
func (Dialect) Model(data []byte) jsonx.Span { return inResponse(data, "model") }

// ID returns where the response's id stands in a whole answer or an event.
func (Dialect) ID(data []byte) jsonx.Span { return inResponse(data, "id") }

// PreviousID returns where the id stands of what the response goes on from.
func (Dialect) PreviousID(data []byte) jsonx.Span { return inResponse(data, "previous_response_id") }

// inResponse finds a member of the response, which an event has inside.
func inResponse(data []byte, name string) jsonx.Span {
	inner := jsonx.Lookup(data, "response")
	if inner.Empty() {
		if string(jsonx.Lookup(data, "object").Of(data)) != `"response"` {
			return jsonx.Span{} // an event of another kind, which may have an id of its own
		}
		return jsonx.Lookup(data, name)
	}
	at := jsonx.Lookup(inner.Of(data), name)
	if at.Empty() {
		return at
	}
	return jsonx.Span{Start: inner.Start + at.Start, End: inner.Start + at.End}
}
