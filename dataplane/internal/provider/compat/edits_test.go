package compat_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// FuzzAnswer: whatever a vendor sends, edits neither panic nor make bad JSON
// of good one, in whole answers and in events.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"choices":[{"index":0,"delta":{"reasoning":"x","content":[{"type":"thinking","thinking":[{"text":"a"}]}]},"finish_reason":"sensitive"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":6,"completion_tokens_details":{"reasoning_tokens":3}}}`,
		`{"choices":[{"message":{"content":"[1] [2] [999]","tool_calls":[{}]},"finish_reason":"stop"}],"citations":["u"],"search_results":[{"title":"t"}],"model":"m"}`,
		`{"choices":{},"usage":[]}`, `{"choices":[null,1,{"delta":null,"message":"x"}]}`, `[]`, `{"model":"\ud800"}`, "{\"choices\":[{\"delta\":{\"reasoning\":null",
	} {
		f.Add([]byte(seed))
	}
	all := catalog.AnswerQuirks{
		Reasoning: "reasoning", ThinkingParts: true, FinishReasons: []catalog.Rename{{From: "sensitive", To: "content_filter"}},
		ToolCallsEndWithStop: true, ReasoningBesideCompletion: true, TotalTokensOnly: true, Citations: true, ChatForText: true,
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, got := range [][]byte{compat.EditWhole(&all, data), compat.EditEvent(&all, data)} {
			if json.Valid(data) {
				require.True(t, json.Valid(got), "%s became %s", data, got)
			}
		}
	})
}

// FuzzRequest: whatever a client asks, the body that goes out is JSON and asks
// for the deployment's model.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"model":"a","messages":[{"role":"user","name":"x","content":[{"type":"text","text":"t","cache_control":{}},{"type":"image_url","image_url":"u"},{"type":"file","file":{"file_data":"data:video/mp4;base64,"}}]}]}`,
		`{"model":"a","tools":[{"function":{"parameters":{"properties":{"strict":{"strict":true}},"enum":[{"strict":1}]}}}],"tool_choice":"required","temperature":0,"n":2}`,
		`{"model":"a","thinking":{"type":"enabled","budget_tokens":1},"response_format":{"type":"json_schema","json_schema":{"schema":{}}},"stream":true,"stream_options":null}`,
		`{"model":"a","additional_drop_params":["messages[0].x","a.b"],"extra_body":{"model":"b","x":1,"x":2},"drop_params":true}`,
		`{"model":null,"messages":"x","thinking":1,"extra_body":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, slug := range []string{"mistral", "groq", "moonshot", "fireworks_ai", "hosted_vllm", "xai", "openrouter"} {
			sent, ok := compat.SentBy(t, slug, body)
			if !ok || !json.Valid(body) {
				continue
			}
			require.True(t, json.Valid(sent), "%s: %s became %s", slug, body, sent)
			if at := jsonx.Lookup(body, "model"); !at.Empty() {
				require.Contains(t, []string{`"m"`, `"accounts/fireworks/models/m"`}, string(jsonx.Lookup(sent, "model").Of(sent)))
			}
		}
	})
}

func BenchmarkStream(b *testing.B) {
	var events bytes.Buffer
	for i := range 50 {
		member := `"content":"` + strings.Repeat("word ", i%3+1) + `"`
		if i < 10 {
			member = `"reasoning":"thinking"`
		}
		events.WriteString(`data: {"id":"gen-1","provider":"X","model":"m","object":"chat.completion.chunk","created":1700000000,"choices":[{"index":0,"delta":{"role":"assistant",` + member + `},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}` + "\n\n")
	}
	row, _ := catalog.Lookup("openrouter")
	buf := make([]byte, 16<<10)
	b.ReportAllocs()
	for b.Loop() {
		s := compat.EditStream(&row.Quirks.Answer, bytes.NewReader(events.Bytes()))
		for {
			if _, err := s.Read(buf); err == io.EOF {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/event")
}
