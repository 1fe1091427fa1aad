// Package counting counts the tokens of chats in the internal form.
package counting

import (
	"encoding/base64"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/tokencount"
)

// Counter counts by the tokenizer. It is safe for concurrent use.
type Counter struct{ tokens *tokencount.Counter }

// New returns a counter, which loads its vocabularies when they are needed.
func New() *Counter { return &Counter{tokencount.New()} }

// Text counts a text.
func (c *Counter) Text(model, text string) int64 { return int64(c.tokens.Text(model, text)) }

// Chat counts a request.
func (c *Counter) Chat(model string, req *chat.Request) int64 {
	in := &tokencount.Chat{Messages: make([]tokencount.Message, len(req.Messages))}
	for i := range req.Messages {
		in.Messages[i] = message(&req.Messages[i])
	}
	for i := range req.Tools {
		if f := req.Tools[i].Function; f != nil {
			in.Tools = append(in.Tools, tokencount.Tool{Name: f.Name, Description: f.Description, Parameters: f.Parameters})
		}
	}
	if req.ToolChoice != nil {
		in.ToolChoice, in.ToolName = req.ToolChoice.Mode, req.ToolChoice.Function
	}
	return int64(c.tokens.Chat(model, in))
}

// Answer counts what was said.
func (c *Counter) Answer(model string, m *chat.Message) int64 {
	n := c.Text(model, m.Content.Text()) + c.Text(model, m.ReasoningContent)
	for i := range m.ToolCalls {
		n += c.Text(model, m.ToolCalls[i].Function.Name) + c.Text(model, m.ToolCalls[i].Function.Arguments)
	}
	return n
}

func message(m *chat.Message) tokencount.Message {
	out := tokencount.Message{Role: m.Role, Name: m.Name}
	for i := range m.Content {
		p := &m.Content[i]
		switch {
		case p.Image != nil:
			out.Parts = append(out.Parts, tokencount.Part{Image: picture(p.Image)})
		case p.Text != "":
			out.Parts = append(out.Parts, tokencount.Part{Text: p.Text})
		}
	}
	for i := range m.ToolCalls {
		f := &m.ToolCalls[i].Function
		out.ToolCalls = append(out.ToolCalls, tokencount.ToolCall{Name: f.Name, Arguments: f.Arguments})
	}
	return out
}

// headBytes are enough of most pictures to tell their size.
const headBytes = 4 << 10

// picture reads the size of a picture that stands in the request itself.
func picture(i *chat.Image) *tokencount.Image {
	out := &tokencount.Image{Detail: i.Detail}
	_, data, ok := strings.Cut(i.URL, ";base64,")
	if !ok {
		return out
	}
	data = data[:min(len(data), base64.StdEncoding.EncodedLen(headBytes))]
	head, err := base64.StdEncoding.DecodeString(data[:len(data)/4*4])
	if err == nil {
		out.Width, out.Height, _ = tokencount.Dimensions(head)
	}
	return out
}
