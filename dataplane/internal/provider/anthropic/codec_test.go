package anthropic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/anthropic"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

func exchange(tb testing.TB, o anthropic.Options, body string) *native.Exchange {
	tb.Helper()
	req, err := chat.Decode([]byte(body))
	require.NoError(tb, err)
	x, err := anthropic.NewCodec(o).Chat(req)
	require.NoError(tb, err)
	return x
}

func TestFinishReasons(t *testing.T) {
	t.Parallel()
	x := exchange(t, anthropic.Options{Model: "claude-sonnet-4-5"}, `{"messages":[{"role":"user","content":"hi"}],"stream":true}`)
	for stop, want := range map[string]string{
		"end_turn": chat.FinishStop, "stop_sequence": chat.FinishStop, "pause_turn": chat.FinishStop, "max_tokens": chat.FinishLength,
		"model_context_window_exceeded": chat.FinishLength, "compaction": chat.FinishLength, "tool_use": chat.FinishToolCalls,
		"refusal": chat.FinishContentFilter, "something_new": chat.FinishStop,
	} {
		r, err := x.Whole([]byte(`{"type":"message","stop_reason":"` + stop + `","usage":{"output_tokens":1}}`))
		require.NoError(t, err)
		require.Equal(t, want, r.Choices[0].FinishReason, stop)
		var c chat.Chunk
		require.NoError(t, x.Stream.Frame(&frame.Frame{Data: []byte(`{"type":"message_delta","delta":{"stop_reason":"` + stop + `"}}`)}, &c))
		require.Equal(t, want, c.Deltas[0].FinishReason, stop)
		for _, f := range []json.RawMessage{r.Choices[0].Message.ProviderFields, c.Deltas[0].ProviderFields} {
			if f != nil {
				require.JSONEq(t, `{"stop_reason":"`+stop+`"}`, string(f))
			}
		}
	}
}

// TestModels holds what is asked of a model against what it takes, for the
// ways in which Claude's names are written.
func TestModels(t *testing.T) {
	t.Parallel()
	const effort = `{"messages":[{"role":"user","content":"hi"}],"reasoning_effort":"max","response_format":{"type":"json_object","schema":{"type":"object"}}}`
	for model, want := range map[string]struct{ thinking, effort, format string }{
		"claude-3-5-sonnet-20241022":                    {"", "", "tool"},
		"claude-3-7-sonnet-latest":                      {"enabled", "", "tool"},
		"claude-sonnet-4-20250514":                      {"enabled", "", "tool"},
		"claude-opus-4-1@20250805":                      {"enabled", "", "tool"},
		"claude-sonnet-4.5":                             {"enabled", "", "native"},
		"us.anthropic.claude-haiku-4-5-20251001-v1:0":   {"enabled", "", "native"},
		"claude-opus-4-5":                               {"enabled", "", "native"},
		"publishers/anthropic/models/claude-sonnet-4-6": {"adaptive", "max", "native"},
		"claude-opus-4-8":                               {"adaptive", "max", "native"},
		"claude-haiku-5-5":                              {"adaptive", "max", "native"},
		"claude-fable-5-1":                              {"adaptive", "max", "native"},
		"claude-mythos-preview":                         {"adaptive", "max", "native"},
		"our-own-name":                                  {"enabled", "", "tool"},
	} {
		x := exchange(t, anthropic.Options{Model: model}, effort)
		var body struct {
			Thinking     struct{ Type string } `json:"thinking"`
			OutputConfig struct {
				Effort string          `json:"effort"`
				Format json.RawMessage `json:"format"`
			} `json:"output_config"`
			Tools []json.RawMessage `json:"tools"`
		}
		require.NoError(t, json.Unmarshal(x.Request.Body, &body))
		require.Equal(t, want.thinking, body.Thinking.Type, model)
		require.Equal(t, want.effort, body.OutputConfig.Effort, model)
		require.Equal(t, want.format == "native", body.OutputConfig.Format != nil, model)
		require.Equal(t, want.format == "tool", len(body.Tools) == 1, model)
	}
}

// TestHosts are the ways in which others offer Claude.
func TestHosts(t *testing.T) {
	t.Parallel()
	vertex := anthropic.Options{
		Model: "claude-sonnet-4-5", ModelInPath: true, BodyVersion: "vertex-2023-10-16", InlineURLs: true,
		Path: func(stream bool) string {
			if stream {
				return ":streamRawPredict"
			}
			return ":rawPredict"
		},
	}
	x := exchange(t, vertex, `{"model":"x","messages":[{"role":"user","content":"hi"}],"stream":true,"anthropic_beta":"a, b"}`)
	require.Equal(t, ":streamRawPredict", x.Request.Path)
	require.JSONEq(t, `{"anthropic_version":"vertex-2023-10-16","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"max_tokens":4096,"stream":true}`, string(x.Request.Body))
	require.Len(t, x.Request.Header, 1)
	require.Equal(t, "a, b", x.Request.Header[0].Value)
	require.True(t, anthropic.NewCodec(vertex).Inline(&chat.Part{Image: &chat.Image{URL: "https://example.com/a.png"}}))

	bedrock := anthropic.Options{
		Model: "claude-sonnet-4-5", ModelInPath: true, StreamInPath: true, BodyVersion: "bedrock-2023-05-31", BodyBetas: true, MaxTokens: 1024, NoSchemas: true,
	}
	x = exchange(t, bedrock, `{"messages":[{"role":"user","content":"hi"}],"stream":true,"anthropic_beta":["a"],"response_format":{"type":"json_object","schema":{"type":"object"}}}`)
	require.JSONEq(t, `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a"],"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],
		"max_tokens":1024,"tools":[{"name":"json_tool_call","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"json_tool_call"}}`, string(x.Request.Body))
	require.Empty(t, x.Request.Header)
}

func TestMessages_forwards_the_clients_version_and_betas(t *testing.T) {
	t.Parallel()
	body := []byte(`{"model":"alias","anthropic_beta":["c"],"max_tokens":1,"num_retries":3,"messages":[],"stream":true}`)
	members, err := jsonx.Members(nil, body)
	require.NoError(t, err)
	call := &provider.Call{Surface: provider.Messages, Body: body, Members: members, Stream: true, Header: map[string][]string{
		"Anthropic-Version": {"2099-01-01"}, "Anthropic-Beta": {"a,b", "a"}, "Authorization": {"Bearer of the gateway"},
	}}
	r, err := anthropic.NewCodec(anthropic.Options{Model: "claude-x", Betas: []string{"d"}}).Messages().Encode(call)
	require.NoError(t, err)
	require.Equal(t, `{"model":"claude-x","max_tokens":1,"messages":[],"stream":true}`, string(r.Body))
	require.Len(t, r.Header, 2)
	require.Equal(t, "2099-01-01", r.Header[0].Value)
	require.Equal(t, "a, b, d, c", r.Header[1].Value)

	r, err = anthropic.NewCodec(anthropic.Options{ModelInPath: true, StreamInPath: true, BodyVersion: "v", BodyBetas: true}).Messages().Encode(call)
	require.NoError(t, err)
	require.Equal(t, `{"max_tokens":1,"messages":[],"anthropic_version":"v","anthropic_beta":["a","b","c"]}`, string(r.Body))
	require.Empty(t, r.Header)

	r, err = anthropic.NewCodec(anthropic.Options{Model: "m", ModelInPath: true}).CountTokens("/count", "named").Encode(call)
	require.NoError(t, err)
	require.Contains(t, string(r.Body), `"model":"named"`)
}

func TestWithBetas_leaves_the_request_alone(t *testing.T) {
	t.Parallel()
	req, err := chat.Decode([]byte(`{"messages":[{"role":"user","content":"hi"}],"anthropic_beta":"b"}`))
	require.NoError(t, err)
	call := &provider.Call{Header: map[string][]string{"Anthropic-Beta": {"a"}}}
	x, err := anthropic.NewCodec(anthropic.Options{Model: "m"}).Chat(anthropic.WithBetas(call, req))
	require.NoError(t, err)
	require.Equal(t, "a, b", x.Request.Header[1].Value)
	require.Nil(t, req.Anthropic)
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	_, err := anthropic.New(provider.Config{}, nil, nil)
	require.ErrorContains(t, err, "no api_key")
	_, err = anthropic.New(provider.Config{APIKey: "k", APIBase: "not a url"}, nil, nil)
	require.ErrorContains(t, err, "api_base")
	require.NotContains(t, err.Error(), "k\"")
	_, err = anthropic.New(provider.Config{Headers: map[string]string{"x-api-key": "k", "anthropic-beta": "a"}}, nil, nil)
	require.NoError(t, err)
}

const benchRequest = `{"model":"m","max_tokens":100,"messages":[{"role":"system","content":"You are brief."},{"role":"user","content":"What is the weather in Bern?"},
{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Bern\"}"}}]},
{"role":"tool","tool_call_id":"c1","content":"sunny, 21 degrees"}],"tools":[{"type":"function","function":{"name":"weather","description":"The weather of a city",
"parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}],"temperature":0.2}`

const benchAnswer = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"It is sunny in Bern, and 21 degrees warm."}],
"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":120,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":14}}`

func BenchmarkChat(b *testing.B) {
	codec := anthropic.NewCodec(anthropic.Options{Model: "claude-sonnet-4-5"})
	req, err := chat.Decode([]byte(benchRequest))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		own := *req
		x, err := codec.Chat(&own)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.Whole([]byte(benchAnswer)); err != nil {
			b.Fatal(err)
		}
	}
}

func benchEvents(n int) []byte {
	var b bytes.Buffer
	b.WriteString("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n")
	b.WriteString("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n")
	for range n - 5 {
		b.WriteString("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" a few words\"}}\n\n")
	}
	b.WriteString("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n")
	b.WriteString("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":50}}\n\n")
	b.WriteString("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
	return b.Bytes()
}

func BenchmarkStream50Events(b *testing.B) {
	codec := anthropic.NewCodec(anthropic.Options{Model: "claude-sonnet-4-5"})
	req, err := chat.Decode([]byte(`{"messages":[{"role":"user","content":"hi"}],"stream":true}`))
	require.NoError(b, err)
	events := benchEvents(50)
	x, err := codec.Chat(req)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		var c chat.Chunk
		frames := frame.NewReader(bytes.NewReader(events), frame.SSE())
		for {
			f, err := frames.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			c.Reset()
			if err := x.Stream.Frame(f, &c); err != nil {
				b.Fatal(err)
			}
		}
	}
	if !x.Stream.Done() {
		b.Fatal("not done")
	}
}

// FuzzAnswer reads whole answers and streams: no panic, and what is bounded
// stays so.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(benchAnswer))
	f.Add(benchEvents(6))
	f.Add([]byte(`{"type":"error","error":{"type":"overloaded_error","message":"x"}}`))
	for _, s := range []string{
		`{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"a","input":{}}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}}`,
		`{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"a","name":"json_tool_call"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"url":"u"}}}`, `{"type":"content_block_stop","index":1}`,
	} {
		f.Add([]byte("data: " + s + "\n\n"))
	}
	codec := anthropic.NewCodec(anthropic.Options{Model: "claude-opus-4-1"})
	f.Fuzz(func(t *testing.T, data []byte) {
		req, err := chat.Decode([]byte(`{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a","prefix":true}],"stream":true,
			"tools":[{"type":"function","function":{"name":"a.b"}}],"response_format":{"type":"json_object","schema":{}}}`))
		require.NoError(t, err)
		x, err := codec.Chat(req)
		require.NoError(t, err)
		if r, err := x.Whole(data); err == nil {
			_, err := r.Encode()
			require.NoError(t, err)
		}
		var c chat.Chunk
		frames := frame.NewReader(bytes.NewReader(data), frame.SSE())
		for {
			fr, err := frames.Next()
			if err != nil {
				break
			}
			c.Reset()
			if x.Stream.Frame(fr, &c) != nil {
				break
			}
			for i := range c.Deltas {
				require.True(t, json.Valid(chat.AppendDelta(nil, chat.Stamp{}.Head(), &c.Deltas[i], false)), "%q", data)
			}
		}
	})
}

// FuzzRequest: what can be decoded becomes a request in well-formed JSON.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(benchRequest))
	for _, s := range []string{
		`{"messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"data:text/plain;base64,?"}}]}]}`,
		`{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"schema":{"oneOf":[{"minimum":1}],"$ref":"#"}}}}`,
		`{"messages":[{"role":"assistant","content":" "}],"tools":[{"type":"mcp","server_url":5},{"type":"x","function":{"parameters":{"a":1}}}]}`,
		`{"messages":[{"role":"user","content":"x"}],"context_management":[{"type":"compaction"}],"output_config":{"effort":"low"},"reasoning_effort":"low","user":"a@b.c"}`,
	} {
		f.Add([]byte(s))
	}
	codec := anthropic.NewCodec(anthropic.Options{Model: "claude-opus-4-6", Betas: []string{"b"}})
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := chat.Decode(body)
		if err != nil {
			return
		}
		x, err := codec.Chat(req)
		if err != nil {
			return
		}
		require.True(t, json.Valid(x.Request.Body), "%q became %q", body, x.Request.Body)
		for _, h := range x.Request.Header {
			require.False(t, strings.ContainsRune(h.Name, ':'))
		}
	})
}
