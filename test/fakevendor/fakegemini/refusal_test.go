package fakegemini_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakegemini"
	"github.com/tianjillm/tianjillm/test/fakevendor/internal/rawhttp"
)

// TestRefusals: what a wrong translation would send.
func TestRefusals(t *testing.T) {
	t.Parallel()
	v := fakegemini.Start(t)
	const (
		user  = `{"role":"user","parts":[{"text":"x"}]}`
		calls = `{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]}`
	)
	contents := func(list, more string) string { return `{"contents":[` + list + `]` + more + `}` }
	schema := func(s string) string {
		return contents(user, `,"tools":[{"functionDeclarations":[{"name":"f","parameters":`+s+`}]}]`)
	}
	for _, c := range []struct{ body, want string }{
		{contents(``, ``), "contents is not specified"},
		{contents(user, `,"messages":[]`), `Unknown name \"messages\": Cannot find field.`},
		{contents(user, `,"generationConfig":{"max_tokens":1}`), `Unknown name \"max_tokens\" at 'generation_config'`},
		{contents(`{"role":"assistant","parts":[{"text":"x"}]}`, ``), "valid role: user, model"},
		{contents(`{"role":"user","parts":[]}`, ``), "parts must not be empty"},
		{contents(`{"role":"user","parts":[{}]}`, ``), "must have one initialized field"},
		{contents(`{"role":"user","parts":[{"type":"text","text":"x"}]}`, ``), `Unknown name \"type\"`},
		{contents(`{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"data:image/png;base64,AA=="}}]}`, ``), "Base64 decoding failed"},
		{contents(user+`,`+calls, ``), "function response turn comes immediately after"},
		{contents(user+`,`+calls+`,`+user, ``), "equal to the number of function call parts"},
		{contents(user+`,`+calls+`,{"role":"user","parts":[{"functionResponse":{"name":"f","response":"1"}}]}`, ``), "google.protobuf.Struct"},
		{contents(user+`,`+calls+`,{"role":"user","parts":[{"functionResponse":{"response":{}}}]}`, ``), "Name cannot be empty"},
		{schema(`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`), `Unknown name \"additionalProperties\"`},
		{schema(`{"type":["string","null"]}`), "cannot start list"},
		{schema(`{"type":"object","properties":{}}`), "should be non-empty for OBJECT type"},
		{schema(`{"type":"object","properties":{"a":{"type":"array"}}}`), "items: missing field"},
		{schema(`{"type":"object","properties":{"a":{"type":"string","format":"uuid"}}}`), "only 'enum' and 'date-time'"},
		{schema(`{"type":"object","properties":{"a":{"type":"string"}},"required":["b"]}`), "property is not defined"},
		{contents(user, `,"tools":[{"functionDeclarations":[{"name":"a b"}]}]`), "Invalid function name"},
		{contents(user, `,"toolConfig":{"functionCallingConfig":{"mode":"required"}}`), "FunctionCallingConfig.Mode"},
		{contents(user, `,"generationConfig":{"responseSchema":{"type":"STRING"}}`), "only allowed with response_mime_type"},
		{contents(user, `,"generationConfig":{"stopSequences":["1","2","3","4","5","6"]}`), "at most 5"},
		{contents(user, `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"low"}}`), "not supported for this model"},
	} {
		r := rawhttp.Post(t, v.URL()+"/models/gemini-2.5-flash:generateContent", c.body, "X-Goog-Api-Key", fakevendor.Key)
		require.Equal(t, http.StatusBadRequest, r.Status, "%s", c.body)
		require.Contains(t, r.Body, `"status":"INVALID_ARGUMENT"`)
		require.Contains(t, r.Body, c.want)
	}
	r := rawhttp.Post(t, v.URL()+"/models/gemini-2.5-flash:generateContent", contents(user, ``))
	require.Equal(t, http.StatusForbidden, r.Status)
	r = rawhttp.Post(t, v.URL()+"/models/m:streamGenerateContent?key="+fakevendor.Key, contents(user, ``))
	require.Equal(t, http.StatusOK, r.Status)
	require.Regexp(t, `^\[\{(.|\n|\r)*\}\]\r\n$`, r.Body, "a stream without alt=sse is an array")
}
