package provider

import (
	"io"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

// BadAnswerError is a success of the vendor that can not be understood.
type BadAnswerError struct {
	What  string
	cause error
}

// BadAnswer returns a BadAnswerError; the cause is for the log.
func BadAnswer(what string, cause error) error { return &BadAnswerError{what, cause} }

func (e *BadAnswerError) Error() string {
	if e.cause == nil {
		return e.What
	}
	return e.What + ": " + e.cause.Error()
}

func (e *BadAnswerError) Unwrap() error { return e.cause }

// Replay returns a whole answer as a stream: for vendors that do not stream
// what was asked for.
func Replay(whole *chat.Response) Stream { return &replay{whole: whole} }

type replay struct {
	whole *chat.Response
	sent  bool
}

func (r *replay) Ready() bool  { return true }
func (r *replay) Close() error { return nil }

func (r *replay) Next(c *chat.Chunk) error {
	if r.sent {
		return io.EOF
	}
	r.sent = true
	c.Reset()
	w := r.whole
	c.ID, c.Model, c.Created, c.Usage, c.HasUsage, c.ServiceTier = w.ID, w.Model, w.Created, w.Usage, w.HasUsage, w.ServiceTier
	for i := range w.Choices {
		choice := &w.Choices[i]
		m := &choice.Message
		d := c.Add(choice.Index)
		for j := range m.ThinkingBlocks { // a delta carries one
			b := &m.ThinkingBlocks[j]
			d.Thinking, d.Reasoning = b, b.Thinking
			d = c.Add(choice.Index)
		}
		if len(m.ThinkingBlocks) == 0 {
			d.Reasoning = m.ReasoningContent
		}
		d.Content, d.Refusal, d.Images, d.Annotations, d.Audio = m.Content.Text(), m.Refusal, m.Images, m.Annotations, m.Audio
		d.FinishReason, d.Logprobs, d.ProviderFields = choice.FinishReason, choice.Logprobs, m.ProviderFields
		for k, t := range m.ToolCalls {
			d.ToolCalls = append(d.ToolCalls, chat.ToolCallDelta{
				Index: k, ID: t.ID, Name: t.Function.Name, Arguments: t.Function.Arguments, ProviderFields: t.ProviderFields,
			})
		}
	}
	return nil
}
