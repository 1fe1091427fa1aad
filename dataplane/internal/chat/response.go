package chat

import "encoding/json"

// Response is a whole answer.
type Response struct {
	ID          string
	Created     int64 // Unix seconds
	Model       string
	Choices     []Choice
	Usage       Usage
	HasUsage    bool
	ServiceTier string
	// SystemFingerprint is OpenAI's.
	SystemFingerprint string
	// Extra are the vendor's own additions at the top level.
	Extra map[string]json.RawMessage
}

// Choice is one of the answers.
type Choice struct {
	Index        int             `json:"index"`
	Message      Message         `json:"message"`
	FinishReason string          `json:"finish_reason"`
	Logprobs     json.RawMessage `json:"logprobs,omitempty"`
}

// The reasons why an answer ends.
const (
	FinishStop          = "stop"
	FinishLength        = "length"
	FinishToolCalls     = "tool_calls"
	FinishContentFilter = "content_filter"
	FinishFunctionCall  = "function_call"
)

// Chunk is what an event of a stream adds to the answer. It is reused: a
// decoder overwrites it, an encoder keeps nothing of it.
type Chunk struct {
	// ID, Model and Created are of the answer as the vendor gives them, where
	// it does; they may stand in the first chunk alone.
	ID      string
	Model   string
	Created int64

	Deltas   []Delta
	Usage    Usage
	HasUsage bool // Usage is what is known so far; the last one counts

	ServiceTier string
}

// Reset empties the chunk and keeps its memory.
func (c *Chunk) Reset() {
	deltas := c.Deltas
	clear(deltas)
	*c = Chunk{Deltas: deltas[:0]}
}

// Add appends an empty delta of a choice and returns it.
func (c *Chunk) Add(choice int) *Delta {
	c.Deltas = append(c.Deltas, Delta{Choice: choice})
	return &c.Deltas[len(c.Deltas)-1]
}

// Delta is what a chunk adds to one choice.
type Delta struct {
	Choice    int
	Content   string
	Refusal   string
	Reasoning string
	// Thinking is a signature, or a whole redacted thought. Its text, where
	// there is one, stands in Reasoning.
	Thinking *ThinkingBlock
	// ToolCalls begin (ID and Name set) or go on (Arguments alone).
	ToolCalls    []ToolCallDelta
	Images       []Part
	Audio        json.RawMessage // OpenAI's object, its data in pieces
	Annotations  json.RawMessage
	Logprobs     json.RawMessage
	FinishReason string
	// ProviderFields are the vendor's own additions.
	ProviderFields json.RawMessage
}

// Empty reports whether the delta says nothing.
func (d *Delta) Empty() bool {
	return d.Content == "" && d.Refusal == "" && d.Reasoning == "" && d.Thinking == nil && len(d.ToolCalls) == 0 &&
		len(d.Images) == 0 && d.Audio == nil && d.Annotations == nil && d.Logprobs == nil && d.FinishReason == "" && d.ProviderFields == nil
}

// ToolCallDelta adds to a tool call. Index counts the calls of the answer.
type ToolCallDelta struct {
	Index          int
	ID             string
	Name           string
	Arguments      string
	ProviderFields json.RawMessage
}
