package chat

import (
	"encoding/json"
	"strconv"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Stamp is what is the same in all chunks of a stream.
type Stamp struct {
	ID      string
	Model   string
	Created int64
}

// usualHead is how long the beginning of a chunk is, rarely more.
const usualHead = 192

// Head returns the beginning of each chunk, up to the choices, and so that it
// has to be written but once for a stream.
func (s Stamp) Head() []byte {
	b := jsonx.AppendQuote(append(make([]byte, 0, usualHead), `{"id":`...), s.ID)
	b = appendCount(b, `,"object":"chat.completion.chunk","created":`, s.Created)
	b = jsonx.AppendQuote(append(b, `,"model":`...), s.Model)
	return append(b, `,"choices":[`...)
}

// AppendDelta writes one chunk of OpenAI's behind head: one delta, with the
// role where it is the first of its choice.
func AppendDelta(b, head []byte, d *Delta, first bool) []byte {
	b = append(b, head...)
	b = strconv.AppendInt(append(b, `{"index":`...), int64(d.Choice), 10)
	b = append(b, `,"delta":{`...)
	start := len(b)
	if first {
		b = append(b, `"role":"assistant",`...)
	}
	if d.Content != "" || first && d.FinishReason == "" && len(d.ToolCalls) == 0 && d.Reasoning == "" {
		b = appendText(b, `"content":`, d.Content)
	}
	if d.Refusal != "" {
		b = appendText(b, `"refusal":`, d.Refusal)
	}
	b = d.appendReasoning(b)
	b = d.appendToolCalls(b)
	b = d.appendRare(b)
	if len(b) > start {
		b = b[:len(b)-1] // each member ends with a comma
	}
	b = append(b, `},"finish_reason":`...)
	if d.FinishReason == "" {
		b = append(b, `null`...)
	} else {
		b = jsonx.AppendQuote(b, d.FinishReason)
	}
	if d.Logprobs != nil {
		b = append(append(b, `,"logprobs":`...), d.Logprobs...)
	}
	return append(b, `}]}`...)
}

// AppendUsage writes the chunk that ends a stream whose client asked for it.
func AppendUsage(b, head []byte, u *Usage) []byte {
	b = append(append(b, head...), `],"usage":`...)
	return append(u.Append(b), '}')
}

func appendText(b []byte, name, s string) []byte {
	return append(jsonx.AppendQuote(append(b, name...), s), ',')
}

func (d *Delta) appendReasoning(b []byte) []byte {
	if d.Reasoning != "" {
		b = appendText(b, `"reasoning_content":`, d.Reasoning)
	}
	t := d.Thinking
	if t == nil && d.Reasoning == "" {
		return b
	}
	b = append(b, `"thinking_blocks":[{"type":`...)
	if t != nil && t.Type == RedactedThinkingType {
		b = append(b, `"redacted_thinking","data":`...)
		return append(jsonx.AppendQuote(b, t.Data), `}],`...)
	}
	b = append(b, `"thinking","thinking":`...)
	b = jsonx.AppendQuote(b, d.Reasoning)
	if t != nil {
		b = jsonx.AppendQuote(append(b, `,"signature":`...), t.Signature)
	}
	return append(b, `}],`...)
}

func (d *Delta) appendToolCalls(b []byte) []byte {
	if len(d.ToolCalls) == 0 {
		return b
	}
	b = append(b, `"tool_calls":[`...)
	for i := range d.ToolCalls {
		t := &d.ToolCalls[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"index":`...), int64(t.Index), 10)
		if t.ID != "" {
			b = jsonx.AppendQuote(append(b, `,"id":`...), t.ID)
			b = append(b, `,"type":"function"`...)
		}
		b = append(b, `,"function":{`...)
		if t.Name != "" {
			b = append(jsonx.AppendQuote(append(b, `"name":`...), t.Name), ',')
		}
		b = jsonx.AppendQuote(append(b, `"arguments":`...), t.Arguments)
		b = append(b, '}')
		if t.ProviderFields != nil {
			b = append(append(b, `,"provider_specific_fields":`...), t.ProviderFields...)
		}
		b = append(b, '}')
	}
	return append(b, `],`...)
}

// appendRare writes what few streams have.
func (d *Delta) appendRare(b []byte) []byte {
	if len(d.Images) > 0 {
		if images, err := json.Marshal(d.Images); err == nil { // strings and numbers: it can not fail
			b = append(append(append(b, `"images":`...), images...), ',')
		}
	}
	if d.Audio != nil {
		b = append(append(append(b, `"audio":`...), d.Audio...), ',')
	}
	if d.Annotations != nil {
		b = append(append(append(b, `"annotations":`...), d.Annotations...), ',')
	}
	if d.ProviderFields != nil {
		b = append(append(append(b, `"provider_specific_fields":`...), d.ProviderFields...), ',')
	}
	return b
}
