package pipeline

import (
	"bytes"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// What a stream says is remembered, for when its vendor does not report what
// it used, or the client leaves before it does: then it is counted, and paid
// for.

// maxSaid bounds what is remembered of one stream; the rest is estimated.
const maxSaid = 1 << 20

// textMarks are where OpenAI's chunks have the text that a model made, the
// usual place first.
func textMarks() [5][]byte {
	return [...][]byte{
		[]byte(`"content":"`), []byte(`"arguments":"`), []byte(`"reasoning_content":"`), []byte(`"text":"`), []byte(`"reasoning":"`),
	}
}

// hear remembers the text of one of OpenAI's chunks, as it is escaped there.
func (x *exchange) hear(data []byte) {
	for _, mark := range textMarks() {
		_, text, found := bytes.Cut(data, mark)
		if !found {
			continue
		}
		end := stringEnd(text)
		if end > 0 {
			x.remember(text[:end])
			return
		}
	}
}

// stringEnd returns where the JSON string that text is inside of ends, or -1.
func stringEnd(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

func (x *exchange) remember(text []byte) {
	if x.said == nil {
		x.said = getBuffer()
	}
	if len(*x.said)+len(text) > maxSaid {
		x.tokens.bytes += int64(len(text))
		return
	}
	*x.said = append(*x.said, text...)
}

// counted remembers what a chunk in the internal form says.
func (x *exchange) counted(d *chat.Delta) {
	if x.tokens.known {
		return
	}
	for _, text := range [...]string{d.Reasoning, d.Content, d.Refusal} {
		if text != "" {
			x.rememberText(text)
		}
	}
	for i := range d.ToolCalls {
		x.rememberText(d.ToolCalls[i].Name)
		x.rememberText(d.ToolCalls[i].Arguments)
	}
}

// rememberText keeps text escaped, as hear does.
func (x *exchange) rememberText(text string) {
	quoted := jsonx.Quote(text)
	x.remember(quoted[1 : len(quoted)-1])
}

// countWhole counts an answer whose vendor reports no usage.
func (x *exchange) countWhole(w *chat.Response) {
	for i := range w.Choices {
		m := &w.Choices[i].Message
		x.rememberText(m.Content.Text())
		x.rememberText(m.ReasoningContent)
		for j := range m.ToolCalls {
			x.rememberText(m.ToolCalls[j].Function.Name)
			x.rememberText(m.ToolCalls[j].Function.Arguments)
		}
	}
	x.countTokens()
}

// countTokens counts what was asked and what was said, where the vendor did
// not.
func (x *exchange) countTokens() {
	if x.tokens.known || !speaks(x.endpoint.Surface) {
		return
	}
	x.usage.Estimated = true
	x.tokens.Input = x.inputTokens()
	x.tokens.Output = x.tokens.bytes / bytesPerToken
	if x.said == nil {
		return
	}
	quoted := append(append([]byte{'"'}, *x.said...), '"')
	text, err := jsonx.Unquote(quoted)
	if err != nil { // a text that was cut inside an escape
		text = string(*x.said)
	}
	if c := x.p.opts.Counter; c != nil {
		x.tokens.Output += c.Text(x.deployment.Model, text)
	} else {
		x.tokens.Output += int64(len(text)+bytesPerToken-1) / bytesPerToken
	}
}

// Counter counts the tokens of a text, and of a chat, for a model.
type Counter interface {
	Text(model, text string) int64
	Chat(model string, req *chat.Request) int64
}

// inputTokens counts a request. Where that can not be done, four bytes are
// taken for a token.
func (x *exchange) inputTokens() int64 {
	if x.p.opts.Counter == nil || !x.endpoint.Chats {
		return int64(len(*x.body)+bytesPerToken-1) / bytesPerToken
	}
	req := x.chat
	if req == nil {
		d := x.endpoint.Dialect
		if x.endpoint.Translator != nil {
			d = x.endpoint.Translator
		}
		var err error
		if req, err = d.Decode(*x.body, x.members); err != nil {
			return int64(len(*x.body)) / bytesPerToken // what is wrong is told by who serves it
		}
	}
	return x.p.opts.Counter.Chat(x.model, req)
}
