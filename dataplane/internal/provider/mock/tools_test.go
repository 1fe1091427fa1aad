package mock_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

const (
	tools = `"tools":[{"type":"web_search"},{"type":"function","function":{"name":"weather","parameters":{}}},` +
		`{"type":"function","function":{"name":"time"}}]`
	twoCalls = `"mock_tool_calls":[{"id":"call_a","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Paris\", \"days\": 3}"}},
		{"function":{"name":"time","arguments":{"zone": "UTC"}}}]`
)

func TestToolCalls(t *testing.T) {
	t.Parallel()
	got := strict[chatShape](t, body(t, do(t, backend(t, "m", "{"+twoCalls+"}"), chatCall(t, question))))
	require.Nil(t, got.Choices[0].Message.Content)
	require.Equal(t, "tool_calls", got.Choices[0].FinishReason)
	calls := got.Choices[0].Message.ToolCalls
	require.Len(t, calls, 2)
	require.Equal(t, "call_a", calls[0].ID)
	require.Equal(t, "function", calls[0].Type)
	require.Equal(t, "weather", calls[0].Function.Name)
	require.JSONEq(t, `{"city":"Paris","days":3}`, calls[0].Function.Arguments)
	require.Equal(t, "call_c1_1", calls[1].ID)
	require.JSONEq(t, `{"zone":"UTC"}`, calls[1].Function.Arguments)
	require.Greater(t, got.Usage.CompletionTokens, 8)
}

func TestToolCalls_are_forced(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	for choice, want := range map[string]string{
		`"required"`: "weather",
		`{"type":"function","function":{"name":"time"}}`: "time",
		`"auto"`:            "",
		`"none"`:            "",
		`null`:              "",
		`{"type":"custom"}`: "",
		`7`:                 "",
	} {
		got := strict[chatShape](t, body(t, do(t, b, chatCall(t, with(question, tools+`,"tool_choice":`+choice)))))
		if want == "" {
			require.Empty(t, got.Choices[0].Message.ToolCalls, choice)
			require.Equal(t, "stop", got.Choices[0].FinishReason)
			continue
		}
		require.Nil(t, got.Choices[0].Message.Content)
		require.Len(t, got.Choices[0].Message.ToolCalls, 1, choice)
		require.Equal(t, want, got.Choices[0].Message.ToolCalls[0].Function.Name)
		require.Equal(t, "{}", got.Choices[0].Message.ToolCalls[0].Function.Arguments)
		require.Equal(t, "tool_calls", got.Choices[0].FinishReason)
	}
	got := strict[chatShape](t, body(t, do(t, b, chatCall(t, with(question, `"tools":[],"tool_choice":"required"`)))))
	require.Empty(t, got.Choices[0].Message.ToolCalls, "nothing to call")
	got = strict[chatShape](t, body(t, do(t, b, chatCall(t, with(question, `"tool_choice":"required"`)))))
	require.Empty(t, got.Choices[0].Message.ToolCalls, "nothing to call")
}

// TestToolCalls_stream puts the calls together as a client does.
func TestToolCalls_stream(t *testing.T) {
	t.Parallel()
	b := backend(t, "m", "")
	for _, c := range []struct {
		options string
		want    []string
	}{
		{twoCalls, []string{`call_a weather {"city": "Paris", "days": 3}`, `call_c1_1 time {"zone":"UTC"}`}},
		{tools + `,"tool_choice":"required"`, []string{"call_c1_0 weather {}"}},
		{`"mock_tool_calls":[{"id":"x","function":{"name":"none","arguments":""}}]`, []string{"x none "}},
		{`"mock_response":{"choices":[{"message":{"content":null,"tool_calls":[{"id":"y","function":{"name":"f"}}]}}]}`, []string{"y f {}"}},
	} {
		all := chunks(t, body(t, do(t, b, streamCall(t, with(question, c.options)))))
		require.Equal(t, "assistant", all[0].Choices[0].Delta.Role)
		require.Nil(t, all[0].Choices[0].Delta.Content)
		require.Equal(t, "tool_calls", *all[len(all)-1].Choices[0].FinishReason)
		var got []string
		for _, chunk := range all[1 : len(all)-1] {
			delta := chunk.Choices[0].Delta
			require.Nil(t, delta.Content)
			require.Len(t, delta.ToolCalls, 1)
			call := delta.ToolCalls[0]
			if *call.Index == len(got) {
				require.Equal(t, "function", call.Type)
				require.Empty(t, call.Function.Arguments)
				got = append(got, call.ID+" "+call.Function.Name+" ")
				continue
			}
			require.Equal(t, len(got)-1, *call.Index)
			require.Empty(t, call.ID+call.Type+call.Function.Name)
			require.NotEmpty(t, call.Function.Arguments)
			got[len(got)-1] += call.Function.Arguments
		}
		require.Equal(t, c.want, got)
	}
}

func TestToolCalls_belong_to_chat(t *testing.T) {
	t.Parallel()
	got := strict[textShape](t, body(t, do(t, backend(t, "m", "{"+twoCalls+"}"), newCall(t, provider.Completions, `{"prompt":"x"}`))))
	require.Equal(t, "This is a mock response.", got.Choices[0].Text)
}
