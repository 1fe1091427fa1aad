package fakevendor_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/internal/rawhttp"
)

// TestOpenAI_refusals: what a wrong translation would send.
func TestOpenAI_refusals(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	const chat, responses = "/chat/completions", "/responses"
	for _, c := range []struct{ path, body, want string }{
		{chat, `{`, "could not parse"},
		{chat, `{"model":"m","top_k":1}`, "Unrecognized request argument supplied: top_k"},
		{chat, `{"model":"m","messages":[{"role":"model","content":"x"}]}`, "Supported values are: 'system'"},
		{chat, `{"model":"m","messages":[{"role":"user","content":null}]}`, "got null"},
		{chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{}}]}]}`, "Invalid value: 'image'"},
		{chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/bmp;base64,AA=="}}]}]}`, "unsupported image"},
		{chat, `{"model":"m","messages":[{"role":"tool","tool_call_id":"x","content":"1"}]}`, "must be a response to a"},
		{chat, `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":"y"}]}`, "did not have response messages: x"},
		{chat, `{"model":"m","tool_choice":"auto","messages":[]}`, "only allowed when 'tools' are specified"},
		{chat, `{"model":"m","tools":[{"type":"function","function":{"name":"a b"}}]}`, "does not match pattern"},
		{chat, `{"model":"m","response_format":{"type":"json_object"},"messages":[{"role":"user","content":"x"}]}`, "must contain the word 'json'"},
		{chat, `{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}}}`, "'additionalProperties' is required"},
		{chat, `{"model":"o3","max_tokens":5}`, "Use 'max_completion_tokens' instead"},
		{chat, `{"model":"gpt-5","temperature":0.2}`, "Only the default (1) value is supported"},
		{chat, `{"model":"m","stream_options":{"include_usage":true}}`, "only allowed when 'stream' is enabled"},
		{responses, `{"model":"m","messages":[]}`, "Unrecognized request argument supplied: messages"},
		{responses, `{"model":"m","input":[{"role":"user","content":[{"type":"text","text":"x"}]}]}`, "Supported values are: 'input_text'"},
		{responses, `{"model":"m","input":[{"type":"function_call_output","call_id":"x","output":"1"}]}`, "No tool call found"},
		{responses, `{"model":"m","input":[{"type":"function_call","call_id":"x","name":"f","arguments":"{}"}]}`, "No tool output found"},
		{responses, `{"model":"m","input":"x","previous_response_id":"resp_0"}`, "not found"},
		{"/images/edits", `{}`, "expected multipart/form-data"},
	} {
		r := rawhttp.Post(t, v.URL()+c.path, c.body, "Authorization", "Bearer "+fakevendor.Key)
		require.Equal(t, http.StatusBadRequest, r.Status, "%s", c.body)
		require.Contains(t, r.Body, c.want)
	}
	r := rawhttp.Post(t, v.URL()+chat, hello+`}`)
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.Contains(t, r.Body, `"code":"invalid_api_key"`)
}
