package responses_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/responses"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

var _ dialect.Dialect = responses.Dialect{}

func decode(tb testing.TB, body string) (*chat.Request, error) {
	tb.Helper()
	members, err := jsonx.Members(nil, []byte(body))
	require.NoError(tb, err)
	return responses.Dialect{}.Decode([]byte(body), members)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	req, err := decode(t, `{"model":"m","instructions":"be brief","max_output_tokens":9,"reasoning":{"effort":"low"},"temperature":0.5,
		"text":{"format":{"type":"json_schema","name":"s","schema":{"type":"object"},"strict":true}},
		"tools":[{"type":"function","name":"f","parameters":{"type":"object"}},{"type":"web_search","search_context_size":"low"}],
		"tool_choice":{"type":"function","name":"f"},"top_k":3,"input":[
		{"role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:image/png;base64,AA"}]},
		{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"sig"},
		{"type":"message","role":"assistant","content":[{"type":"output_text","text":"ok"}]},
		{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
		{"type":"function_call_output","call_id":"c1","output":"42"}]}`)
	require.NoError(t, err)
	req.Origin = nil
	body, err := req.Encode()
	require.NoError(t, err)
	require.JSONEq(t, `{"model":"m","max_tokens":9,"temperature":0.5,"reasoning_effort":"low","top_k":3,
		"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"},"strict":true}},
		"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"tool_choice":{"type":"function","function":{"name":"f"}},
		"web_search_options":{"search_context_size":"low"},"messages":[
		{"role":"system","content":"be brief"},
		{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},
		{"role":"assistant","content":"ok","reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"sig"}],
		 "tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"c1","content":"42"}]}`, string(body))
}

func TestDecode_refuses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no input": `{"model":"m"}`, "input of numbers": `{"input":5}`, "background": `{"input":"x","background":true}`,
		"file search": `{"input":"x","tools":[{"type":"file_search"}]}`, "unknown item": `{"input":[{"type":"computer_call"}]}`,
		"unknown part": `{"input":[{"role":"user","content":[{"type":"input_hologram"}]}]}`, "nameless function": `{"input":"x","tools":[{"type":"function"}]}`,
	} {
		_, err := decode(t, body)
		require.Error(t, err, name)
	}
}

func TestWhole(t *testing.T) {
	t.Parallel()
	req, err := decode(t, `{"model":"m","input":"hi","metadata":{"a":"b"}}`)
	require.NoError(t, err)
	b, err := responses.Dialect{}.Whole(req, &chat.Response{
		Model: "m", Usage: chat.Usage{Input: 5, Output: 3, CachedInput: 2, Reasoning: 1},
		Choices: []chat.Choice{{FinishReason: chat.FinishLength, Message: chat.Message{
			Content: chat.Text("yes"), ReasoningContent: "hm", ToolCalls: []chat.ToolCall{{ID: "c1", Function: chat.Function{Name: "f", Arguments: "{}"}}},
		}}},
	})
	require.NoError(t, err)
	var got struct {
		ID, Status string
		Output     []struct{ Type, Status, Name string }
		Usage      struct {
			TotalTokens int `json:"total_tokens"`
		}
		IncompleteDetails struct{ Reason string } `json:"incomplete_details"`
		Metadata          map[string]string
	}
	require.NoError(t, json.Unmarshal(b, &got))
	require.True(t, strings.HasPrefix(got.ID, "resp_"))
	require.Equal(t, "incomplete", got.Status)
	require.Equal(t, "max_output_tokens", got.IncompleteDetails.Reason)
	require.Equal(t, 8, got.Usage.TotalTokens)
	require.Equal(t, "b", got.Metadata["a"])
	require.Len(t, got.Output, 3)
	require.Equal(t, []string{"reasoning", "message", "function_call"}, []string{got.Output[0].Type, got.Output[1].Type, got.Output[2].Type})

	d := responses.Dialect{}
	require.Equal(t, `"m"`, string(d.Model(b).Of(b)))
	require.Equal(t, `"`+got.ID+`"`, string(d.ID(b).Of(b)))
	var u chat.Usage
	require.True(t, d.Usage(b, &u))
	require.Equal(t, chat.Usage{Input: 5, Output: 3, CachedInput: 2, Reasoning: 1}, u)
}

// TestStream_is_what_the_SDK_reads plays a stream through an HTTP server and
// checks the order of events and that each names where it belongs.
func TestStream(t *testing.T) {
	t.Parallel()
	req, err := decode(t, `{"model":"m","input":"hi","stream":true}`)
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e := responses.Dialect{}.Stream(req, chat.Stamp{Model: "m"})
		var b []byte
		for _, d := range []chat.Delta{
			{Reasoning: "h"},
			{Reasoning: "m", Thinking: &chat.ThinkingBlock{Signature: "sig"}},
			{Content: "y"},
			{Content: "es"},
			{ToolCalls: []chat.ToolCallDelta{{Index: 0, ID: "c1", Name: "f"}}},
			{ToolCalls: []chat.ToolCallDelta{{Index: 1, ID: "c2", Name: "g", Arguments: "{}"}}},
			{ToolCalls: []chat.ToolCallDelta{{Index: 0, Arguments: `{"a":1}`}}},
			{FinishReason: chat.FinishToolCalls},
		} {
			b = e.Chunk(b, &chat.Chunk{Deltas: []chat.Delta{d}})
		}
		_, _ = w.Write(e.End(b, &chat.Usage{Input: 1, Output: 2}))
	}))
	t.Cleanup(server.Close)
	resp, err := http.Get(server.URL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)

	var names []string
	var last json.RawMessage
	for i, event := range strings.Split(strings.TrimSpace(string(body)), "\n\n") {
		name, data, ok := strings.Cut(event, "\ndata: ")
		require.True(t, ok)
		var e struct {
			Type           string
			SequenceNumber *int `json:"sequence_number"`
		}
		require.NoError(t, json.Unmarshal([]byte(data), &e), data)
		require.Equal(t, "event: "+e.Type, name)
		require.Equal(t, i, *e.SequenceNumber)
		names, last = append(names, strings.TrimPrefix(e.Type, "response.")), json.RawMessage(data)
	}
	require.Equal(t, []string{
		"created", "in_progress",
		"output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.delta",
		"reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
		"output_item.added", "content_part.added", "output_text.delta", "output_text.delta", "output_text.done", "content_part.done", "output_item.done",
		"output_item.added", "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
		"function_call_arguments.done", "output_item.done", "function_call_arguments.done", "output_item.done", "completed",
	}, names)
	var done struct{ Response responses.Response }
	require.NoError(t, json.Unmarshal(last, &done))
	m := done.Response.Message()
	require.Equal(t, "yes", m.Content.Text())
	require.Equal(t, "hm", m.ReasoningContent)
	require.Equal(t, "sig", m.ThinkingBlocks[0].Signature)
	require.Equal(t, `{"a":1}`, m.ToolCalls[0].Function.Arguments)
	require.Equal(t, "c2", m.ToolCalls[1].ID)
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"model":"m","input":[{"type":"reasoning","summary":[{}]},{"role":"user","content":[{"type":"input_text","text":"x"}]}]}`)
	f.Add(`{"input":"x","tools":[{"type":"function","name":"f"}],"tool_choice":"auto","text":{"format":{"type":"json_object"}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		members, err := jsonx.Members(nil, []byte(body))
		if err != nil {
			return
		}
		req, err := responses.Dialect{}.Decode([]byte(body), members)
		if err != nil {
			var p *chat.ParamError
			_ = errors.As(err, &p)
			return
		}
		_, err = req.Encode()
		require.NoError(t, err)
	})
}
