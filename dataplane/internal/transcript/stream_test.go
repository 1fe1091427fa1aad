package transcript_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/transcript"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// heard is what is kept of a stream that comes in pieces of some bytes.
func heard(t *testing.T, stream string, step int) string {
	t.Helper()
	var c transcript.Capture
	for at := 0; at < len(stream); at += step {
		c.Answer([]byte(stream[at:min(at+step, len(stream))]), true)
	}
	var line contract.Transcript
	require.NoError(t, json.Unmarshal(c.Line("id", time.UnixMilli(7), nil), &line))
	require.Equal(t, "id", line.ID)
	require.EqualValues(t, 7, line.StartMS)
	require.Nil(t, line.Request)
	return string(line.Response)
}

func TestCapture_puts_streams_together(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ stream, want string }{
		"openai": {
			`data: {"id":"c1","created":5,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

: comment

data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hel"}},{"index":1,"delta":{"content":"Yo"}}]}

data: {"id":"c1","choices":[{"index":0,"delta":{"content":"lo","reasoning_content":"hm"},"finish_reason":"stop"}]}

data: {"id":"c1","choices":[],"usage":{"prompt_tokens":3}}

data: [DONE]

`,
			`{"id":"c1","object":"chat.completion","created":5,"model":"m","usage":{"prompt_tokens":3},"choices":[
			{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Hello","reasoning_content":"hm"}},
			{"index":1,"finish_reason":"","message":{"role":"","content":"Yo"}}]}`,
		},
		"openai tools": {
			`data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"t1","function":{"name":"f","arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":"tool_calls"}]}

`,
			`{"id":"c","object":"chat.completion","created":0,"model":"m","usage":null,"choices":[{"index":0,"finish_reason":"tool_calls","message":{
			"role":"assistant","content":"","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}`,
		},
		"completion": {
			"data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"a\"}]}\n\ndata: {\"choices\":[{\"index\":0,\"text\":\"b\",\"finish_reason\":\"stop\"}]}\n\n",
			`{"id":"c","object":"text_completion","created":0,"model":"m","usage":null,"choices":[{"index":0,"finish_reason":"stop","text":"ab"}]}`,
		},
		"anthropic": {
			`event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":12}}

event: message_stop
data: {"type":"message_stop"}

`,
			`{"id":"msg_1","type":"message","role":"assistant","model":"claude","stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":12},
			"content":[{"type":"text","text":"Hello"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}]}`,
		},
		"gemini": {
			`data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Hel"}]}}],"modelVersion":"g"}

data: {"candidates":[{"content":{"role":"model","parts":[{"text":"lo"},{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":2},"modelVersion":"g"}

`,
			`{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"},{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}],"modelVersion":"g","usageMetadata":{"promptTokenCount":2}}`,
		},
		"responses": {
			`event: response.created
data: {"type":"response.created","response":{"id":"r","status":"in_progress","output":[]}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","delta":"Hello"}

event: response.completed
data: {"type":"response.completed","response":{"id":"r","status":"completed","output":[{"type":"message"}]}}

`,
			`{"id":"r","status":"completed","output":[{"type":"message"}]}`,
		},
	} {
		for _, step := range []int{1, 7, 1 << 20} {
			require.JSONEq(t, tc.want, heard(t, tc.stream, step), name)
		}
	}
	require.Empty(t, heard(t, "data: nothing\n\ndata: {\"other\":1}\n\n", 1<<20))
}

// However much comes, little is kept.
func TestCapture_is_bounded(t *testing.T) {
	t.Parallel()
	var c, d transcript.Capture
	event := []byte(`data: {"choices":[{"index":0,"delta":{"content":"` + strings.Repeat("much text ", 50) + `"}}]}` + "\n\n")
	for range 10_000 {
		c.Answer(event, true)
		d.Answer(event, false)
	}
	require.LessOrEqual(t, len(c.Line("id", time.Now(), nil)), contract.TranscriptMost)
	require.Contains(t, string(c.Line("id", time.Now(), nil)), "much text")
	require.LessOrEqual(t, len(d.Line("id", time.Now(), nil)), contract.TranscriptMost)
	var endless transcript.Capture
	for range 100 {
		endless.Answer([]byte(strings.Repeat("x", 64<<10)), true)
	}
	endless.Answer([]byte("\n\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"after\"}]}}]}\n\n"), true)
	require.Contains(t, string(endless.Line("id", time.Now(), nil)), "after")
}

func FuzzCapture(f *testing.F) {
	f.Add("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n", 3)
	f.Add("data: {\"type\":\"content_block_delta\",\"index\":-1,\"delta\":7}\n\ndata: {\"type\":\"message_start\",\"message\":null}\n\n", 1)
	f.Add("data: {\"candidates\":[{\"content\":{\"parts\":[null,{\"text\":1},{\"text\":\"a\"}]}}]}\n\ndata: {\"response\":[1]}\n\n", 9)
	f.Fuzz(func(t *testing.T, stream string, step int) {
		if step <= 0 || step > 1<<16 {
			step = 5
		}
		var c transcript.Capture
		for at := 0; at < len(stream); at += step {
			c.Answer([]byte(stream[at:min(at+step, len(stream))]), true)
		}
		line := c.Line("id", time.Now(), []byte(stream))
		require.True(t, json.Valid(line))
		require.LessOrEqual(t, len(line), contract.TranscriptMost)
	})
}
