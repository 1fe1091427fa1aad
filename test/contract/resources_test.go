package contract_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// TestResources: what a vendor keeps is reached with the gateway's key, under
// its own ids; which vendor, a request says in one of three places.
//
//nolint:tparallel,paralleltest // each step needs the one before
func TestResources(t *testing.T) {
	t.Parallel()
	v, other := fakevendor.Start(t), fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: "model_list:\n" + v.Deployment("gpt", "gpt-4o") +
		"  - {model_name: local, litellm_params: {model: hosted_vllm/local, api_base: \"" + other.URL() + "\", api_key: " + fakevendor.Key + "}}\n"})
	key := s.NewKey(t, map[string]any{"models": []string{"gpt"}})
	c := s.Client(key)

	lines := []upload{{"file", "batch.jsonl", `{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{}}`}}
	file := postForm(t, c, "/v1/files", lines, "purpose", "batch").OK(t)
	id := fmt.Sprint(file["id"])
	require.Equal(t, "batch.jsonl", file["filename"])
	sent := v.Last(t, "")
	require.Equal(t, "/v1/files", sent.Path)
	require.NotContains(t, fmt.Sprint(sent.Header), key)
	require.Empty(t, sent.Header.Get("X-Tianji-Call-Id"))

	t.Run("files", func(t *testing.T) {
		require.Len(t, c.Get(t, "/v1/files?purpose=batch&custom_llm_provider=openai").OK(t)["data"], 1)
		require.Equal(t, "purpose=batch", v.Last(t, "").Query)
		require.Equal(t, id, c.Get(t, "/files/"+id).OK(t)["id"])
		content := c.Get(t, "/v1/files/"+id+"/content")
		require.Equal(t, lines[0].content, string(content.Body))
		require.Equal(t, "application/octet-stream", content.Header.Get("Content-Type"))
		missing := c.Get(t, "/v1/files/file-none")
		require.Equal(t, http.StatusNotFound, missing.Status)
		require.JSONEq(t, `{"error":{"message":"No such File object: file-none","type":"invalid_request_error","param":null,"code":null}}`, string(missing.Body))
		require.Empty(t, missing.Header.Get("Set-Cookie"))
	})
	t.Run("batches", func(t *testing.T) {
		made := c.Post(t, "/v1/batches", `{"input_file_id":"`+id+`","custom_llm_provider":"openai","endpoint":"/v1/chat/completions","completion_window":"24h"}`).OK(t)
		require.Equal(t, id, made["input_file_id"])
		require.Len(t, c.Get(t, "/v1/batches?limit=2").OK(t)["data"], 1)
		require.Equal(t, "cancelling", c.Post(t, "/v1/batches/"+fmt.Sprint(made["id"])+"/cancel", nil).OK(t)["status"])
		require.Equal(t, "cancelling", c.Get(t, "/batches/"+fmt.Sprint(made["id"])).OK(t)["status"])
	})
	t.Run("fine-tuning", func(t *testing.T) {
		c.Post(t, "/v1/fine_tuning/jobs", `{"model":"gpt-4o","training_file":"`+id+`"}`).OK(t) // the vendor's name of a model that the key may use
		require.Len(t, c.Get(t, "/v1/fine_tuning/jobs").OK(t)["data"], 1)
		denied := c.Post(t, "/v1/fine_tuning/jobs", `{"model":"gpt-4.1","training_file":"`+id+`"}`)
		refusal{http.StatusForbidden, "key_model_access_denied", "gpt-4.1", "is not available"}.check(t, denied)
	})
	t.Run("the provider", func(t *testing.T) {
		vllm := `"custom_llm_provider":"hosted_vllm"`
		require.Empty(t, c.With("custom-llm-provider", "hosted_vllm").Get(t, "/v1/files").OK(t)["data"])
		require.Empty(t, c.Get(t, "/v1/files?custom_llm_provider=hosted_vllm").OK(t)["data"])
		kept := postForm(t, c, "/v1/files", lines, "custom_llm_provider", "hosted_vllm", "purpose", "batch").OK(t)
		c.Post(t, "/v1/batches", fmt.Sprintf(`{`+vllm+`,"input_file_id":%q,"endpoint":"/v1/embeddings","completion_window":"24h"}`, kept["id"])).OK(t)
		require.Len(t, c.With("custom-llm-provider", "hosted_vllm").Get(t, "/v1/files").OK(t)["data"], 1)
		require.Len(t, other.Calls(""), 6, "a batch of a key that may not use every model is looked into")
		for _, call := range other.Calls("") {
			require.NotContains(t, string(call.Body)+call.Query, "custom_llm_provider")
			require.Empty(t, call.Refusal)
		}
		r := c.With("custom-llm-provider", "deepseek").Get(t, "/v1/files")
		refusal{http.StatusBadRequest, "invalid_request_error", nil, "No credentials for provider 'deepseek'"}.check(t, r)
	})
	t.Run("deleted", func(t *testing.T) {
		require.Equal(t, true, c.Do(t, http.MethodDelete, "/v1/files/"+id, nil).OK(t)["deleted"])
		require.Equal(t, http.StatusNotFound, c.Get(t, "/v1/files/"+id).Status)
	})
	s.Settle(t)
	for _, row := range s.SpendRows(t, key) {
		require.Zero(t, row.SpendNano)
	}
}
