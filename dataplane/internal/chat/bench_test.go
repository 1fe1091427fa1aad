package chat_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

func benchText() string { return strings.Repeat("the quick brown fox ", 36) }

func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"model":"m","temperature":0.7,"max_tokens":1024,"messages":[{"role":"system","content":"You are a helpful assistant."},` +
		`{"role":"user","content":"` + benchText() + `"}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chat.Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParams(b *testing.B) {
	r := &chat.Request{Temperature: new(0.7), MaxTokens: new(int64(10)), User: "u"}
	b.ReportAllocs()
	for b.Loop() {
		require.Len(b, r.Params(), 3)
	}
}

func BenchmarkEncode(b *testing.B) {
	r := &chat.Response{
		ID: "chatcmpl-1", Model: "m", Created: 1, HasUsage: true, Usage: chat.Usage{Input: 200, Output: 180},
		Choices: []chat.Choice{{Message: chat.Message{Role: chat.Assistant, Content: chat.Text(benchText())}, FinishReason: chat.FinishStop}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendDelta(b *testing.B) {
	head := chat.Stamp{ID: "chatcmpl-1", Model: "m", Created: 1}.Head()
	d := &chat.Delta{Content: " a few words"}
	out := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		out = chat.AppendDelta(out[:0], head, d, false)
	}
}

func BenchmarkDecodeChunk(b *testing.B) {
	data := []byte(`{"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1793534400,"model":"bench-model",` +
		`"choices":[{"index":0,"delta":{"content":" a few words"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	var c chat.Chunk
	b.ReportAllocs()
	for b.Loop() {
		if err := chat.DecodeChunk(data, &c); err != nil {
			b.Fatal(err)
		}
	}
}
