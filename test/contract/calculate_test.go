package contract_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

const pricesConfig = `
model_list:
- {model_name: house, litellm_params: {model: mock/echo, input_cost_per_token: 1.0e-3, output_cost_per_token: 2.0e-3, input_cost_per_token_above_128k_tokens: 5.0e-3}}
- {model_name: unpriced, litellm_params: {model: mock/echo}}
- {model_name: by-base, litellm_params: {model: mock/echo}, model_info: {base_model: openai/gpt-4o}}
- {model_name: brought, litellm_params: {model: openai/brand-new}}
router_settings: {model_group_alias: {ours: house}}
general_settings: {model_cost_map_path: PATH}
`

// TestSpend_calculate asks for the costs of chats and responses, by every way
// in which a price is found.
func TestSpend_calculate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "prices.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"brand-new":{"litellm_provider":"openai","input_cost_per_token":1e-2,"output_cost_per_token":1e-2}}`), 0o600))
	s := stack.Start(t, stack.Options{Config: strings.Replace(pricesConfig, "PATH", path, 1)})
	master := s.Master()
	stack.Await(t, "the price file to be read", func() bool {
		return master.Post(t, "/spend/calculate", `{"completion_response":{"model":"brought","usage":{"prompt_tokens":1}}}`).OK(t)["cost"] == 0.01
	})
	const hello = `"messages":[{"role":"user","content":"hello"}]` // 3 + role 1 + text 1 + 3
	for name, c := range map[string]struct {
		body string
		want float64
	}{
		"a chat":                    {`{"model":"house",` + hello + `}`, 0.008},
		"by an alias":               {`{"model":"ours",` + hello + `}`, 0.008},
		"without a price":           {`{"model":"unpriced",` + hello + `}`, 0},
		"the price table":           {`{"model":"openai/gpt-4o",` + hello + `}`, 8 * 2.5e-6},
		"a name alone":              {`{"model":"claude-opus-4-5","messages":[]}`, 3 * 5e-6},
		"its base model":            {`{"model":"by-base",` + hello + `}`, 8 * 2.5e-6},
		"an image":                  {`{"model":"house","messages":[{"role":"user","content":[{"type":"text","text":"hello"},{"type":"image_url","image_url":{"url":"x"}}]}]}`, 0.093},
		"a response":                {`{"completion_response":{"model":"house","usage":{"prompt_tokens":10,"completion_tokens":5}}}`, 0.02},
		"a response to a long chat": {`{"completion_response":{"model":"house","usage":{"prompt_tokens":128001,"completion_tokens":0}}}`, 640.005},
		"a response without usage":  {`{"completion_response":{"model":"house","choices":[{"message":{"content":"hello"}}]}}`, 0.002},
		"cached tokens":             {`{"completion_response":{"model":"gpt-4o","usage":{"prompt_tokens":1000,"completion_tokens":0,"prompt_tokens_details":{"cached_tokens":400}}}}`, 0.002},
		"Anthropic's cache, searches": {`{"completion_response":{"model":"anthropic/claude-opus-4-5","usage":{"prompt_tokens":1000,"cache_creation_input_tokens":600,
			"cache_read_input_tokens":400,"server_tool_use":{"web_search_requests":2}}}}`, 600*6.25e-6 + 400*0.5e-6 + 0.02},
	} {
		got := master.Post(t, "/spend/calculate", c.body).OK(t)
		require.Len(t, got, 1, name)
		require.InDelta(t, c.want, got["cost"], 1e-12, name)
	}
	for body, want := range map[string]refusal{
		`{"model":"house"}`:                      {http.StatusBadRequest, "None", "None", "Bad Request - messages must be provided if 'model' is provided"},
		`{}`:                                     {http.StatusBadRequest, "None", "None", "Bad Request - Either 'model' or 'completion_response' must be provided"},
		`{"model":"nobody-knows",` + hello + `}`: {http.StatusBadRequest, "invalid_request_error", nil, "This model isn't mapped yet. model=nobody-knows"},
	} {
		want.check(t, master.Post(t, "/spend/calculate", body))
	}
}
