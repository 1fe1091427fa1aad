package contract_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

const mockConfig = `model_list:
  - model_name: mock
    litellm_params: {model: mock/echo, input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}
  - model_name: secret-model
    litellm_params: {model: mock/echo}
general_settings:
  max_request_size_mb: 1
`

// call is a request that is refused.
type call struct {
	name         string
	key          string
	header       [2]string
	method, path string
	body         any
	want         refusal
}

func (c call) run(t *testing.T, s *stack.Stack) {
	t.Helper()
	client := s.Client(c.key)
	if c.header[0] != "" {
		client = client.With(c.header[0], c.header[1])
	}
	if c.method == "" {
		c.method = http.MethodPost
	}
	if c.path == "" {
		c.path = chatPath
	}
	r := client.Do(t, c.method, c.path, stack.Body(t, c.body))
	c.want.check(t, r)
	if c.key != "" {
		require.NotContains(t, string(r.Body), ident.HashKey(c.key))
		require.NotContains(t, string(r.Body), c.key)
	}
}

func TestRequests_that_can_not_be_understood(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	key := s.NewKey(t, nil)
	bad := func(message string) refusal {
		return refusal{http.StatusBadRequest, "invalid_request_error", nil, message}
	}
	unknown := func(name string) refusal {
		return refusal{http.StatusBadRequest, "None", "None", "{'error': '/chat/completions: Invalid model name passed in model=" + name + ". Call `/v1/models` to view available models for your key.'}"}
	}
	for _, c := range []call{
		{name: "no body", body: "", want: bad("must be one JSON object")},
		{name: "no JSON", body: "model=mock", want: bad("must be one JSON object")},
		{name: "broken JSON", body: `{"model":"mock","messages":[}`, want: bad("must be one JSON object")},
		{name: "cut JSON", body: `{"model":"mock","messages":[`, want: bad("must be one JSON object")},
		{name: "a JSON array", body: `[{"model":"mock"}]`, want: bad("must be one JSON object")},
		{name: "a JSON string", body: `"mock"`, want: bad("must be one JSON object")},
		{name: "two JSON objects", body: `{"model":"mock"}{"model":"mock"}`, want: bad("must be one JSON object")},
		{name: "two models", body: `{"model":"mock","model":"secret-model"}`, want: bad("stands twice")},
		{name: "two models, one escaped", body: `{"model":"mock","m\u006fdel":"secret-model"}`, want: bad("stands twice")},
		{name: "a number as model", body: `{"model":7}`, want: bad("expected a string")},
		{name: "no model", body: `{"messages":[]}`, want: unknown("None")},
		{name: "null as model", body: `{"model":null}`, want: unknown("None")},
		{name: "an unknown model", body: hello("nothing"), want: unknown("nothing")},
		{name: "an unknown model in the path", path: "/openai/deployments/nothing/chat/completions", body: `{"messages":[]}`, want: unknown("nothing")},
		{name: "a wrong method", method: http.MethodGet, want: refusal{http.StatusMethodNotAllowed, "invalid_request_error", nil, "Method Not Allowed"}},
		{name: "an unknown path", path: "/v1/nothing", body: "{}", want: refusal{http.StatusNotFound, "not_found_error", nil, "Not Found"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.key = key
			c.run(t, s)
		})
	}
}

func TestRequests_that_are_too_large(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	client := s.Client(s.NewKey(t, nil))
	body := `{"model":"mock","messages":[{"role":"user","content":"` + strings.Repeat("x", 1<<20) + `"}]}`
	want := refusal{http.StatusRequestEntityTooLarge, "invalid_request_error", nil, "limit of 1048576 bytes"}
	t.Run("with a length", func(t *testing.T) {
		t.Parallel()
		want.check(t, client.Post(t, chatPath, body))
	})
	t.Run("in chunks", func(t *testing.T) {
		t.Parallel()
		resp := client.Open(t, http.MethodPost, chatPath, io.MultiReader(strings.NewReader(body)))
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		want.check(t, stack.Reply{Status: resp.StatusCode, Header: resp.Header, Body: b})
	})
	t.Run("just not", func(t *testing.T) {
		t.Parallel()
		fits := body[:len(`{"model":"mock","messages":[{"role":"user","content":"`)] + strings.Repeat("x", 1<<20-200) + `"}]}`
		client.Post(t, chatPath, fits).OK(t)
	})
}

func TestKeys_that_must_not_be_used(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig, DataPlanes: 2})
	narrow := s.NewKey(t, map[string]any{"models": []string{"mock"}})
	blocked := s.NewKey(t, map[string]any{"blocked": true})
	embedder := s.NewKey(t, map[string]any{"allowed_routes": []string{"/v1/embeddings"}})
	team := s.NewTeam(t, map[string]any{"team_id": "blocked-team", "blocked": true})
	teamKey := s.NewKey(t, map[string]any{"team_id": team})
	modest := s.NewTeam(t, map[string]any{"models": []string{"mock"}})
	modestKey := s.NewKey(t, map[string]any{"team_id": modest})
	user := s.NewUser(t, map[string]any{"models": []string{"no-default-models"}})
	userKey := s.NewKey(t, map[string]any{"user_id": user})
	expired := s.NewKey(t, map[string]any{"duration": "1s"})
	obeys(t, s, expired, "mock", http.StatusUnauthorized)

	auth := func(message string) refusal {
		return refusal{http.StatusUnauthorized, "auth_error", "None", message}
	}
	denied := func(by string) refusal {
		return refusal{http.StatusForbidden, by + "_model_access_denied", "secret-model", "The requested model 'secret-model' is not available for this API key"}
	}
	for _, c := range []call{
		{name: "none", want: auth("Authentication Error, No api key passed in.")},
		{name: "another scheme", header: [2]string{"Authorization", "Token sk-x"}, want: auth("Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix.")},
		{name: "no scheme", header: [2]string{"Authorization", "sk-x"}, want: auth("Malformed API Key")},
		{name: "another prefix", key: "pk-0123456789", want: auth("LiteLLM Virtual Key expected. Received=pk-0****6789, expected to start with 'sk-'.")},
		{name: "unknown", key: "sk-unknown-0123", want: refusal{http.StatusUnauthorized, "token_not_found_in_db", "key", "Received API Key = sk-...0123"}},
		{name: "expired", key: expired, want: refusal{http.StatusUnauthorized, "expired_key", ident.KeyName(expired), "Expired Key. Key Expiry time"}},
		{name: "blocked", key: blocked, want: auth("Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin.")},
		{name: "of a blocked team", key: teamKey, want: auth("Authentication Error, Team=blocked-team is blocked. Update via `/team/unblock` if you're an admin.")},
		{name: "without the model", key: narrow, body: hello("secret-model"), want: denied("key")},
		{name: "without the model, by its path", key: narrow, path: "/openai/deployments/secret-model/chat/completions", body: hello("mock"), want: denied("key")},
		{name: "of a team without the model", key: modestKey, body: hello("secret-model"), want: denied("team")},
		{name: "of a user without the model", key: userKey, body: hello("secret-model"), want: denied("user")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.body == nil {
				c.body = hello("mock")
			}
			c.run(t, s)
		})
	}
	t.Run("for other routes", func(t *testing.T) {
		t.Parallel()
		checkDetail(t, s.Client(embedder).Post(t, chatPath, hello("mock")), http.StatusForbidden,
			"Virtual key is not allowed to call this route. Tried to call route: "+chatPath)
		checkDetail(t, s.Client(embedder).Get(t, "/key/info"), http.StatusForbidden,
			"Virtual key is not allowed to call this route. Tried to call route: /key/info")
		s.Client(embedder).Post(t, "/v1/embeddings", `{"model":"mock","input":"x"}`).OK(t)
	})
}

// The older statuses are for users who come from LiteLLM 1.83.
func TestCompat_statuses(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig + "  litellm_compat: \"1.83\"\n  litellm_headers: true\n"})
	key := s.NewKey(t, map[string]any{"models": []string{"mock"}})
	r := s.Client(key).Post(t, chatPath, hello("secret-model"))
	refusal{http.StatusUnauthorized, "key_model_access_denied", "secret-model", "key not allowed to access model. Tried to access secret-model"}.check(t, r)
	require.NotContains(t, string(r.Body), "mock")
	r = s.Client(key).With("X-Litellm-Call-Id", "my-call").Post(t, chatPath, hello("mock"))
	r.OK(t)
	for _, prefix := range []string{"X-Tianji-", "X-Litellm-"} {
		require.Equal(t, "my-call", r.Header.Get(prefix+"Call-Id"))
		require.NotEmpty(t, r.Header.Get(prefix+"Model-Id"))
		require.NotEmpty(t, r.Header.Get(prefix+"Response-Cost"))
	}
}

// Every header in which SDKs send their key.
func TestKey_headers(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	key := s.NewKey(t, nil)
	for name, value := range map[string]string{
		"Authorization": "Bearer " + key, "Api-Key": key, "X-Api-Key": key, "X-Goog-Api-Key": key, "Ocp-Apim-Subscription-Key": key,
		"X-Litellm-Api-Key": "Bearer " + key, "X-Tianji-Api-Key": key,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.Client("").With(name, value).Post(t, chatPath, hello("mock")).OK(t)
			s.Client("").With(name, value).Get(t, "/key/info").OK(t)
		})
	}
}
