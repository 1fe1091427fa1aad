//nolint:tagliatelle // the names are the vendor's
package fakebedrock

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

const latency = 12 // ms

// answer renders the whole answer.
func (q *request) answer(r fakevendor.Reply) fakevendor.Document {
	var content []json.RawMessage
	if len(r.Thoughts) > 0 {
		content = append(content, fakevendor.Object("reasoningContent", fakevendor.Object("reasoningText", fakevendor.Object("text", r.Thought(), "signature", r.Signature))))
	}
	if len(r.Pieces) > 0 {
		content = append(content, fakevendor.Object("text", r.Text()))
	}
	for _, c := range r.Calls {
		content = append(content, fakevendor.Object("toolUse", fakevendor.Object("input", json.RawMessage(c.Arguments), "name", c.Name, "toolUseId", callID(c))))
	}
	pairs := []any{
		"metrics", fakevendor.Object("latencyMs", latency),
		"output", fakevendor.Object("message", fakevendor.Object("content", fakevendor.List(content), "role", "assistant")),
		"stopReason", reason(r.Finish),
	}
	if r.Usage != nil {
		pairs = append(pairs, "usage", usage(*r.Usage))
	}
	return document(fakevendor.Object(pairs...))
}

func callID(c fakevendor.ToolCall) string { return "tooluse_" + c.ID }

// usage counts what was read from and written to the cache apart from the rest
// of the prompt.
func usage(u fakevendor.Usage) json.RawMessage {
	return fakevendor.Object("cacheReadInputTokens", u.Cached, "cacheWriteInputTokens", u.CacheWritten,
		"inputTokens", u.Prompt-u.Cached-u.CacheWritten, "outputTokens", u.Completion, "totalTokens", u.Total())
}

func reason(f fakevendor.Finish) string {
	switch f {
	case fakevendor.OutOfTokens:
		return "max_tokens"
	case fakevendor.CalledTools:
		return "tool_use"
	case fakevendor.Filtered:
		return "content_filtered"
	case fakevendor.StopSequence:
		return "stop_sequence"
	default:
		return "end_turn"
	}
}

// readCount reads
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
func readCount(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		Input struct {
			Converse    json.RawMessage `json:"converse"`
			InvokeModel json.RawMessage `json:"invokeModel"`
		} `json:"input"`
	}
	if err := c.Decode(&b); err != nil || len(b.Input.Converse)+len(b.Input.InvokeModel) == 0 {
		return nil, invalid("The input must set one of the following keys: invokeModel, converse.")
	}
	q := &request{model: c.Model}
	if len(b.Input.Converse) > 0 {
		if f := q.read(b.Input.Converse); f != nil {
			return nil, f
		}
	}
	return fakevendor.Settled(document(fakevendor.Object("inputTokens", fakevendor.PromptTokens))), nil
}
