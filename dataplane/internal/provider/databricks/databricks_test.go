package databricks_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/databricks"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

func TestBackend_gets_a_token_once_and_keeps_it(t *testing.T) {
	t.Parallel()
	var tokens atomic.Int32
	var proofs []string
	status := http.StatusOK
	w := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oidc/v1/token" {
			id, secret, _ := r.BasicAuth()
			body, _ := io.ReadAll(r.Body)
			proofs = append(proofs, id+"/"+secret+" "+string(body))
			tokens.Add(1)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"access_token":"tok","expires_in":3600,"error_description":"nope"}`)
			return
		}
		proofs = append(proofs, r.URL.Path+" "+r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":[{"type":"reasoning","summary":[{"text":"Hm"}]},{"type":"text","text":"Hi"}]},"finish_reason":"stop"}]}`)
	}))
	t.Cleanup(w.Close)
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	env := map[string]string{"DATABRICKS_CLIENT_ID": "id", "DATABRICKS_CLIENT_SECRET": "secret", "DATABRICKS_API_BASE": w.URL}
	cfg := provider.Config{Provider: "databricks", Model: "m", Getenv: func(name string) string { return env[name] }}
	ask := func(b provider.Backend) (*provider.Answer, error) {
		req, err := chat.Decode([]byte(`{"model":"a","messages":[{"role":"user","content":"hi"}]}`))
		require.NoError(t, err)
		return b.Chat(t.Context(), &provider.Call{}, req)
	}
	b, err := databricks.New(cfg, client, nil)
	require.NoError(t, err)
	for range 2 {
		a, err := ask(b)
		require.NoError(t, err)
		require.Equal(t, "Hi", a.Whole.Choices[0].Message.Content.Text())
		require.Equal(t, "Hm", a.Whole.Choices[0].Message.ReasoningContent)
	}
	require.EqualValues(t, 1, tokens.Load())
	require.Equal(t, []string{
		"id/secret grant_type=client_credentials&scope=all-apis", "/serving-endpoints/chat/completions Bearer tok", "/serving-endpoints/chat/completions Bearer tok",
	}, proofs)

	status = http.StatusUnauthorized
	b, err = databricks.New(cfg, client, nil)
	require.NoError(t, err)
	_, err = ask(b)
	var f *provider.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, http.StatusUnauthorized, f.Status)

	cfg.APIKey = "pat"
	b, err = databricks.New(cfg, client, nil)
	require.NoError(t, err)
	_, err = ask(b)
	require.NoError(t, err)
	require.Equal(t, "/serving-endpoints/chat/completions Bearer pat", proofs[len(proofs)-1])
	delete(env, "DATABRICKS_API_BASE")
	_, err = databricks.New(cfg, client, nil)
	require.ErrorContains(t, err, "DATABRICKS_API_BASE")
}
