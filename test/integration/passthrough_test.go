package integration_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

const chatPath = "/v1/chat/completions"

// untouched is everything that a gateway could spoil: unknown members, odd
// spacing, number forms, escapes, nested objects, an order of its own.
const untouched = `"messages":[{"role":"user","content":[{"type":"text","text":"caf\u00e9 \ud83d\ude00 \/ é 😀"},` +
	`{"type":"image_url","image_url":{"url":"data:image\/png;base64,iVBORw0KGgo=","detail":"low"}}],"name":"ann"}],` + "\n  " +
	`"tools":[ {"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"model":{"type":"string"}},"additionalProperties":false}}} ],` +
	`"tool_choice":"none","response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"$defs":{"a":{}},"anyOf":[]}}},` +
	`"temperature":1.0,"top_p":1e-3,"seed":9007199254740993,"logit_bias":{"50256":-100},"stop":null,` +
	`"a_member_of_the_future":{"model":"inner","stream":[1,2.50,{"x":{}}],"big":123456789012345678901234567890},"metadata":{"tags":["not ours"]},"user":"u-1","n":1`

// TestPass_through holds that what the vendor gets is what the client sent,
// byte for byte, with the model's name replaced and nothing else. White space
// around the last brace may go: it belongs to no member.
//
//nolint:tparallel,paralleltest // each case looks at the last call
func TestPass_through(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	key := s.NewKey(t, nil)
	for _, c := range []struct{ name, path, sent, got string }{
		{"model first", chatPath, `{"model":"gpt",` + untouched + `}`, `{"model":"gpt-4o",` + untouched + `}`},
		{"model last", chatPath, `{` + untouched + ` , "model" : "gpt" }`, `{` + untouched + ` , "model" : "gpt-4o"}`},
		{"an escaped model", chatPath, `{"\u006dodel":"g\u0070t",` + untouched + `}`, `{"\u006dodel":"gpt-4o",` + untouched + `}`},
		{"not a stream", chatPath, `{"model":"gpt","stream":false,` + untouched + `}`, `{"model":"gpt-4o","stream":false,` + untouched + `}`},
		{"white space", chatPath, " \n{\n\t\"model\": \"gpt\",\n\t\"messages\": []\n}\n", " \n{\n\t\"model\": \"gpt-4o\",\n\t\"messages\": []}"},
		{"model in the path", "/openai/deployments/gpt/chat/completions?api-version=2024-10-21", `{` + untouched + `}`, `{"model":"gpt-4o",` + untouched + `}`},
		{"another model in the body", "/engines/gpt/chat/completions", `{"model":"other",` + untouched + `}`, `{"model":"gpt-4o",` + untouched + `}`},
		{
			"our control members", chatPath,
			`{"num_retries":3,"model":"gpt","timeout":30,` + untouched + `,"tags":["a"],"fallbacks":["instruct"],"cache":{"no-cache":true},"guardrails":[],"mock_response":"x","api_key":"sk-mine","api_base":"http://127.0.0.1:1"}`,
			`{"model":"gpt-4o",` + untouched + `}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) { // one after another: they look at the last call
			s.Client(key).Post(t, c.path, c.sent).OK(t)
			call := v.Last(t, "gpt-4o")
			require.Equal(t, c.got, string(call.Body))
			require.Equal(t, "/v1/chat/completions", call.Path)
			require.Empty(t, call.Query)
		})
	}
}

// TestUpstream_head holds what the vendor is told beside the body.
func TestUpstream_head(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	key := s.NewKey(t, nil)
	r := s.Client(key).With("X-Api-Key", key).With("Cookie", "session=secret").With("X-Forwarded-For", "10.1.2.3").With("X-Tianji-Call-Id", "call-7").
		With("OpenAI-Organization", "org-of-the-client").Post(t, chatPath, `{"model":"gpt","messages":[]}`)
	require.Equal(t, "gpt", r.OK(t)["model"])
	got := v.Last(t, "gpt-4o").Header
	require.Equal(t, []string{"Bearer " + fakevendor.Key}, got.Values("Authorization"))
	require.Equal(t, "application/json", got.Get("Content-Type"))
	for name, values := range got {
		require.NotContains(t, strings.Join(values, ","), key, name)
		require.NotContains(t, strings.Join(values, ","), "secret", name)
		require.NotContains(t, strings.Join(values, ","), "org-of-the-client", name)
		require.NotContains(t, strings.Join(values, ","), "10.1.2.3", name)
	}
	require.Equal(t, "call-7", r.Header.Get("X-Tianji-Call-Id"))
	require.Equal(t, "gpt-deployment", r.Header.Get("X-Tianji-Model-Id"))
	require.Equal(t, v.URL(), r.Header.Get("X-Tianji-Model-Api-Base"))
	require.Equal(t, "0.000025", r.Header.Get("X-Tianji-Response-Cost"))
	require.Equal(t, "req_vendor", r.Header.Get("Llm_provider-X-Request-Id"))
	for _, name := range []string{"Set-Cookie", "Openai-Organization", "X-Litellm-Call-Id"} {
		require.Empty(t, r.Header.Get(name), name)
	}
}

// The answer is the vendor's, byte for byte, under the client's model name.
func TestAnswer_is_the_vendors(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: sdkConfig(v)})
	const body = "{ \"id\":\"x\", \"model\" : \"gpt-4o-2026\",\n \"choices\":[{\"message\":{\"content\":\"caf\\u00e9 \\/ 😀\",\"model\":\"inner\"},\"new\":1.50}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2},\"future\":[{}] }\n"
	v.Script("gpt-4o", fakevendor.Raw("application/json", body))
	r := s.Master().Post(t, chatPath, `{"model":"gpt","messages":[]}`)
	require.Equal(t, strings.Replace(body, "gpt-4o-2026", "gpt", 1), string(r.Body))
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.Equal(t, http.StatusOK, r.Status)
}
