package fakevendor

import (
	"encoding/json"
)

// answer renders
// https://platform.openai.com/docs/api-reference/chat/object
func (q *openAIChat) answer(r Reply) Document {
	message := []any{"role", "assistant", "content", nil}
	if len(r.Pieces) > 0 {
		message[3] = r.Text()
	}
	if len(r.Calls) > 0 {
		calls := make([]json.RawMessage, len(r.Calls))
		for i, c := range r.Calls {
			calls[i] = Object("id", openAICallID(c), "type", "function", "function", Object("name", c.Name, "arguments", c.Arguments))
		}
		message = append(message, "tool_calls", List(calls))
	}
	message = append(message, "refusal", nil, "annotations", List[string](nil))
	choice := Object("index", 0, "message", Object(message...), "logprobs", nil, "finish_reason", openAIReason(r.Finish))
	return openAIDocument(openAIEnvelope("chatcmpl-vendor", "chat.completion", q.model, choice, r.Usage))
}

func openAIEnvelope(id, object, model string, choice json.RawMessage, usage *Usage) json.RawMessage {
	pairs := []any{
		"id", id, "object", object, "created", 1760000000, "model", model + Snapshot, "choices", List([]json.RawMessage{choice}),
	}
	if usage != nil {
		pairs = append(pairs, "usage", openAIUsage(*usage))
	}
	return Object(append(pairs, "service_tier", "default", "system_fingerprint", "fp_vendor")...)
}

func openAIUsage(u Usage) json.RawMessage {
	return Object("prompt_tokens", u.Prompt, "completion_tokens", u.Completion, "total_tokens", u.Total(),
		"prompt_tokens_details", Object("cached_tokens", u.Cached, "audio_tokens", 0),
		"completion_tokens_details", Object("reasoning_tokens", u.Reasoning, "audio_tokens", 0, "accepted_prediction_tokens", 0, "rejected_prediction_tokens", 0))
}

func openAICallID(c ToolCall) string { return "call_" + c.ID }

func openAIReason(f Finish) string {
	switch f {
	case OutOfTokens:
		return "length"
	case CalledTools:
		return "tool_calls"
	case Filtered:
		return "content_filter"
	default:
		return "stop"
	}
}

// openAICompletion is a request to
// https://platform.openai.com/docs/api-reference/completions/create
type openAICompletion struct {
	model        string
	includeUsage bool
}

func readOpenAICompletion(c *Call) (*Request, *Failure) {
	var body struct {
		Model         string              `json:"model"`
		Stream        bool                `json:"stream"`
		StreamOptions openAIStreamOptions `json:"stream_options"`
	}
	if err := c.Decode(&body); err != nil {
		return nil, badOpenAIJSON()
	}
	c.Model, c.Stream = body.Model, body.Stream
	q := &openAICompletion{model: body.Model, includeUsage: body.StreamOptions.IncludeUsage}
	return &Request{Answer: q.answer, Stream: q.stream}, nil
}

// answer renders
// https://platform.openai.com/docs/api-reference/completions/object
func (q *openAICompletion) answer(r Reply) Document {
	choice := Object("text", r.Text(), "index", 0, "logprobs", nil, "finish_reason", openAIReason(r.Finish))
	return openAIDocument(openAIEnvelope("cmpl-vendor", "text_completion", q.model, choice, r.Usage))
}
