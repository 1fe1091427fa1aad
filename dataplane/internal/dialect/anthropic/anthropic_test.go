package anthropic_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/anthropic"
	vendor "github.com/tianjillm/tianjillm/dataplane/internal/provider/anthropic"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// full is a request with everything that has to come through the internal
// form unharmed.
const full = `{"model":"claude-opus-4-6","system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[
{"role":"user","content":[{"type":"text","text":"look","cache_control":{"type":"ephemeral"}},
 {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"image","source":{"type":"url","url":"https://e.com/a.png"}},
 {"type":"image","source":{"type":"file","file_id":"file_1"},"cache_control":{"type":"ephemeral"}},
 {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"T","context":"C","citations":{"enabled":true}},
 {"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}},{"type":"document","source":{"type":"url","url":"https://e.com/a.pdf"}},
 {"type":"document","source":{"type":"file","file_id":"file_2"}},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"x"}]}},
 {"type":"search_result","source":"https://e.com","title":"S","content":[{"type":"text","text":"y"}],"citations":{"enabled":true}}]},
{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"sig"},{"type":"redacted_thinking","data":"enc"},
 {"type":"text","text":"I search.","citations":[{"type":"char_location","cited_text":"p","document_index":0}]},
 {"type":"server_tool_use","id":"srv","name":"web_search","input":{"query":"q"}},{"type":"web_search_tool_result","tool_use_id":"srv","content":[]},
 {"type":"tool_use","id":"call_abc","name":"f","input":{"a": [1, 2.50]},"cache_control":{"type":"ephemeral"}}]},
{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_abc","content":[{"type":"text","text":"r"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"BBBB"}}],
 "is_error":true,"cache_control":{"type":"ephemeral"}},{"type":"text","text":"go on"}]}],
"tools":[{"name":"f","description":"F","input_schema":{"type":"object","properties":{"a":{"type":"array"}},"additionalProperties":false},"strict":true,"defer_loading":true,
 "allowed_callers":["direct"],"input_examples":[{"a":[]}],"eager_input_streaming":true,"cache_control":{"type":"ephemeral"}},
 {"type":"bash_20250124","name":"bash"},{"type":"web_search_20260209","name":"web_search","max_uses":2,"allowed_domains":["e.com"]}],
"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"mcp_servers":[{"type":"url","url":"https://mcp.e.com","name":"m"}],"stop_sequences":["X"],"max_tokens":9000,
"temperature":1,"top_p":0.99,"top_k":3,"thinking":{"type":"enabled","budget_tokens":2000,"display":"omitted"},
"output_config":{"effort":"max","task_budget":{"type":"tokens"},"format":{"type":"json_schema","schema":{"type":"object","properties":{},"additionalProperties":false}}},
"metadata":{"user_id":"u"},"service_tier":"standard_only","stream":true,
"cache_control":{"type":"ephemeral"},"container":"c","context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]},"inference_geo":"us","speed":"fast"}`

func translated(tb testing.TB, body string) *native.Exchange {
	tb.Helper()
	req, err := decode(tb, []byte(body))
	require.NoError(tb, err)
	x, err := vendor.NewCodec(vendor.Options{Model: "claude-opus-4-6"}).Chat(req)
	require.NoError(tb, err)
	return x
}

func TestRequest_comes_through_the_internal_form_unharmed(t *testing.T) {
	t.Parallel()
	x := translated(t, full)
	require.JSONEq(t, full, string(x.Request.Body))
	require.Equal(t, "context-management-2025-06-27, mcp-client-2025-04-04, fast-mode-2026-02-01, files-api-2025-04-14", x.Request.Header[1].Value)
}

func TestAnswer_comes_through_the_internal_form_unharmed(t *testing.T) {
	t.Parallel()
	const answer = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-6","content":[{"type":"thinking","thinking":"hm","signature":"sig"},
		{"type":"redacted_thinking","data":"enc"},{"type":"text","text":"Hi","citations":[{"type":"char_location","cited_text":"p","document_index":0}]},
		{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}],"stop_reason":"stop_sequence","stop_sequence":"X","usage":{"input_tokens":10,
		"cache_creation_input_tokens":5,"cache_read_input_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":1,"ephemeral_1h_input_tokens":4},"output_tokens":9,
		"output_tokens_details":{"thinking_tokens":4},"server_tool_use":{"web_search_requests":2},"service_tier":"standard"}}`
	r, err := translated(t, full).Whole([]byte(answer))
	require.NoError(t, err)
	b, err := anthropic.Dialect{}.Whole(nil, r)
	require.NoError(t, err)
	require.JSONEq(t, answer, string(b))
}

func TestStream_comes_through_the_internal_form_unharmed(t *testing.T) {
	t.Parallel()
	events := []string{
		`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":1}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}`,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"d"}}`,
		`{"type":"content_block_stop","index":1}`,
		`{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"He"}}`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://e.com","title":"E","cited_text":"","encrypted_index":"i"}}}`,
		`{"type":"content_block_stop","index":2}`,
		`{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{}}}`,
		`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}`,
		`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"1}"}}`,
		`{"type":"content_block_stop","index":3}`,
		`{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"X"},"usage":{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":3,"output_tokens":9}}`,
		`{"type":"message_stop"}`,
	}
	x := translated(t, full)
	e := anthropic.Dialect{}.Stream(nil, chat.Stamp{ID: "msg_1", Model: "m"})
	var got []byte
	var usage chat.Usage
	for _, event := range events {
		var c chat.Chunk
		require.NoError(t, x.Stream.Frame(&frame.Frame{Data: []byte(event)}, &c))
		if c.HasUsage {
			usage = c.Usage
		}
		if len(c.Deltas) > 0 || c.HasUsage {
			got = e.Chunk(got, &c)
		}
	}
	got = e.End(got, &usage)
	var want strings.Builder
	for _, event := range events {
		kind, err := jsonx.Unquote(jsonx.Lookup([]byte(event), "type").Of([]byte(event)))
		require.NoError(t, err)
		want.WriteString("event: " + kind + "\ndata: " + event + "\n\n")
	}
	require.Equal(t, want.String(), string(got))
}

func TestReplayed_citations_are_told_once(t *testing.T) {
	t.Parallel()
	e := anthropic.Dialect{}.Stream(nil, chat.Stamp{})
	got := string(e.Chunk(nil, &chat.Chunk{Deltas: []chat.Delta{{
		Content: "x", FinishReason: chat.FinishStop, ProviderFields: json.RawMessage(`{"citations":[[{"url":"a"}],[{"url":"b"}]]}`),
		Annotations: json.RawMessage(`[{"url_citation":{"url":"a"}}]`),
	}}}))
	require.Equal(t, 2, strings.Count(got, "citations_delta"))
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error", 408: "timeout_error",
		409: "invalid_request_error", 413: "request_too_large", 422: "invalid_request_error", 429: "rate_limit_error", 500: "api_error", 502: "api_error",
		503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error",
	} {
		e := apierr.New(status, "", "no \"%s\"", "way")
		want := `{"type":"error","error":{"type":"` + kind + `","message":"no \"way\""},"request_id":null}`
		require.Equal(t, want, string(anthropic.Dialect{}.Error(e)))
		require.Equal(t, "x"+"event: error\ndata: "+want+"\n\n", string(anthropic.Dialect{}.FailStream([]byte("x"), e)))
	}
}

func TestUsage_and_Model_of_what_passes_through(t *testing.T) {
	t.Parallel()
	d := anthropic.Dialect{}
	var u chat.Usage
	for _, c := range []struct {
		data, model string
		says        bool
		want        chat.Usage
	}{
		{
			`{"type":"message_start","message":{"id":"x","model":"claude-a","usage":{"input_tokens":10,"cache_creation_input_tokens":5,"cache_read_input_tokens":3,"cache_creation":{"ephemeral_1h_input_tokens":4},"output_tokens":1}}}`,
			`"claude-a"`, true,
			chat.Usage{Input: 18, CachedInput: 3, CacheWrite: 5, CacheWrite1h: 4, Output: 1},
		},
		{`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\"usage\" {\"usage\":{\"output_tokens\":5}}"}}`, ``, false, chat.Usage{Input: 18, CachedInput: 3, CacheWrite: 5, CacheWrite1h: 4, Output: 1}},
		{`{"type":"ping"}`, ``, false, chat.Usage{Input: 18, CachedInput: 3, CacheWrite: 5, CacheWrite1h: 4, Output: 1}},
		{`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9,"server_tool_use":{"web_search_requests":1}}}`, ``, true, chat.Usage{Input: 18, CachedInput: 3, CacheWrite: 5, CacheWrite1h: 4, Output: 9, WebSearches: 1}},
		{`{"type":"message_delta","delta":{},"usage":{"input_tokens":0,"cache_read_input_tokens":4,"output_tokens":10}}`, ``, true, chat.Usage{Input: 19, CachedInput: 4, CacheWrite: 5, CacheWrite1h: 4, Output: 10, WebSearches: 1}},
	} {
		require.Equal(t, c.says, d.Usage([]byte(c.data), &u), c.data)
		require.Equal(t, c.want, u, c.data)
		require.Equal(t, c.model, string(d.Model([]byte(c.data)).Of([]byte(c.data))), c.data)
	}
	whole := []byte(`{"id":"msg_1","model":"claude-b","content":[],"usage":{"input_tokens":2,"output_tokens":1,"output_tokens_details":{"thinking_tokens":1}}}`)
	u = chat.Usage{}
	require.True(t, d.Usage(whole, &u))
	require.Equal(t, chat.Usage{Input: 2, Output: 1, Reasoning: 1}, u)
	require.Equal(t, `"claude-b"`, string(d.Model(whole).Of(whole)))
	require.True(t, d.Model([]byte(`{"input_tokens":3}`)).Empty())
}

func TestCount(t *testing.T) {
	t.Parallel()
	body := []byte(`{"model":"m","system":"S","messages":[{"role":"user","content":"hi"}],"tools":[{"name":"f","input_schema":{}}]}`)
	members, err := jsonx.Members(nil, body)
	require.NoError(t, err)
	req, err := anthropic.DecodeCount(body, members)
	require.NoError(t, err)
	require.Len(t, req.Messages, 2)
	require.Equal(t, `{"input_tokens":7}`, string(anthropic.Count(7)))

	_, err = anthropic.Dialect{}.Decode(body, members)
	public, ok := err.(*apierr.Error) //nolint:errorlint // the dialect promises it
	require.True(t, ok)
	require.Equal(t, http.StatusBadRequest, public.Status)
}

func BenchmarkStreamEvent(b *testing.B) {
	e := anthropic.Dialect{}.Stream(nil, chat.Stamp{ID: "x", Model: "m"})
	c := &chat.Chunk{Deltas: []chat.Delta{{Content: " a few words of text"}}}
	out := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		out = e.Chunk(out[:0], c)
	}
}

func BenchmarkStreamToolEvent(b *testing.B) {
	e := anthropic.Dialect{}.Stream(nil, chat.Stamp{ID: "x", Model: "m"})
	out := e.Chunk(make([]byte, 0, 1<<10), &chat.Chunk{Deltas: []chat.Delta{{ToolCalls: []chat.ToolCallDelta{{ID: "c", Name: "f"}}}}})
	c := &chat.Chunk{Deltas: []chat.Delta{{ToolCalls: []chat.ToolCallDelta{{Arguments: `{"city":["Bern",`}}}}}
	b.ReportAllocs()
	for b.Loop() {
		out = e.Chunk(out[:0], c)
	}
}

// BenchmarkDecode reads a conversation as Claude Code has them: 20 tools, 40
// turns, 100 KB.
func BenchmarkDecode(b *testing.B) {
	var body bytes.Buffer
	body.WriteString(`{"model":"m","max_tokens":1000,"system":[{"type":"text","text":"` + strings.Repeat("Be brief. ", 1000) + `","cache_control":{"type":"ephemeral"}}],"tools":[`)
	for i := range 20 {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(`{"name":"f","description":"` + strings.Repeat("Does a thing.\\n", 100) + `","input_schema":{"type":"object","properties":{"a":{"type":"string","description":"what"},"b":{"type":"array","items":{"type":"integer"}}},"required":["a"]}}`)
	}
	body.WriteString(`],"messages":[{"role":"user","content":"hi"}`)
	for range 20 {
		body.WriteString(`,{"role":"assistant","content":[{"type":"text","text":"` + strings.Repeat("I look. ", 50) + `"},{"type":"tool_use","id":"call_1","name":"f","input":{"a":"b"}}]}`)
		body.WriteString(`,{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":[{"type":"text","text":"` + strings.Repeat("It is so.\\n", 250) + `"}]}]}`)
	}
	body.WriteString(`]}`)
	members, err := jsonx.Members(nil, body.Bytes())
	require.NoError(b, err)
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (anthropic.Dialect{}).Decode(body.Bytes(), members); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPassedEvent(b *testing.B) {
	d := anthropic.Dialect{}
	event := []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" a few words of text"}}`)
	var u chat.Usage
	for b.Loop() {
		d.Usage(event, &u)
		d.Model(event)
	}
}

// FuzzDecode: what a client may send neither panics nor becomes malformed.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(full))
	for _, s := range []string{
		`{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"search_result","source":{},"content":5},{"type":"document","source":{"type":"content","content":[[]]}}]}]}`,
		`{"max_tokens":1,"system":"","messages":[{"role":"assistant","content":"a"}],"tools":[{"type":"web_search_1","user_location":[]}],"tool_choice":{"type":"none"}}`,
	} {
		f.Add([]byte(s))
	}
	codec := vendor.NewCodec(vendor.Options{Model: "claude-opus-4-6"})
	f.Fuzz(func(t *testing.T, body []byte) {
		members, err := jsonx.Members(nil, body)
		if err != nil {
			return
		}
		req, err := anthropic.Dialect{}.Decode(body, members)
		if err != nil {
			return
		}
		b, err := req.Plain().Encode()
		require.NoError(t, err)
		require.True(t, json.Valid(b), "%q", b)
		if x, err := codec.Chat(req); err == nil {
			require.True(t, json.Valid(x.Request.Body), "%q", x.Request.Body)
		}
	})
}

// FuzzStream: whatever OpenAI's wire brings becomes events of well-formed
// JSON, the blocks of which begin in order and end once.
func FuzzStream(f *testing.F) {
	f.Add([]byte(`{"choices":[{"delta":{"content":"x","reasoning_content":"y","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"function":{"name":"g"}}]}}]}
{"choices":[{"delta":{"thinking_blocks":[{"type":"redacted_thinking","data":"d"}],"annotations":[{"url_citation":{"url":"u"}}],"provider_specific_fields":{"citation":{},"stop_sequence":"x"}},"finish_reason":"stop"}]}`))
	f.Fuzz(func(t *testing.T, lines []byte) {
		e := anthropic.Dialect{}.Stream(nil, chat.Stamp{ID: "x", Model: "m"})
		var out []byte
		for line := range bytes.Lines(lines) {
			var c chat.Chunk
			if chat.DecodeChunk(bytes.TrimSpace(line), &c) == nil {
				out = e.Chunk(out, &c)
			}
		}
		out = e.End(out, &chat.Usage{})
		open, next := map[int]bool{}, 0
		for line := range strings.Lines(string(out)) {
			data, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "data: ")
			if !ok {
				continue
			}
			var event struct {
				Type  string
				Index int
			}
			require.NoError(t, json.Unmarshal([]byte(data), &event), data)
			switch event.Type {
			case "content_block_start":
				require.Equal(t, next, event.Index)
				open[next] = true
				next++
			case "content_block_delta":
				require.True(t, open[event.Index])
			case "content_block_stop":
				require.True(t, open[event.Index])
				delete(open, event.Index)
			}
		}
		require.Empty(t, open)
	})
}
