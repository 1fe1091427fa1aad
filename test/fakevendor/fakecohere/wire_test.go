package fakecohere_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakecohere"
	"github.com/tianjillm/tianjillm/test/fakevendor/internal/rawhttp"
)

const (
	tools = `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]`
	calls = `{"role":"assistant","tool_plan":"p","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}]}`
)

func TestChat(t *testing.T) {
	t.Parallel()
	v := fakecohere.Start(t)
	post := func(path, body string) rawhttp.Reply {
		return rawhttp.Post(t, v.URL()+path, body, "Authorization", "Bearer "+fakevendor.Key)
	}
	r := post("/v2/chat", `{"model":"m","messages":[{"role":"user","content":"x"}]`+tools+`}`)
	require.JSONEq(t, `{"id":"vendor-chat","finish_reason":"TOOL_CALL","message":{"role":"assistant","tool_plan":"I will use the tools.","tool_calls":[
		{"id":"f_vendor1","type":"function","function":{"name":"f","arguments":"{\"city\":\"Paris\",\"unit\":\"celsius\"}"}}]},
		"usage":{"billed_units":{"input_tokens":10,"output_tokens":6},"tokens":{"input_tokens":11,"output_tokens":7}}}`, r.Body)
	r = post("/v2/chat", `{"model":"m","messages":[{"role":"user","content":"x"},`+calls+`,{"role":"tool","tool_call_id":"t1","content":"21"}]`+tools+`}`)
	require.Contains(t, r.Body, "The tools said: 21")
	r = post("/v2/chat", `{"model":"m","stream":true,"thinking":{"type":"enabled"},"messages":[{"role":"user","content":"x"}]`+tools+`}`)
	for _, want := range []string{
		"event: message-start\n", `"content":{"type":"thinking","thinking":""}`, "event: tool-plan-delta\n",
		`"tool_calls":{"id":"f_vendor1","type":"function","function":{"name":"f","arguments":""}}`, "event: tool-call-delta\n", `"finish_reason":"TOOL_CALL"`,
	} {
		require.Contains(t, r.Body, want)
	}
	r = post("/v2/embed", `{"model":"m","texts":["a","b"],"input_type":"search_query","embedding_types":["float"]}`)
	require.Contains(t, r.Body, `"embeddings":{"float":[[0.5,-0.25,0.125,1],[0.5,-0.25,0.125,1]]}`)
	r = post("/v2/rerank", `{"model":"m","query":"b","documents":["a","b"],"top_n":1}`)
	require.Contains(t, r.Body, `"results":[{"index":1,"relevance_score":0.875}]`)
	require.Empty(t, v.Refused())
}

// TestRefusals: what a wrong translation would send.
func TestRefusals(t *testing.T) {
	t.Parallel()
	v := fakecohere.Start(t)
	const user = `{"role":"user","content":"x"}`
	for _, c := range []struct{ path, body, want string }{
		{"chat", `{"model":"m","messages":[]}`, "at least 1 token"},
		{"chat", `{"model":"m","messages":[` + user + `],"top_p":1}`, "parameter 'top_p' is not a valid field"},
		{"chat", `{"model":"m","messages":[{"role":"developer","content":"x"}]}`, "invalid role 'developer'"},
		{"chat", `{"model":"m","messages":[` + user + `,` + calls + `]` + tools + `}`, "must have a result"},
		{"chat", `{"model":"m","messages":[` + user + `],"tool_choice":"required"` + tools + `}`, "REQUIRED, NONE"},
		{"chat", `{"model":"m","messages":[` + user + `],"temperature":1.5}`, "between 0 and 1.0"},
		{"embed", `{"model":"m","texts":["a"]}`, "valid input_type must be provided"},
		{"rerank", `{"model":"m","query":"q"}`, "must not be empty"},
	} {
		r := rawhttp.Post(t, v.URL()+"/v2/"+c.path, c.body, "Authorization", "Bearer "+fakevendor.Key)
		require.Equal(t, http.StatusBadRequest, r.Status, "%s", c.body)
		require.Contains(t, r.Body, c.want)
	}
	r := rawhttp.Post(t, v.URL()+"/v2/chat", `{}`, "Authorization", "Bearer x")
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.Contains(t, r.Body, "invalid api token")
}
