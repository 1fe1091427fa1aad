package mock_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/mock"
)

func TestFailures_are_openai_errors(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	for options, want := range map[string]struct {
		status    int
		typ, code string
	}{
		`"mock_status":400`:                        {400, "invalid_request_error", ""},
		`"mock_status":401`:                        {401, "invalid_request_error", "invalid_api_key"},
		`"mock_status":404`:                        {404, "invalid_request_error", "model_not_found"},
		`"mock_status":429`:                        {429, "requests", "rate_limit_exceeded"},
		`"mock_status":500`:                        {500, "server_error", ""},
		`"mock_status":503`:                        {503, "server_error", ""},
		`"mock_status":529`:                        {529, "server_error", ""},
		`"mock_response":"litellm.RateLimitError"`: {429, "requests", "rate_limit_exceeded"},
		`"mock_response":"litellm.ContextWindowExceededError"`:        {400, "invalid_request_error", "context_length_exceeded"},
		`"mock_response":"litellm.ContentPolicyViolationError"`:       {400, "invalid_request_error", "content_policy_violation"},
		`"mock_response":"litellm.InternalServerError"`:               {500, "server_error", ""},
		`"mock_response":"litellm.RateLimitError","mock_status":503`:  {503, "server_error", ""},
		`"mock_response":"litellm.Timeout (no such)","mock_status":0`: {400, "invalid_request_error", ""},
	} {
		for _, call := range []*provider.Call{
			chatCall(t, with(question, options)), streamCall(t, with(question, options)),
			newCall(t, provider.Completions, with(`{"prompt":"x"}`, options)), newCall(t, provider.Embeddings, with(`{"input":"x"}`, options)),
		} {
			r := do(t, b, call)
			require.Equal(t, want.status, r.Status(), options)
			require.Equal(t, "application/json", r.Header("Content-Type"))
			got := strict[errorShape](t, body(t, r))
			require.NotEmpty(t, got.Error.Message)
			require.Equal(t, want.typ, got.Error.Type, options)
			if want.code == "" {
				require.Nil(t, got.Error.Code, options)
			} else {
				require.Equal(t, want.code, *got.Error.Code, options)
			}
		}
	}
}

func TestStatus_200_takes_an_error_back(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", `{"mock_status":500,"mock_retry_after":3}`)
	r := do(t, b, chatCall(t, question))
	require.Equal(t, 500, r.Status())
	require.Equal(t, "3", r.Header("retry-after"))
	r = do(t, b, chatCall(t, with(question, `"mock_status":200,"mock_retry_after":0`)))
	require.Equal(t, 200, r.Status())
	require.Empty(t, r.Header("Retry-After"))
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", `{"mock_garbage":true}`)
	r := do(t, b, chatCall(t, question))
	require.Equal(t, 200, r.Status())
	require.Equal(t, "application/json", r.Header("Content-Type"))
	require.False(t, json.Valid([]byte(body(t, r))))

	r = do(t, b, streamCall(t, question))
	require.Equal(t, "text/event-stream; charset=utf-8", r.Header("Content-Type"))
	require.EqualValues(t, -1, r.ContentLength())
	require.NotContains(t, body(t, r), "\n\n")

	r = do(t, b, newCall(t, provider.Embeddings, `{"input":"x","mock_status":502}`))
	require.Equal(t, 502, r.Status())
	require.False(t, json.Valid([]byte(body(t, r))))

	r = do(t, b, chatCall(t, with(question, `"mock_garbage":false`)))
	require.True(t, json.Valid([]byte(body(t, r))))
}

func TestOptions_out_of_bounds(t *testing.T) {
	t.Parallel()
	fine := backend(t, "echo", "")
	for option, want := range map[string]string{
		`"mock_latency_ms":-1`:           "mock_latency_ms must be a number from 0 to 600000",
		`"mock_latency_ms":600001`:       "mock_latency_ms must be a number from 0 to 600000",
		`"mock_latency_ms":"5"`:          "mock_latency_ms must be a number from 0 to 600000",
		`"mock_delay":601`:               "mock_delay must be a number from 0 to 600",
		`"mock_chunks":100001`:           "mock_chunks must be a whole number from 0 to 100000",
		`"mock_chunks":1.5`:              "mock_chunks must be a whole number from 0 to 100000",
		`"mock_chunks":1e300`:            "mock_chunks must be a whole number from 0 to 100000",
		`"mock_chunk_interval_ms":60001`: "mock_chunk_interval_ms must be a number from 0 to 60000",
		`"mock_chunk_interval_ms":[]`:    "mock_chunk_interval_ms must be a number from 0 to 60000",
		`"mock_close_after_chunks":-1`:   "mock_close_after_chunks must be a whole number from 0 to 100000",
		`"mock_status":302`:              "mock_status must be 200 or an error status from 400 to 599",
		`"mock_status":600`:              "mock_status must be 200 or an error status from 400 to 599",
		`"mock_retry_after":86401`:       "mock_retry_after must be a whole number from 0 to 86400",
		`"mock_garbage":1`:               "mock_garbage must be true or false",
		`"mock_response":[]`:             "mock_response must be a string or an object",
		`"mock_usage":[]`:                "mock_usage must be an object",
		`"mock_tool_calls":{}`:           "mock_tool_calls must be a list of at most 128 function calls",
		`"mock_tool_calls":[{}]`:         "mock_tool_calls must be a list of at most 128 function calls",
	} {
		r := do(t, fine, chatCall(t, with(question, option)))
		require.Equal(t, 400, r.Status(), option)
		require.Equal(t, want, strict[errorShape](t, body(t, r)).Error.Message, option)

		params := map[string]json.RawMessage{}
		require.NoError(t, json.Unmarshal([]byte("{"+option+"}"), &params))
		_, err := mock.New(provider.Config{Model: "m", Params: params})
		require.EqualError(t, err, "mock provider: "+want, option)
	}
	for _, raw := range []string{"", " ", "NaN", `"`, `{`, "+Inf"} {
		for _, name := range []string{"mock_latency_ms", "mock_chunks", "mock_response", "mock_usage", "mock_tool_calls", "mock_garbage"} {
			_, err := mock.New(provider.Config{Params: map[string]json.RawMessage{name: json.RawMessage(raw)}})
			require.Error(t, err, "%s: %q", name, raw)
		}
	}
}
