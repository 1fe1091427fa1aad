package fakeanthropic_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
	"github.com/tianjillm/tianjillm/test/fakevendor/internal/rawhttp"
)

// TestRefusals: what a wrong translation would send.
func TestRefusals(t *testing.T) {
	t.Parallel()
	v := fakeanthropic.Start(t)
	const (
		user  = `{"role":"user","content":"x"}`
		uses  = `{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]}`
		tool  = `,"tools":[{"name":"f","input_schema":{"type":"object"}}]`
		given = `{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"1"}]}`
	)
	messages := func(list string) string { return `{"model":"m","max_tokens":9,"messages":[` + list + `]` }
	content := func(block string) string { return messages(`{"role":"user","content":[`+block+`]}`) + `}` }
	for _, c := range []struct{ body, want string }{
		{`{"model":"m","messages":[` + user + `]}`, "max_tokens: Field required"},
		{messages(user) + `,"stop":"x"}`, "stop: Extra inputs are not permitted"},
		{messages(user) + `,"output_format":{"type":"json_schema","schema":{}}}`, "output_format: Extra inputs"},
		{messages(user) + `,"temperature":1.5}`, "less than or equal to 1"},
		{messages(user) + `,"stop_sequences":[" "]}`, "non-whitespace"},
		{messages(``) + `}`, "at least one message is required"},
		{messages(`{"role":"system","content":"x"}`) + `}`, `Unexpected role \"system\"`},
		{messages(user+`,{"role":"tool","content":"x"}`) + `}`, "messages.1.role: Input should be"},
		{messages(`{"role":"assistant","content":"x"}`) + `}`, `must use the \"user\" role`},
		{messages(user+`,{"role":"assistant","content":"x "}`) + `}`, "trailing whitespace"},
		{messages(user+`,`+uses+`,`+user) + tool + `}`, "without `tool_result` blocks immediately after: t1"},
		{messages(user+`,`+uses) + tool + `}`, "without `tool_result` blocks"},
		{messages(given) + tool + `}`, "unexpected `tool_use_id`"},
		{messages(user+`,`+uses+`,`+given) + `}`, "must define tools"},
		{messages(user) + `,"tools":[{"name":"a b","input_schema":{"type":"object"}}]}`, "tools.0.custom.name"},
		{messages(user) + `,"tools":[{"name":"f"}]}`, "input_schema: Field required"},
		{messages(user) + `,"tools":[{"name":"f","input_schema":{}}]}`, "input_schema.type"},
		{messages(user) + `,"tool_choice":{"type":"auto"}}`, "may only be specified while providing tools"},
		{messages(user) + tool + `,"tool_choice":{"type":"required"}}`, "expected tags: 'auto'"},
		{messages(user) + `,"thinking":{"type":"enabled","budget_tokens":100}}`, "greater than or equal to 1024"},
		{messages(user) + `,"thinking":{"type":"enabled","budget_tokens":1024}}`, "greater than `thinking.budget_tokens`"},
		{strings.Replace(messages(user+`,`+uses+`,`+given)+tool+`,"thinking":{"type":"enabled","budget_tokens":1024}}`, `"max_tokens":9`, `"max_tokens":2000`, 1), "Expected `thinking`"},
		{content(`{"type":"text","text":""}`), "must be non-empty"},
		{content(`{"type":"image_url","image_url":{}}`), "Input tag 'image_url'"},
		{content(`{"type":"text","text":"x","name":"y"}`), "text.name: Extra inputs"},
		{content(`{"type":"image","source":{"type":"base64","media_type":"image/bmp","data":"AA=="}}`), "media_type: Input should be"},
		{content(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"data:x"}}`), "invalid base64"},
		{messages(user) + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}`, "'additionalProperties' must be explicitly set to false"},
	} {
		r := rawhttp.Post(t, v.URL()+"/v1/messages", c.body, "X-Api-Key", fakevendor.Key, "Anthropic-Version", fakeanthropic.Version)
		require.Equal(t, http.StatusBadRequest, r.Status, "%s", c.body)
		require.Contains(t, r.Body, `"type":"invalid_request_error"`)
		require.Contains(t, r.Body, c.want)
	}
	r := rawhttp.Post(t, v.URL()+"/v1/messages", messages(user)+`}`, "Anthropic-Version", fakeanthropic.Version)
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.Contains(t, r.Body, "x-api-key header is required")
	r = rawhttp.Post(t, v.URL()+"/v1/messages", messages(user)+`}`, "X-Api-Key", fakevendor.Key)
	require.Contains(t, r.Body, "anthropic-version: header is required")
	for body, want := range map[string]string{
		messages(user) + `,"temperature":1}`:                                                                           "temperature: Extra inputs are not permitted",
		content(`{"type":"text","text":"x","citations":[{}]}`):                                                         "citations are not permitted",
		messages(user+`,{"role":"assistant","content":[{"type":"document","source":{"type":"url","url":"u"}}]}`) + `}`: "`document` blocks are not permitted",
	} {
		r = rawhttp.Post(t, v.URL()+"/v1/messages", body, "X-Api-Key", fakevendor.Key, "Anthropic-Version", fakeanthropic.Newer)
		require.Equal(t, http.StatusBadRequest, r.Status, "%s", body)
		require.Contains(t, r.Body, want)
	}
}

// TestBatches: a batch is done as soon as it is made.
func TestBatches(t *testing.T) {
	t.Parallel()
	v := fakeanthropic.Start(t)
	hc := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(hc.CloseIdleConnections)
	c := anthropic.NewClient(option.WithoutEnvironmentDefaults(), option.WithBaseURL(v.URL()), option.WithAPIKey(fakevendor.Key), option.WithHTTPClient(hc))
	made, err := c.Messages.Batches.New(t.Context(), anthropic.MessageBatchNewParams{Requests: []anthropic.MessageBatchNewParamsRequest{{
		CustomID: "one", Params: anthropic.MessageBatchNewParamsRequestParams{
			Model: "claude", MaxTokens: 9, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Hello"))},
		},
	}}})
	require.NoError(t, err)
	require.EqualValues(t, "ended", made.ProcessingStatus)
	got, err := c.Messages.Batches.Get(t.Context(), made.ID, anthropic.MessageBatchGetParams{})
	require.NoError(t, err)
	require.EqualValues(t, 1, got.RequestCounts.Succeeded)
	results := c.Messages.Batches.ResultsStreaming(t.Context(), made.ID, anthropic.MessageBatchResultsParams{})
	require.True(t, results.Next(), "%v", results.Err())
	require.Equal(t, "one", results.Current().CustomID)
	require.Equal(t, fakevendor.Text(), results.Current().Result.Message.Content[0].Text)
	require.False(t, results.Next())
	require.NoError(t, results.Close())
}
