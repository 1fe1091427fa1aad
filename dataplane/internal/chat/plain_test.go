package chat_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	req, err := chat.Decode([]byte(`{"model":"m","tools":[{"type":"function","function":{"name":"f"},"cache_control":{},"defer_loading":true},{"type":"x","y":1}],
		"messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"data:text/plain;base64,aGVsbG8=","filename":"a.txt"}},
		{"type":"file","file":{"file_data":"data:application/pdf;base64,AA"}},{"type":"file","file":{"file_data":"data:text/plain,hi%20you"}}]},
		{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"},"cache_control":{}},{"id":"2","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"1","content":[{"type":"image_url","image_url":{"url":"u"}}]},{"role":"tool","tool_call_id":"2","content":"bad","is_error":true},
		{"role":"assistant","content":"I see"},{"role":"tool","tool_call_id":"3","content":[{"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"v"}}]}]}`))
	require.NoError(t, err)
	before, err := req.Encode()
	require.NoError(t, err)
	b, err := req.Plain().Encode()
	require.NoError(t, err)
	require.JSONEq(t, `{"model":"m","tools":[{"type":"function","function":{"name":"f"}},{"type":"x","y":1}],"messages":[{"role":"user","content":[{"type":"text","text":"a.txt\n\nhello"},
		{"type":"file","file":{"file_data":"data:application/pdf;base64,AA","filename":"document.pdf"}},{"type":"text","text":"hi you"}]},
		{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"2","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"1","content":"(shown below)"},{"role":"tool","tool_call_id":"2","content":"bad"},
		{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]},{"role":"assistant","content":"I see"},
		{"role":"tool","tool_call_id":"3","content":"t"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"v"}}]}]}`, string(b))
	after, err := req.Encode()
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "the request itself has changed")

	simple, err := chat.Decode([]byte(`{"messages":[{"role":"user","content":"hi"}]}`))
	require.NoError(t, err)
	require.Same(t, simple, simple.Plain())
}

func TestContent_hides_what_only_one_wire_knows(t *testing.T) {
	t.Parallel()
	hidden := chat.Part{Type: chat.TextPart, Raw: json.RawMessage(`{}`)}
	for want, c := range map[string]chat.Content{
		`""`: {hidden}, `"a"`: {hidden, {Type: chat.TextPart, Text: "a"}}, `"b"`: {{Type: chat.TextPart, Text: "b", Raw: hidden.Raw}},
	} {
		b, err := json.Marshal(c)
		require.NoError(t, err)
		require.Equal(t, want, string(b))
	}
}

func TestUsage_in_Anthropics_wire(t *testing.T) {
	t.Parallel()
	u := chat.Usage{Input: 18, CachedInput: 3, CacheWrite: 5, CacheWrite1h: 4, Output: 9, Reasoning: 2, WebSearches: 1}
	b := u.AppendAnthropic(nil)
	require.JSONEq(t, `{"input_tokens":10,"cache_creation_input_tokens":5,"cache_read_input_tokens":3,"output_tokens":9,
		"cache_creation":{"ephemeral_5m_input_tokens":1,"ephemeral_1h_input_tokens":4},"output_tokens_details":{"thinking_tokens":2},"server_tool_use":{"web_search_requests":1}}`, string(b))
	var back chat.Usage
	require.True(t, back.ReadAnthropic(b))
	require.Equal(t, u, back)
	require.False(t, back.ReadAnthropic([]byte(`{"a":1}`)))
	require.False(t, back.ReadAnthropic([]byte(`{"output_tokens":1`)))
}
