package chat_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

func TestDecodeChunk(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]chat.Chunk{
		`{"id":"a","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":1,"delta":{"role":"assistant","content":"h\"i","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}`: {
			ID: "a", Model: "m", Created: 5, Deltas: []chat.Delta{{Choice: 1, Content: `h"i`}},
		},
		`{"id":"same","choices":[{"delta":{},"finish_reason":"stop","logprobs":{"content":[]}}],"service_tier":"flex"}`: {
			ID: "same", ServiceTier: "flex", Deltas: []chat.Delta{{FinishReason: "stop", Logprobs: json.RawMessage(`{"content":[]}`)}},
		},
		`{"id":"same\n","model":null,"created":1.0,"choices":[ {"index":0,"delta":{"content":"a"}} , {"index":1,"delta":{"content":"b"}} ]}`: {
			ID: "same\n", Created: 1, Deltas: []chat.Delta{{Content: "a"}, {Choice: 1, Content: "b"}},
		},
		`{"choices":[{"index":0,"delta":{"content":"c","reasoning":"r","tool_calls":[{"index":2,"id":"x","function":{"name":"f","arguments":"{}"}}]}}]}`: {
			Deltas: []chat.Delta{{Content: "c", Reasoning: "r", ToolCalls: []chat.ToolCallDelta{{Index: 2, ID: "x", Name: "f", Arguments: "{}"}}}},
		},
		`{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}`: {HasUsage: true, Usage: chat.Usage{Input: 3, Output: 4}},
		`{"choices":null}`: {},
		`{"choices":[{"delta":null,"finish_reason":"length"}]}`:         {Deltas: []chat.Delta{{FinishReason: "length"}}},
		`{"choices":[{"delta":{"content":"a","made_up":1}}], "x": [1]}`: {Deltas: []chat.Delta{{Content: "a"}}},
	} {
		c := chat.Chunk{ID: "same", Model: "old", Deltas: []chat.Delta{{Content: "old"}}, HasUsage: true}
		require.NoError(t, chat.DecodeChunk([]byte(in), &c), in)
		if len(c.Deltas) == 0 {
			c.Deltas = nil
		}
		require.Equal(t, want, c, in)
	}
}

func TestDecodeChunk_refuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		``, `[]`, `{"id":5}`, `{"choices":{}}`, `{"choices":[5]}`, `{"choices":[{"delta":{"content":5}}]}`, `{"choices":[{"finish_reason":5}]}`,
		`{"choices":[{"delta":{"content":"a"}}]`, `{"choices":[{"delta":[]}]}`,
	} {
		require.Error(t, chat.DecodeChunk([]byte(in), &chat.Chunk{}), in)
	}
}

func TestDecodeChunk_allocates_its_text_alone(t *testing.T) { //nolint:paralleltest // allocations of other tests would be counted
	data := []byte(`{"id":"a","model":"m","created":5,"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}]}`)
	var c chat.Chunk
	require.NoError(t, chat.DecodeChunk(data, &c))
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = chat.DecodeChunk(data, &c) }), 1.0)
}

// FuzzDecodeChunk: no panic, and what is read can be written as JSON.
func FuzzDecodeChunk(f *testing.F) {
	for _, s := range []string{
		`{"id":"a","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}`,
		`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}},{"index":1}],"usage":{"prompt_tokens":1}}`,
		`{"choices":[{"delta":{"images":[{"image_url":{"url":"u"}}],"audio":{"data":"x"}},"logprobs":{}}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c chat.Chunk
		if chat.DecodeChunk(data, &c) != nil {
			return
		}
		head := chat.Stamp{ID: c.ID, Model: c.Model, Created: c.Created}.Head()
		for i := range c.Deltas {
			require.True(t, json.Valid(chat.AppendDelta(nil, head, &c.Deltas[i], true)), "%q", data)
		}
	})
}
