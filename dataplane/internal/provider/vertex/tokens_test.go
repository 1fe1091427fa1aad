package vertex_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/vertex"
)

// clock is the real time, moved.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *clock) move(d time.Duration) { c.offset.Add(int64(d)) }

func tokensOf(t *testing.T, credentials string, c *clock) *vertex.Tokens {
	t.Helper()
	cfg := &provider.Config{Secrets: map[string]string{"vertex_credentials": credentials}}
	tokens, err := vertex.NewTokens(cfg, newClient(t), c.now)
	require.NoError(t, err)
	return tokens
}

func get(t *testing.T, tokens *vertex.Tokens) string {
	t.Helper()
	token, err := tokens.Token(t.Context())
	require.NoError(t, err)
	return token
}

func TestTokens_are_kept_and_replaced_before_they_end(t *testing.T) {
	t.Parallel()
	s, c := newTokenService(t), &clock{}
	tokens := tokensOf(t, serviceAccount(s.url), c)
	require.Equal(t, "account-project", tokens.Project())
	require.Equal(t, "token-1", get(t, tokens))
	require.Equal(t, "token-1", get(t, tokens))
	c.move(56 * time.Minute)
	s.seconds.Store(7200)
	require.Equal(t, "token-2", get(t, tokens), "in time")

	c.move(60 * time.Minute)
	s.status.Store(http.StatusServiceUnavailable)
	require.Equal(t, "token-2", get(t, tokens), "the old one serves while there is no new one")
	asked := s.asked.Load()
	require.Equal(t, "token-2", get(t, tokens))
	require.Equal(t, asked, s.asked.Load(), "not asked again at once")
	s.status.Store(0)
	c.move(time.Minute)
	require.Regexp(t, `token-\d`, get(t, tokens))
	require.Greater(t, s.asked.Load(), asked)
}

func TestTokens_are_fetched_once_for_many(t *testing.T) {
	t.Parallel()
	s := newTokenService(t)
	s.release = make(chan struct{})
	tokens := tokensOf(t, serviceAccount(s.url), &clock{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := tokens.Token(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := tokens.Token(ctx)
	require.ErrorIs(t, err, context.Canceled)
	close(s.release)
	wg.Wait()
	require.LessOrEqual(t, s.asked.Load(), int64(2), "once, or twice where the cancelled call came first")
}

func TestTokens_errors_hold_no_secret(t *testing.T) {
	t.Parallel()
	s := newTokenService(t)
	s.status.Store(http.StatusBadRequest)
	_, err := tokensOf(t, serviceAccount(s.url), &clock{}).Token(t.Context())
	require.EqualError(t, err, "the token service refused the credentials: status 400, invalid_grant")

	s.status.Store(http.StatusFound) // a redirect is not followed
	_, err = tokensOf(t, serviceAccount(s.url), &clock{}).Token(t.Context())
	require.ErrorContains(t, err, "status 302")
	require.NotContains(t, err.Error(), "hush")

	var key map[string]string
	require.NoError(t, json.Unmarshal([]byte(serviceAccount(s.url)), &key))
	key["private_key"] = "not-a-key"
	broken, err := json.Marshal(key)
	require.NoError(t, err)
	_, err = tokensOf(t, string(broken), &clock{}).Token(t.Context())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "not-a-key")

	_, err = tokensOf(t, serviceAccount("http://127.0.0.1:1/token"), &clock{}).Token(t.Context())
	require.ErrorContains(t, err, "was not reached")
}

func TestNew_refuses_credentials(t *testing.T) {
	t.Parallel()
	for name, credentials := range map[string]string{
		"in the clear":              serviceAccount("http://tokens.example.com/token"),
		"in the clear, upper case":  serviceAccount("HTTP://tokens.example.com/token"),
		"another scheme":            serviceAccount("ftp://tokens.example.com/token"),
		"no type":                   `{"a":1}`,
		"no JSON":                   `{`,
		"a federated token service": `{"type":"external_account","token_url":"http://sts.example.com","audience":"//iam.googleapis.com/x"}`,
		"inside":                    `{"type":"impersonated_service_account","source_credentials":{"type":"authorized_user","token_uri":"http://evil.example"}}`,
		"a file that is not there":  "/nowhere/secret-name.json",
	} {
		_, err := build(provider.Config{Provider: "vertex_ai", Model: "gemini-2.5-flash", Secrets: map[string]string{"vertex_credentials": credentials}}, nil)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "example.com", name)
		require.NotContains(t, err.Error(), "secret-name", name)
		require.NotContains(t, err.Error(), "PRIVATE", name)
	}
	for name, credentials := range map[string]string{
		"AWS":    `{"type":"external_account","token_url":"https://sts.googleapis.com/v1/token","credential_source":{"url":"http://169.254.169.254/latest/meta-data","regional_cred_verification_url":"https://sts.{region}.amazonaws.com?Action=GetCallerIdentity"}}`,
		"a user": `{"type":"authorized_user","client_id":"a","client_secret":"b","refresh_token":"c","quota_project_id":"charged"}`,
	} {
		tokens, err := vertex.NewTokens(&provider.Config{Secrets: map[string]string{"vertex_credentials": credentials}}, nil, time.Now)
		require.NoError(t, err, name)
		if name == "a user" {
			require.Equal(t, "charged", tokens.Quota())
			require.Equal(t, "charged", tokens.Project())
		}
	}
}

func TestNew_finds_credentials(t *testing.T) {
	t.Parallel()
	s := newTokenService(t)
	account := serviceAccount(s.url)
	file := filepath.Join(t.TempDir(), "key.json")
	require.NoError(t, os.WriteFile(file, []byte(account), 0o600))
	env := func(vars map[string]string) func(string) string {
		return func(name string) string { return vars[name] }
	}
	for name, cfg := range map[string]provider.Config{
		"a file":      {Secrets: map[string]string{"vertex_credentials": file}},
		"a parameter": {Params: map[string]json.RawMessage{"vertex_credentials": json.RawMessage(account)}},
		"LiteLLM's variable": {Getenv: env(map[string]string{
			"VERTEXAI_CREDENTIALS": account, "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere",
		})},
		"Google's variable": {Getenv: env(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": file})},
	} {
		tokens, err := vertex.NewTokens(&cfg, newClient(t), time.Now)
		require.NoError(t, err, name)
		require.True(t, strings.HasPrefix(get(t, tokens), "token-"), name)
	}
}
