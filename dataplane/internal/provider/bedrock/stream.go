package bedrock

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// decoder reads the events of one stream:
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
type decoder struct {
	reader

	tools int // calls so far, ours not counted
	// open is the block of a tool call in the making.
	open    toolBlock
	stopped bool
}

type toolBlock uint8

const (
	noTool toolBlock = iota
	// emptyTool has no arguments yet.
	emptyTool
	filledTool
	formatBlock // its arguments are the answer
)

// wireEvent is every event of a stream; their members do not meet.
//
//nolint:tagliatelle // AWS's names
type wireEvent struct {
	Start struct {
		ToolUse *wireToolUse `json:"toolUse"`
	} `json:"start"`
	Delta struct {
		Text      string          `json:"text"`
		ToolUse   *wireToolInput  `json:"toolUse"`
		Reasoning *wireThought    `json:"reasoningContent"`
		Citation  json.RawMessage `json:"citation"`
	} `json:"delta"`
	StopReason  string          `json:"stopReason"`
	Usage       *wireUsage      `json:"usage"`
	Trace       json.RawMessage `json:"trace"`
	ServiceTier wireTier        `json:"serviceTier"`
}

type wireToolInput struct {
	Input string `json:"input"`
}

//nolint:tagliatelle // AWS's names
type wireThought struct {
	Text      string `json:"text"`
	Signature string `json:"signature"`
	Redacted  string `json:"redactedContent"`
}

// Done implements native.Decoder: usage comes behind the stop reason, but an
// answer without it is whole.
func (d *decoder) Done() bool { return d.stopped }

// Frame implements native.Decoder.
func (d *decoder) Frame(f *frame.Frame, c *chat.Chunk) error {
	if f.Exception != "" {
		return exception(f)
	}
	if f.Event == "contentBlockStop" {
		d.blockStop(c)
		return nil
	}
	if f.Event == "contentBlockDelta" && plainText(f.Data, c) {
		return nil
	}
	var e wireEvent
	if err := json.Unmarshal(f.Data, &e); err != nil {
		return fmt.Errorf("converse-stream: %w", err)
	}
	switch f.Event {
	case "contentBlockStart":
		d.blockStart(&e, c)
	case "contentBlockDelta":
		return d.delta(&e, c)
	case "messageStop":
		d.stopped = true
		reason := finish(e.StopReason)
		if reason == chat.FinishToolCalls && d.tools == 0 {
			reason = chat.FinishStop // the tool was ours
		}
		c.Add(0).FinishReason = reason
	case "metadata":
		d.metadata(&e, c)
	}
	return nil
}

// plainText reads the event that streams are made of without decoding all of
// it. It reports whether it was one.
func plainText(data []byte, c *chat.Chunk) bool {
	delta := jsonx.Lookup(data, "delta").Of(data)
	text := jsonx.Lookup(delta, "text").Of(delta)
	if len(text) == 0 {
		return false
	}
	s, err := jsonx.Unquote(text)
	if err != nil {
		return false
	}
	if s != "" {
		c.Add(0).Content = s
	}
	return true
}

func (d *decoder) blockStart(e *wireEvent, c *chat.Chunk) {
	t := e.Start.ToolUse
	switch {
	case t == nil:
		d.open = noTool
		return
	case t.Name == d.formatTool:
		d.open = formatBlock
		return
	}
	d.open = emptyTool
	d.tools++
	delta := c.Add(0)
	delta.ToolCalls = append(delta.ToolCalls, chat.ToolCallDelta{Index: d.tools - 1, ID: t.ID, Name: d.names.toClient(t.Name)})
}

func (d *decoder) delta(e *wireEvent, c *chat.Chunk) error {
	switch {
	case e.Delta.ToolUse != nil:
		return d.arguments(e.Delta.ToolUse.Input, c)
	case e.Delta.Reasoning != nil:
		think(e.Delta.Reasoning, c)
	case e.Delta.Text != "":
		c.Add(0).Content = e.Delta.Text
	case object(e.Delta.Citation):
		c.Add(0).ProviderFields = json.RawMessage(`{"citation":` + string(e.Delta.Citation) + `}`)
	}
	return nil
}

func (d *decoder) arguments(input string, c *chat.Chunk) error {
	switch {
	case d.open == noTool:
		return errors.New("converse-stream: the arguments of a call that has not begun")
	case input == "":
		return nil
	case d.open == formatBlock:
		c.Add(0).Content = input
		return nil
	}
	d.open = filledTool
	delta := c.Add(0)
	delta.ToolCalls = append(delta.ToolCalls, chat.ToolCallDelta{Index: d.tools - 1, Arguments: input})
	return nil
}

// blockStop gives a call without arguments the empty ones that clients parse.
func (d *decoder) blockStop(c *chat.Chunk) {
	if d.open == emptyTool {
		delta := c.Add(0)
		delta.ToolCalls = append(delta.ToolCalls, chat.ToolCallDelta{Index: d.tools - 1, Arguments: "{}"})
	}
	d.open = noTool
}

func think(t *wireThought, c *chat.Chunk) {
	switch {
	case t.Text != "":
		c.Add(0).Reasoning = t.Text
	case t.Signature != "":
		c.Add(0).Thinking = &chat.ThinkingBlock{Type: chat.ThinkingType, Signature: t.Signature}
	case t.Redacted != "":
		c.Add(0).Thinking = &chat.ThinkingBlock{Type: chat.RedactedThinkingType, Data: t.Redacted}
	}
}

func (d *decoder) metadata(e *wireEvent, c *chat.Chunk) {
	if e.Usage != nil {
		e.Usage.into(&c.Usage)
		c.HasUsage = true
	}
	c.ServiceTier = e.ServiceTier.Type
	if object(e.Trace) {
		c.Add(0).ProviderFields = json.RawMessage(`{"trace":` + string(e.Trace) + `}`)
	}
}
