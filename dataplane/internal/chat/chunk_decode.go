package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// DecodeChunk reads the data of one of OpenAI's events into c, which has the
// chunk before. What most chunks are, a piece of text of one choice, is read
// where it stands; the rest is decoded.
func DecodeChunk(data []byte, c *Chunk) error {
	id, model := c.ID, c.Model
	c.Reset()
	var s jsonx.Scanner
	for s.Reset(data); s.Next(); {
		value := s.Value().Of(data)
		var err error
		switch string(s.Key()) {
		case "id":
			c.ID, err = textLike(id, value)
		case "model":
			c.Model, err = textLike(model, value)
		case "created":
			c.Created = jsonx.Int(value)
		case "service_tier":
			c.ServiceTier, err = textLike("", value)
		case "usage":
			c.HasUsage = c.Usage.Read(value)
		case "choices":
			err = c.addChoices(value)
		}
		if err != nil {
			return fmt.Errorf("decode chunk: member %s: %w", s.Key(), err)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("decode chunk: %w", err)
	}
	return nil
}

// textLike returns a text, or "" for null; where it is the usual one, that is
// returned and nothing is allocated.
func textLike(usual string, value []byte) (string, error) {
	if jsonx.IsNull(value) {
		return "", nil
	}
	if n := len(value); n > 2 && value[0] == '"' && string(value[1:n-1]) == usual && !strings.ContainsRune(usual, '\\') {
		return usual, nil
	}
	return jsonx.Unquote(value)
}

func (c *Chunk) addChoices(list []byte) error {
	if n := len(list); n > 2 && c.addPlain(list[1:n-1]) {
		return nil
	}
	var choices []wireChoice
	if err := json.Unmarshal(list, &choices); err != nil {
		return err
	}
	for i := range choices {
		choice := &choices[i]
		d := c.Add(choice.Index)
		choice.Delta.into(d)
		d.FinishReason, d.Logprobs = choice.FinishReason, notNull(choice.Logprobs)
	}
	return nil
}

// addPlain adds a choice that has nothing but text. It reports whether it could:
// there may be several choices, and other deltas.
func (c *Chunk) addPlain(choice []byte) bool {
	var d Delta
	var s jsonx.Scanner
	for s.Reset(choice); s.Next(); {
		value := s.Value().Of(choice)
		ok := true
		switch string(s.Key()) {
		case "index":
			d.Choice = int(jsonx.Int(value))
		case "delta":
			ok = d.readPlain(value)
		case "finish_reason":
			var err error
			d.FinishReason, err = textLike(FinishStop, value)
			ok = err == nil
		case "logprobs":
			d.Logprobs = bytes.Clone(notNull(value))
		}
		if !ok {
			return false
		}
	}
	if s.Err() != nil {
		return false
	}
	*c.Add(d.Choice) = d
	return true
}

// readPlain reads a delta that has nothing but text.
func (d *Delta) readPlain(delta []byte) bool {
	var s jsonx.Scanner
	for s.Reset(delta); s.Next(); {
		value := s.Value().Of(delta)
		switch key := string(s.Key()); {
		case jsonx.IsNull(value), key == "role":
		case key == "content":
			var err error
			if d.Content, err = jsonx.Unquote(value); err != nil {
				return false
			}
		default:
			return false
		}
	}
	return s.Err() == nil
}

type wireChoice struct {
	Index        int             `json:"index"`
	Delta        wireDelta       `json:"delta"`
	FinishReason string          `json:"finish_reason"`
	Logprobs     json.RawMessage `json:"logprobs"`
}

type wireDelta struct {
	Content          string          `json:"content"`
	Refusal          string          `json:"refusal"`
	ReasoningContent string          `json:"reasoning_content"`
	Reasoning        string          `json:"reasoning"` // OpenRouter's and Groq's name
	ThinkingBlocks   []ThinkingBlock `json:"thinking_blocks"`
	ToolCalls        []wireToolCall  `json:"tool_calls"`
	FunctionCall     *Function       `json:"function_call"`
	Images           []Part          `json:"images"`
	Audio            json.RawMessage `json:"audio"`
	Annotations      json.RawMessage `json:"annotations"`
	ProviderFields   json.RawMessage `json:"provider_specific_fields"`
}

type wireToolCall struct {
	Index          *int            `json:"index"`
	ID             string          `json:"id"`
	Function       Function        `json:"function"`
	ProviderFields json.RawMessage `json:"provider_specific_fields"`
}

func (w *wireDelta) into(d *Delta) {
	d.Content, d.Refusal, d.Reasoning, d.Images = w.Content, w.Refusal, w.ReasoningContent, w.Images
	d.Audio, d.Annotations, d.ProviderFields = notNull(w.Audio), notNull(w.Annotations), notNull(w.ProviderFields)
	if d.Reasoning == "" {
		d.Reasoning = w.Reasoning
	}
	for i := range w.ThinkingBlocks {
		if b := &w.ThinkingBlocks[i]; b.Signature != "" || b.Data != "" {
			d.Thinking = b
		}
	}
	for i := range w.ToolCalls {
		t := &w.ToolCalls[i]
		index := i
		if t.Index != nil {
			index = *t.Index
		}
		d.ToolCalls = append(d.ToolCalls, ToolCallDelta{
			Index: index, ID: t.ID, Name: t.Function.Name, Arguments: t.Function.Arguments, ProviderFields: notNull(t.ProviderFields),
		})
	}
	if f := w.FunctionCall; f != nil {
		d.ToolCalls = append(d.ToolCalls, ToolCallDelta{Name: f.Name, Arguments: f.Arguments})
	}
}

func notNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || jsonx.IsNull(raw) {
		return nil
	}
	return raw
}
