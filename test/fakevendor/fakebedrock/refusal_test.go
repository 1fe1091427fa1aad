package fakebedrock_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakebedrock"
	"github.com/tianjillm/tianjillm/test/fakevendor/internal/rawhttp"
)

// TestRefusals: what a wrong translation would send.
func TestRefusals(t *testing.T) {
	t.Parallel()
	v := fakebedrock.Start(t)
	const (
		user  = `{"role":"user","content":[{"text":"x"}]}`
		uses  = `{"role":"assistant","content":[{"toolUse":{"toolUseId":"t1","name":"f","input":{}}}]}`
		given = `{"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[{"text":"1"}]}}]}`
		spec  = `{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}}}}`
	)
	messages := func(list, more string) string { return `{"messages":[` + list + `]` + more + `}` }
	for _, c := range []struct{ body, want string }{
		{messages(``, ``), "must start with a user message"},
		{messages(`{"role":"system","content":[{"text":"x"}]}`, ``), "[user, assistant]"},
		{messages(`{"role":"assistant","content":[{"text":"x"}]}`, ``), "must start with a user message"},
		{messages(user+`,`+user, ``), "alternate between user and assistant roles"},
		{messages(`{"role":"user","content":[{"text":" "}]}`, ``), "is blank"},
		{messages(`{"role":"user","content":[]}`, ``), "is empty"},
		{messages(`{"role":"user","content":[{"type":"text","text":"x"}]}`, ``), "must set one of the following keys"},
		{messages(`{"role":"user","content":[{"image":{"format":"jpg","source":{"bytes":"AA=="}}}]}`, ``), "[png, jpeg, gif, webp]"},
		{messages(`{"role":"user","content":[{"text":"x"},{"document":{"format":"pdf","name":"a.pdf","source":{"bytes":"AA=="}}}]}`, ``), "alphanumeric"},
		{messages(`{"role":"user","content":[{"document":{"format":"pdf","name":"a","source":{"bytes":"AA=="}}}]}`, ``), "text block is required"},
		{messages(user+`,`+uses+`,`+user, `,"toolConfig":{"tools":[`+spec+`]}`), "Expected toolResult blocks"},
		{messages(user+`,`+uses+`,`+given, ``), "toolConfig field must be defined"},
		{messages(given, `,"toolConfig":{"tools":[`+spec+`]}`), "exceeds the number of toolUse blocks"},
		{messages(user, `,"toolConfig":{"tools":[]}`), "length greater than or equal to 1"},
		{messages(user, `,"toolConfig":{"tools":[`+spec+`],"toolChoice":{"none":{}}}`), "auto, any, tool"},
		{messages(user, `,"toolConfig":{"tools":[{"toolSpec":{"name":"a.b","inputSchema":{"json":{"type":"object"}}}}]}`), "regular expression pattern"},
		{messages(user, `,"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}}]}`), "must be one of the following: object"},
		{messages(user, `,"system":[{"text":""}]`), "system.0 is blank"},
		{messages(user, `,"inferenceConfig":{"temperature":2}`), "less than or equal to 1"},
		{messages(user, `,"additionalModelRequestFields":{"seed":1}`), "extraneous key [seed]"},
		{messages(user, `,"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":9}}`), "greater than or equal to 1024"},
	} {
		r := rawhttp.Post(t, v.URL()+"/model/m/converse", c.body, "Authorization", "Bearer "+fakevendor.Key)
		require.Equal(t, http.StatusBadRequest, r.Status, "%s", c.body)
		require.Contains(t, r.Header.Get("X-Amzn-Errortype"), "ValidationException")
		require.Contains(t, r.Body, c.want)
	}
	for given, want := range map[string]string{
		"": "MissingAuthenticationTokenException", "Bearer x": "IncompleteSignatureException",
		"AWS4-HMAC-SHA256 Credential=AKIDVENDOREXAMPLE/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host": "IncompleteSignatureException",
	} {
		r := rawhttp.Post(t, v.URL()+"/model/m/converse", messages(user, ``), "Authorization", given)
		require.Equal(t, http.StatusForbidden, r.Status)
		require.Contains(t, r.Header.Get("X-Amzn-Errortype"), want)
	}
}
