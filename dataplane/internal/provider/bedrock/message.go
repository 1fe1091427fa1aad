package bedrock

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	// continueText is LiteLLM's message of a user who has said nothing.
	continueText = "Please continue."
	guardedPart  = "guarded_text"
	hour         = "1h"
)

// conversation gathers the messages of a request.
type conversation struct {
	system    []block
	messages  []wireMessage
	names     *toolNames
	documents map[string]int
	// usesTools reports that some message calls a tool or answers a call.
	usesTools bool
}

// read translates all messages. The first one must be a user's, and roles
// alternate: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
func (c *conversation) read(messages []chat.Message) error {
	for i := range messages {
		m := &messages[i]
		var err error
		switch m.Role {
		case chat.System, chat.Developer:
			c.system = append(c.system, c.instructions(m)...)
		case chat.Assistant:
			err = c.assistant(m)
		case chat.ToolRole, "function":
			err = c.toolResult(m)
		default:
			err = c.user(m)
		}
		if err != nil {
			return err
		}
	}
	if len(c.messages) == 0 || c.messages[0].Role != chat.User {
		c.messages = append([]wireMessage{{Role: chat.User, Content: []block{{Text: continueText}}}}, c.messages...)
	}
	c.trimLast()
	return nil
}

// trimLast cuts the white space at the end of an answer that the model is to
// go on with, which Claude refuses.
func (c *conversation) trimLast() {
	last := &c.messages[len(c.messages)-1]
	if n := len(last.Content); last.Role == chat.Assistant && n > 0 {
		last.Content[n-1].Text = strings.TrimRight(last.Content[n-1].Text, " \t\r\n")
	}
}

// add puts blocks behind those of the same role.
func (c *conversation) add(role string, blocks []block) {
	if len(blocks) == 0 {
		return
	}
	if n := len(c.messages); n > 0 && c.messages[n-1].Role == role {
		c.messages[n-1].Content = append(c.messages[n-1].Content, blocks...)
		return
	}
	c.messages = append(c.messages, wireMessage{Role: role, Content: blocks})
}

func (c *conversation) instructions(m *chat.Message) []block {
	var blocks []block
	for i := range m.Content {
		p := &m.Content[i]
		blocks = appendText(blocks, p)
		blocks = appendCachePoint(blocks, p.CacheControl)
	}
	return appendCachePoint(blocks, m.CacheControl)
}

// appendText adds a text; blank ones are refused by AWS.
func appendText(blocks []block, p *chat.Part) []block {
	text := p.Text
	if p.Type == chat.RefusalPart {
		text = p.Refusal
	}
	switch {
	case strings.TrimSpace(text) == "":
		return blocks
	case p.Type == guardedPart:
		g := &wireGuard{}
		g.Text.Text = text
		return append(blocks, block{Guard: g})
	}
	return append(blocks, block{Text: text})
}

// appendCachePoint marks what stands before it as worth caching.
func appendCachePoint(blocks []block, control json.RawMessage) []block {
	point := cachePoint(control)
	if point == nil || len(blocks) == 0 || blocks[len(blocks)-1].CachePoint != nil {
		return blocks
	}
	return append(blocks, block{CachePoint: point})
}

// cachePoint reads a cache_control. Five minutes are the default, which older
// models do not know by name.
func cachePoint(control json.RawMessage) *wireCachePoint {
	if len(control) == 0 || jsonx.IsNull(control) {
		return nil
	}
	point := &wireCachePoint{Type: "default"}
	if ttl, err := jsonx.Unquote(jsonx.Lookup(control, "ttl").Of(control)); err == nil && ttl == hour {
		point.TTL = ttl
	}
	return point
}

func (c *conversation) user(m *chat.Message) error {
	blocks, err := c.parts(m.Content)
	if err != nil {
		return err
	}
	c.add(chat.User, appendCachePoint(blocks, m.CacheControl))
	return nil
}

// parts translates what a user or a tool says.
func (c *conversation) parts(content chat.Content) ([]block, error) {
	blocks := make([]block, 0, len(content)+1) // a cache point may follow
	for i := range content {
		p := &content[i]
		var b block
		var err error
		switch {
		case p.Image != nil:
			b, err = c.media(contentOf(p))
		case p.Video != nil:
			b, err = c.media(contentOf(p))
		case p.File != nil:
			b, err = c.media(contentOf(p))
		case p.Audio != nil:
			b = audio(p.Audio)
		default:
			blocks = appendCachePoint(appendText(blocks, p), p.CacheControl)
			continue
		}
		if err != nil {
			return nil, err
		}
		blocks = appendCachePoint(append(blocks, b), p.CacheControl)
	}
	return blocks, nil
}

func contentOf(p *chat.Part) content {
	switch {
	case p.Image != nil:
		return content{uri: p.Image.URL, mediaType: p.Image.Format, part: p}
	case p.Video != nil:
		return content{uri: p.Video.URL, mediaType: p.Video.Format, part: p}
	}
	m := content{uri: p.File.Data, mediaType: p.File.Format, name: p.File.Name, part: p}
	if m.uri == "" {
		m.uri = p.File.ID
	}
	return m
}

// assistant writes thoughts first, as the model had them, then what it said,
// then what it called.
func (c *conversation) assistant(m *chat.Message) error {
	blocks := make([]block, 0, len(m.ThinkingBlocks)+len(m.Content)+len(m.ToolCalls)+1)
	for i := range m.ThinkingBlocks {
		blocks = appendThought(blocks, &m.ThinkingBlocks[i])
	}
	said, err := c.parts(m.Content)
	if err != nil {
		return err
	}
	blocks = append(blocks, said...)
	if f := m.FunctionCall; f != nil && len(m.ToolCalls) == 0 {
		blocks = append(blocks, c.toolUse(f.Name, f.Name, f.Arguments))
	}
	for i := range m.ToolCalls {
		t := &m.ToolCalls[i]
		blocks = append(blocks, c.toolUse(t.ID, t.Function.Name, t.Function.Arguments))
	}
	c.add(chat.Assistant, appendCachePoint(blocks, m.CacheControl))
	return nil
}

// appendThought adds a thought that can be proved; others, which come from
// other vendors, are refused.
func appendThought(blocks []block, t *chat.ThinkingBlock) []block {
	switch {
	case t.Type == chat.RedactedThinkingType && t.Data != "":
		return append(blocks, block{Reasoning: &wireReasoning{Redacted: t.Data}})
	case t.Signature != "":
		return append(blocks, block{Reasoning: &wireReasoning{Text: &wireReasoningText{Text: t.Thinking, Signature: t.Signature}}})
	}
	return blocks
}

func (c *conversation) toolUse(id, name, arguments string) block {
	c.usesTools = true
	input := json.RawMessage(strings.TrimSpace(arguments))
	if _, err := jsonx.Members(nil, input); err != nil {
		input = json.RawMessage("{}") // models get it wrong now and then
	}
	return block{ToolUse: &wireToolUse{ID: identifier(id), Name: c.names.toVendor(name), Input: input}}
}

// toolResult is a user's message to AWS.
func (c *conversation) toolResult(m *chat.Message) error {
	c.usesTools = true
	content, err := c.parts(m.Content)
	if err != nil {
		return err
	}
	id := m.ToolCallID
	if id == "" {
		id = m.Name // of the older function_call
	}
	r := &wireToolResult{ID: identifier(id), Content: content}
	if m.IsError {
		r.Status = "error"
	}
	blocks := []block{{ToolResult: r}}
	// A cache point stands behind the result, not in it.
	if n := len(content); n > 0 && content[n-1].CachePoint != nil {
		r.Content = content[:n-1]
		blocks = append(blocks, content[n-1])
	}
	c.add(chat.User, appendCachePoint(blocks, m.CacheControl))
	return nil
}

// lostThoughts reports that the last message that called tools came without
// its thoughts, as clients send it that do not know of them: Claude refuses to
// think on.
func lostThoughts(messages []chat.Message) bool {
	lost := false
	for i := range messages {
		m := &messages[i]
		if m.Role != chat.Assistant {
			continue
		}
		for j := range m.ThinkingBlocks {
			if t := &m.ThinkingBlocks[j]; t.Signature != "" || t.Data != "" {
				return false
			}
		}
		lost = len(m.ToolCalls) > 0
	}
	return lost
}

// object reports whether a value is an object.
func object(raw json.RawMessage) bool { return len(raw) > 0 && bytes.TrimSpace(raw)[0] == '{' }
