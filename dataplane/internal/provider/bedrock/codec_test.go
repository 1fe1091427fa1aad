package bedrock_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/bedrock"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
)

const claude = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"

const toolRequest = `{"model":"m","stream":true,"max_tokens":500,"temperature":0.5,"messages":[
	{"role":"system","content":"You are helpful. Answer in one sentence."},
	{"role":"user","content":"What is the weather in Rome, and what should I wear?"},
	{"role":"assistant","content":"Let me look.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Rome\"}"}}]},
	{"role":"tool","tool_call_id":"call_1","content":"sunny, 25 degrees"},
	{"role":"user","content":[{"type":"text","text":"And tomorrow?"}]}],
	"tools":[{"type":"function","function":{"name":"get_weather","description":"Weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string","description":"The city"}},"required":["city"]}}}],
	"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object","properties":{"text":{"type":"string"}}}}}}`

func decode(tb testing.TB, body string) *chat.Request {
	tb.Helper()
	req, err := chat.Decode([]byte(body))
	require.NoError(tb, err)
	return req
}

func FuzzWhole(f *testing.F) {
	f.Add([]byte(`{"output":{"message":{"role":"assistant","content":[{"text":"a"},{"toolUse":{"toolUseId":"t","name":"answer","input":{"text":"b"}}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":2,"cacheDetails":[{"ttl":"1h","inputTokens":3}]}}`))
	f.Add([]byte(`{"output":{"message":{"content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},{"reasoningContent":{"redactedContent":"cg=="}},{"image":{"format":"png","source":{"bytes":"aGk="}}},{"citationsContent":{"content":[{"text":"c"}],"citations":[{}]}}]}},"stopReason":"max_tokens","trace":{"a":1}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		x, err := bedrock.Exchange(claude, decode(t, toolRequest))
		require.NoError(t, err)
		answer, err := x.Whole(body)
		if err != nil {
			return
		}
		_, err = answer.Encode()
		require.NoError(t, err)
	})
}

func FuzzDecoder(f *testing.F) {
	f.Add("messageStart {}\ncontentBlockDelta {\"delta\":{\"text\":\"a\"}}\nmessageStop {\"stopReason\":\"end_turn\"}\nmetadata {\"usage\":{\"inputTokens\":1}}")
	f.Add("contentBlockStart {\"start\":{\"toolUse\":{\"toolUseId\":\"t\",\"name\":\"get_weather\"}}}\ncontentBlockDelta {\"delta\":{\"toolUse\":{\"input\":\"{}\"}}}\ncontentBlockStop {}")
	f.Add("contentBlockStart {\"start\":{\"toolUse\":{\"name\":\"answer\"}}}\ncontentBlockDelta {\"delta\":{\"reasoningContent\":{\"signature\":\"s\"}}}\nthrottlingException {\"message\":\"m\"}")
	f.Add("contentBlockDelta {\"delta\":{\"citation\":{\"a\":1}}}\nmetadata {\"trace\":{}}\ncontentBlockStart {\"start\":{\"toolUse\":null}}")
	f.Fuzz(func(t *testing.T, stream string) {
		x, err := bedrock.Exchange(claude, decode(t, toolRequest))
		require.NoError(t, err)
		var c chat.Chunk
		for line := range strings.Lines(stream) {
			kind, data, _ := strings.Cut(strings.TrimSpace(line), " ")
			c.Reset()
			frame := &frame.Frame{Event: kind, Data: []byte(data)}
			if strings.HasSuffix(kind, "Exception") {
				frame.Exception = kind
			}
			if x.Stream.Frame(frame, &c) != nil {
				return
			}
			for i := range c.Deltas {
				require.True(t, json.Valid(chat.AppendDelta(nil, chat.Stamp{}.Head(), &c.Deltas[i], false)))
			}
		}
	})
}

// reply is an answer of AWS.
type reply struct{ io.Reader }

func (reply) Close() error         { return nil }
func (reply) Status() int          { return 200 }
func (reply) Header(string) string { return "" }
func (reply) ContentLength() int64 { return -1 }

func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"bytes":"eyJ0eXBlIjoicGluZyJ9"}`), "")
	f.Add([]byte(`{"bytes":"eyJ0eXBlIjoibWVzc2FnZV9zdG9wIiwiYW1hem9uLWJlZHJvY2staW52b2NhdGlvbk1ldHJpY3MiOnt9fQ=="}`), "")
	f.Add([]byte(`{"message":"slow"}`), "throttlingException")
	f.Fuzz(func(t *testing.T, payload []byte, exception string) {
		if len(exception) > 200 {
			return
		}
		name, kind := ":event-type", "chunk"
		if exception != "" {
			name, kind = ":exception-type", exception
		}
		_, err := io.ReadAll(bedrock.Events(reply{bytes.NewReader(message(name, kind, payload))}))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			require.NotErrorIs(t, err, io.EOF)
		}
	})
}

// message writes one of AWS's.
func message(name, value string, payload []byte) []byte {
	h := append([]byte{byte(len(name))}, name...)
	h = binary.BigEndian.AppendUint16(append(h, 7), uint16(len(value)))
	h = append(h, value...)
	m := binary.BigEndian.AppendUint32(nil, uint32(16+len(h)+len(payload)))
	m = binary.BigEndian.AppendUint32(m, uint32(len(h)))
	m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
	m = append(append(m, h...), payload...)
	return binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
}

func BenchmarkChat(b *testing.B) {
	answer := []byte(`{"metrics":{"latencyMs":321},"output":{"message":{"role":"assistant","content":[{"text":"` + strings.Repeat("It will be sunny. ", 20) +
		`"},{"toolUse":{"toolUseId":"tooluse_1","name":"get_weather","input":{"city":"Rome"}}}]}},"stopReason":"tool_use","usage":{"inputTokens":10,"outputTokens":5,"totalTokens":15}}`)
	req := decode(b, toolRequest)
	b.ReportAllocs()
	for b.Loop() {
		own := *req
		x, err := bedrock.Exchange(claude, &own)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.Whole(answer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStream(b *testing.B) {
	stream := message(":event-type", "messageStart", []byte(`{"role":"assistant","p":"abcdefghijkl"}`))
	for range 47 {
		stream = append(stream, message(":event-type", "contentBlockDelta", []byte(`{"contentBlockIndex":0,"delta":{"text":"Hello you"},"p":"abcdefghijklmnopqrstuvwx"}`))...)
	}
	stream = append(stream, message(":event-type", "messageStop", []byte(`{"stopReason":"end_turn","p":"abc"}`))...)
	stream = append(stream, message(":event-type", "metadata", []byte(`{"metrics":{"latencyMs":1},"usage":{"inputTokens":10,"outputTokens":5,"totalTokens":15},"p":"abc"}`))...)
	req := decode(b, toolRequest)
	b.ReportAllocs()
	for b.Loop() {
		own := *req
		x, err := bedrock.Exchange(claude, &own)
		if err != nil {
			b.Fatal(err)
		}
		frames := frame.NewReader(bytes.NewReader(stream), x.Framing)
		var c chat.Chunk
		events := 0
		for {
			f, err := frames.Next()
			if err != nil {
				break
			}
			c.Reset()
			if err := x.Stream.Frame(f, &c); err != nil {
				b.Fatal(err)
			}
			events++
		}
		if events != 50 || !x.Stream.Done() {
			b.Fatal("the stream was not read")
		}
	}
}
