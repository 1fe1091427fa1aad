package transcript

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/tianjillm/tianjillm/shared/sse"
)

const (
	// maxSaid bounds the texts that are put together of a stream.
	maxSaid = 64 << 10
	// maxParts bounds choices, blocks and calls of tools, each.
	maxParts = 128
)

// assembler puts the events of a stream together to what the answer would have
// been without one, of all dialects: their events tell themselves apart.
type assembler struct {
	rest    []byte
	scanned int
	said    int // bytes of texts so far

	seen    bool
	head    event
	choices []choice
	usage   json.RawMessage

	message map[string]json.RawMessage // Anthropic's
	blocks  []block

	final json.RawMessage // of the Responses API

	parts  []json.RawMessage // Gemini's
	finish string
}

// choice is one of OpenAI's, while it grows.
type choice struct {
	role, finish string
	content      []byte
	reasoning    []byte
	text         bool // of a completion that is no chat
	calls        []call
}

type call struct {
	id, name  string
	arguments []byte
}

// block is one of Anthropic's content.
type block struct {
	head map[string]json.RawMessage
	text []byte
	json []byte
}

// event is what any dialect may say in one.
type event struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Model   string          `json:"model"`
	Created int64           `json:"created"`
	Choices []part          `json:"choices"`
	Usage   json.RawMessage `json:"usage"`

	Message  json.RawMessage `json:"message"`
	Index    int             `json:"index"`
	Block    json.RawMessage `json:"content_block"`
	Delta    json.RawMessage `json:"delta"`
	Response json.RawMessage `json:"response"`

	Candidates []struct {
		Content struct {
			Parts []json.RawMessage `json:"parts"`
		} `json:"content"`
		FinishReason string `json:"finishReason"` //nolint:tagliatelle // Gemini's name
	} `json:"candidates"`
	UsageMetadata json.RawMessage `json:"usageMetadata"` //nolint:tagliatelle // Gemini's name
	ModelVersion  string          `json:"modelVersion"`  //nolint:tagliatelle // Gemini's name
}

// part is a choice of a chunk of OpenAI's.
type part struct {
	Index  int     `json:"index"`
	Text   *string `json:"text"`
	Finish string  `json:"finish_reason"`
	Delta  struct {
		Role      string     `json:"role"`
		Content   string     `json:"content"`
		Reasoning string     `json:"reasoning_content"`
		Calls     []callPart `json:"tool_calls"`
	} `json:"delta"`
}

type callPart struct {
	Index    int    `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// take finds the events in what comes next of a stream. One that is too long is
// left out.
func (a *assembler) take(b []byte) {
	a.rest = append(a.rest, b...)
	rest := a.rest
	for {
		end := sse.End(rest, a.scanned)
		if end == 0 {
			break
		}
		a.scanned = 0
		data, _ := sse.Data(rest[:end])
		a.event(data)
		rest = rest[end:]
	}
	if len(rest) > maxRaw {
		rest = rest[len(rest)-3:] // its end may be found
	}
	a.scanned = max(0, len(rest)-3)
	if len(rest) < len(a.rest) {
		a.rest = a.rest[:copy(a.rest, rest)]
	}
}

func (a *assembler) event(data []byte) {
	if len(data) == 0 || data[0] != '{' {
		return
	}
	var e event
	_ = json.Unmarshal(data, &e) // what has another type than documented is left out
	if !a.seen {
		a.seen, a.head = true, event{ID: e.ID, Model: e.Model, Created: e.Created, ModelVersion: e.ModelVersion}
	}
	if len(e.Usage) > 0 && e.Usage[0] == '{' && a.message == nil {
		a.usage = keep(a.usage, e.Usage)
	}
	switch {
	case len(e.Choices) > 0:
		a.chunk(e.Choices)
	case len(e.Candidates) > 0:
		a.usage = keep(a.usage, e.UsageMetadata)
		a.finish = e.Candidates[0].FinishReason
		for _, p := range e.Candidates[0].Content.Parts {
			a.part(p)
		}
	case e.Response != nil:
		a.final = keep(a.final, e.Response)
	case e.Type != "":
		a.anthropic(&e)
	}
}

// keep returns a copy of the newer of two values, if there is one that is not too
// long.
func keep(old, newer json.RawMessage) json.RawMessage {
	if len(newer) == 0 || string(newer) == "null" || len(newer) > maxRaw {
		return old
	}
	return bytes.Clone(newer)
}

// room returns as much of a text as may still be kept.
func (a *assembler) room(s string) string {
	s = s[:min(len(s), max(0, maxSaid-a.said))]
	a.said += len(s)
	return s
}

func (a *assembler) chunk(parts []part) {
	for i := range parts {
		p := &parts[i]
		if p.Index < 0 || p.Index >= maxParts {
			continue
		}
		for len(a.choices) <= p.Index {
			a.choices = append(a.choices, choice{})
		}
		c := &a.choices[p.Index]
		if p.Text != nil {
			c.text = true
			c.content = append(c.content, a.room(*p.Text)...)
		}
		if p.Finish != "" {
			c.finish = p.Finish
		}
		if p.Delta.Role != "" {
			c.role = p.Delta.Role
		}
		c.content = append(c.content, a.room(p.Delta.Content)...)
		c.reasoning = append(c.reasoning, a.room(p.Delta.Reasoning)...)
		for i := range p.Delta.Calls {
			a.call(c, &p.Delta.Calls[i])
		}
	}
}

// call adds a part of a call of a tool to its choice.
func (a *assembler) call(c *choice, p *callPart) {
	if p.Index < 0 || p.Index >= maxParts {
		return
	}
	for len(c.calls) <= p.Index {
		c.calls = append(c.calls, call{})
	}
	to := &c.calls[p.Index]
	if p.ID != "" {
		to.id = a.room(p.ID)
	}
	if p.Function.Name != "" {
		to.name = a.room(p.Function.Name)
	}
	to.arguments = append(to.arguments, a.room(p.Function.Arguments)...)
}

// part adds a part of Gemini's. Texts that follow each other are one.
func (a *assembler) part(p json.RawMessage) {
	var now, before map[string]json.RawMessage
	if json.Unmarshal(p, &now) != nil || a.said+len(p) > maxSaid {
		return
	}
	a.said += len(p)
	if n := len(a.parts); n > 0 && now["text"] != nil && json.Unmarshal(a.parts[n-1], &before) == nil && before["text"] != nil && string(before["thought"]) == string(now["thought"]) {
		var first, second string
		if json.Unmarshal(before["text"], &first) == nil && json.Unmarshal(now["text"], &second) == nil {
			before["text"] = quote(first + second)
			if joined, err := json.Marshal(before); err == nil {
				a.parts[n-1] = joined
				return
			}
		}
	}
	if len(a.parts) < maxParts {
		a.parts = append(a.parts, bytes.Clone(p))
	}
}

func (a *assembler) anthropic(e *event) {
	switch e.Type {
	case "message_start":
		a.message = map[string]json.RawMessage{}
		_ = json.Unmarshal(keep(nil, e.Message), &a.message) // else it is empty
	case "content_block_start":
		if len(a.blocks) < maxParts {
			var b block
			_ = json.Unmarshal(keep(nil, e.Block), &b.head) // else it is empty
			a.blocks = append(a.blocks, b)
		}
	case "content_block_delta":
		a.blockDelta(e)
	case "message_delta":
		var delta map[string]json.RawMessage
		if a.message == nil || json.Unmarshal(e.Delta, &delta) != nil {
			return
		}
		for name, value := range delta {
			a.message[name] = bytes.Clone(value)
		}
		if len(e.Usage) > 0 {
			a.message["usage"] = merged(a.message["usage"], e.Usage)
		}
	}
}

// merged adds the members of a later usage to an earlier one.
func merged(first, second json.RawMessage) json.RawMessage {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(first, &all) // there may be none
	var more map[string]json.RawMessage
	if json.Unmarshal(second, &more) != nil {
		return first
	}
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	maps.Copy(all, more)
	b, err := json.Marshal(all)
	if err != nil {
		return first
	}
	return b
}

func (a *assembler) blockDelta(e *event) {
	if e.Index < 0 || e.Index >= len(a.blocks) {
		return
	}
	var d struct {
		Text     string `json:"text"`
		Thinking string `json:"thinking"`
		JSON     string `json:"partial_json"`
	}
	_ = json.Unmarshal(e.Delta, &d) // what has another type is left out
	b := &a.blocks[e.Index]
	b.text = append(b.text, a.room(d.Text+d.Thinking)...)
	b.json = append(b.json, a.room(d.JSON)...)
}

// answer is what the events came to, or nil where nothing was understood.
func (a *assembler) answer() []byte {
	var out any
	switch {
	case a.final != nil:
		return a.final
	case a.message != nil:
		out = a.ofAnthropic()
	case len(a.choices) > 0:
		out = a.ofOpenAI()
	case len(a.parts) > 0:
		out = map[string]any{
			"candidates":   []any{map[string]any{"content": map[string]any{"role": "model", "parts": a.parts}, "finishReason": a.finish}},
			"modelVersion": a.head.ModelVersion, "usageMetadata": orNull(a.usage),
		}
	default:
		return nil
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil
	}
	return b
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return json.RawMessage(`""`)
	}
	return b
}

func (a *assembler) ofOpenAI() any {
	object := "chat.completion"
	list := make([]any, len(a.choices))
	for i := range a.choices {
		c := &a.choices[i]
		one := map[string]any{"index": i, "finish_reason": c.finish}
		if c.text {
			object = "text_completion"
			one["text"] = string(c.content)
			list[i] = one
			continue
		}
		message := map[string]any{"role": c.role, "content": string(c.content)}
		if len(c.reasoning) > 0 {
			message["reasoning_content"] = string(c.reasoning)
		}
		var calls []any
		for j := range c.calls {
			to := &c.calls[j]
			calls = append(calls, map[string]any{"id": to.id, "type": "function", "function": map[string]any{"name": to.name, "arguments": string(to.arguments)}})
		}
		if calls != nil {
			message["tool_calls"] = calls
		}
		one["message"] = message
		list[i] = one
	}
	return map[string]any{"id": a.head.ID, "object": object, "created": a.head.Created, "model": a.head.Model, "choices": list, "usage": orNull(a.usage)}
}

func (a *assembler) ofAnthropic() any {
	content := make([]any, 0, len(a.blocks))
	for i := range a.blocks {
		b := &a.blocks[i]
		if b.head == nil {
			b.head = map[string]json.RawMessage{}
		}
		if len(b.text) > 0 {
			name := "text"
			if string(b.head["type"]) == `"thinking"` {
				name = "thinking"
			}
			b.head[name] = quote(string(b.text))
		}
		if input := json.RawMessage(b.json); len(input) > 0 && json.Valid(input) {
			b.head["input"] = input
		} else if len(input) > 0 {
			b.head["input"] = quote(string(input)) // it broke off
		}
		content = append(content, b.head)
	}
	b, err := json.Marshal(content)
	if err != nil {
		b = []byte("[]")
	}
	a.message["content"] = slices.Clip(b)
	return a.message
}
