package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// billingNote is what Claude Code puts in front of its system prompt for
	// Anthropic alone.
	billingNote = "x-anthropic-billing-header:"
	// functionRole is the role of results in OpenAI's older wire.
	functionRole = "function"
	// placeholder stands in for the user where the conversation does not begin
	// with one, which Anthropic refuses.
	placeholder = "."
)

// messages translates the conversation: what the system says apart, turns of
// the same side in one.
func (t *translation) messages() error {
	t.wire.Messages = make([]wireMessage, 0, len(t.req.Messages)+1)
	for i := range t.req.Messages {
		if err := t.message(&t.req.Messages[i]); err != nil {
			return err
		}
	}
	if m := t.wire.Messages; len(m) == 0 || m[0].Role != chat.User {
		first := wireMessage{Role: chat.User, Content: []any{&block{Type: blockText, Text: placeholder}}}
		t.wire.Messages = append([]wireMessage{first}, m...)
	}
	t.finishLast()
	return nil
}

func (t *translation) message(m *chat.Message) error {
	switch m.Role {
	case chat.System, chat.Developer:
		blocks, err := t.content(m)
		for _, b := range blocks {
			if text, ok := b.(*block); ok && !strings.HasPrefix(text.Text, billingNote) {
				t.wire.System = append(t.wire.System, b)
			}
		}
		return err
	case chat.Assistant:
		return t.assistant(m)
	case chat.ToolRole, functionRole:
		return t.result(m)
	}
	blocks, err := t.content(m)
	t.turn(chat.User, blocks)
	return err
}

// turn adds blocks to the turn of a side, or begins one.
func (t *translation) turn(role string, blocks []any) {
	if len(blocks) == 0 {
		return
	}
	if n := len(t.wire.Messages); n > 0 && t.wire.Messages[n-1].Role == role {
		last := &t.wire.Messages[n-1]
		last.Content = append(last.Content, blocks...)
		return
	}
	t.wire.Messages = append(t.wire.Messages, wireMessage{Role: role, Content: blocks})
}

// content translates the parts of a message. Its own mark of the cache is that
// of its last block.
func (t *translation) content(m *chat.Message) ([]any, error) {
	blocks := make([]any, 0, len(m.Content)+len(m.ToolCalls)+len(m.ThinkingBlocks))
	for i := range m.Content {
		b, err := t.part(&m.Content[i])
		if err != nil {
			return nil, err
		}
		if b != nil {
			blocks = append(blocks, b)
		}
	}
	if m.CacheControl != nil && len(blocks) > 0 {
		if last, ok := blocks[len(blocks)-1].(*block); ok && last.CacheControl == nil {
			last.CacheControl = m.CacheControl
		}
	}
	return blocks, nil
}

// assistant translates a turn of the model: its thoughts, what it said, and
// the tools that it called.
func (t *translation) assistant(m *chat.Message) error {
	var blocks []any
	for i := range m.ThinkingBlocks {
		if b := thought(&m.ThinkingBlocks[i]); b != nil {
			blocks = append(blocks, b)
		}
	}
	said, err := t.content(m)
	if err != nil {
		return err
	}
	blocks = append(blocks, said...)
	if m.Refusal != "" && len(said) == 0 {
		blocks = append(blocks, &block{Type: blockText, Text: m.Refusal})
	}
	for i := range m.ToolCalls {
		call := &m.ToolCalls[i]
		blocks = append(blocks, &block{
			Type: blockToolUse, ID: toolID(call.ID), Name: t.names.toVendor(call.Function.Name), Input: arguments(call.Function.Arguments),
			CacheControl: call.CacheControl,
		})
	}
	if f := m.FunctionCall; f != nil && len(m.ToolCalls) == 0 {
		blocks = append(blocks, &block{Type: blockToolUse, ID: functionID(f.Name), Name: t.names.toVendor(f.Name), Input: arguments(f.Arguments)})
	}
	t.turn(chat.Assistant, blocks)
	return nil
}

// thought returns a block of thoughts. One that is not signed is another
// vendor's, which Anthropic refuses.
func thought(b *chat.ThinkingBlock) *block {
	switch {
	case b.Type == chat.RedactedThinkingType && b.Data != "":
		return &block{Type: blockRedactedThinking, Data: b.Data}
	case b.Type == chat.ThinkingType && b.Signature != "":
		return &block{Type: blockThinking, Thinking: &b.Thinking, Signature: b.Signature}
	}
	return nil
}

// arguments returns what a tool was called with. What is no object, because
// the model got it wrong, becomes an empty one.
func arguments(text string) json.RawMessage {
	b := []byte(text)
	var s jsonx.Scanner
	for s.Reset(b); s.Next(); { //nolint:revive // to its end: it is checked as a whole
	}
	if s.Err() != nil {
		return json.RawMessage("{}")
	}
	return b
}

// toolID brings an id into Anthropic's alphabet: ^[a-zA-Z0-9_-]+$.
func toolID(id string) string {
	return strings.Map(func(r rune) rune {
		if nameRune(r) {
			return r
		}
		return '_'
	}, id)
}

// functionID is the id of a call in OpenAI's older wire, which has none.
func functionID(name string) string { return toolID("call_" + name) }

// result translates what a tool returned: the user's turn in this wire.
func (t *translation) result(m *chat.Message) error {
	b := &block{Type: blockToolResult, ToolUseID: toolID(m.ToolCallID), IsError: m.IsError, CacheControl: m.CacheControl}
	if m.Role == functionRole && m.ToolCallID == "" {
		b.ToolUseID = functionID(m.Name)
	}
	if c := m.Content; len(c) == 1 && c[0].Type == chat.TextPart && c[0].CacheControl == nil && c[0].Raw == nil {
		b.Content = c[0].Text
	} else {
		plain := *m
		plain.CacheControl = nil
		blocks, err := t.content(&plain)
		if err != nil {
			return err
		}
		if len(blocks) > 0 {
			b.Content = blocks
		}
	}
	t.turn(chat.User, []any{b})
	return nil
}

// finishLast brings a beginning of the answer, which the client wrote, into
// the shape that Anthropic takes: it must not end with a space.
func (t *translation) finishLast() {
	last := &t.wire.Messages[len(t.wire.Messages)-1]
	if last.Role != chat.Assistant {
		return
	}
	if b, ok := last.Content[len(last.Content)-1].(*block); ok && b.Type == blockText {
		if b.Text = strings.TrimRight(b.Text, " \t\r\n"); b.Text == "" {
			last.Content = last.Content[:len(last.Content)-1]
		} else if m := &t.req.Messages[len(t.req.Messages)-1]; m.Prefix && m.Role == chat.Assistant {
			t.reading.prefix = m.Content.Text()
		}
	}
	if len(last.Content) == 0 {
		t.wire.Messages = t.wire.Messages[:len(t.wire.Messages)-1]
	}
}

// isObject reports whether a value is a JSON object.
func isObject(value []byte) bool {
	value = bytes.TrimSpace(value)
	return len(value) > 0 && value[0] == '{'
}
