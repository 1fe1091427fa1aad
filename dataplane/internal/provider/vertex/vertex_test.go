package vertex_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

func deployment(t *testing.T, model string, vendor http.HandlerFunc) provider.Backend {
	t.Helper()
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	b, err := build(provider.Config{
		Provider: "vertex_ai", Model: model, APIBase: server.URL, Secrets: map[string]string{"vertex_credentials": serviceAccount(newTokenService(t).url)},
	}, newClient(t))
	require.NoError(t, err)
	return b
}

func embed(t *testing.T, b provider.Backend, body string) (status int, answer string) {
	t.Helper()
	members, err := jsonx.Members(nil, []byte(body))
	require.NoError(t, err)
	reply, err := b.Do(t.Context(), &provider.Call{Surface: provider.Embeddings, Body: []byte(body), Members: members})
	require.NoError(t, err)
	got, err := io.ReadAll(reply)
	require.NoError(t, err)
	require.NoError(t, reply.Close())
	return reply.Status(), string(got)
}

// TestEmbeddings_one_by_one: a model that takes one text at a time is asked for
// each, and the answers stand in the order of the texts.
func TestEmbeddings_one_by_one(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := deployment(t, "gemini-embedding-001", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		_, text, _ := strings.Cut(string(body), `"content":"`)
		text, _, _ = strings.Cut(text, `"`)
		if text == "bad" {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"error":{"message":"slow down"}}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"predictions":[{"embeddings":{"values":[%s],"statistics":{"token_count":2}}}]}`, text)
	})
	var inputs, want []string
	for i := range 50 {
		inputs = append(inputs, fmt.Sprintf("%q", fmt.Sprint(i)))
		want = append(want, fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":[%d]}`, i, i))
	}
	status, answer := embed(t, b, `{"model":"x","input":[`+strings.Join(inputs, ",")+`]}`)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"object":"list","data":[`+strings.Join(want, ",")+`],"model":"x","usage":{"prompt_tokens":100,"total_tokens":100}}`, answer)
	require.Equal(t, int64(50), asked.Load())

	status, answer = embed(t, b, `{"model":"x","input":["1","bad",`+strings.Join(inputs, ",")+`]}`)
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Contains(t, answer, "slow down")
}

func TestOffers(t *testing.T) {
	t.Parallel()
	for model, want := range map[string][]provider.Surface{
		"gemini-2.5-flash": {provider.GenerateContent, provider.GeminiCountTokens, provider.Embeddings, provider.ImageGenerations},
		"claude-opus-4-1":  {provider.Messages, provider.CountTokens},
		"meta/llama-4":     {provider.ChatCompletions},
		"mistral-medium-3": {provider.ChatCompletions},
	} {
		b := deployment(t, model, http.NotFound)
		for s := range provider.Surface(provider.SurfaceCount) {
			offered := false
			for _, w := range want {
				offered = offered || w == s
			}
			require.Equal(t, offered, b.Offers(s), "%s at %s", s, model)
		}
	}
}

func TestNew_without_a_project(t *testing.T) {
	t.Parallel()
	_, err := build(provider.Config{Provider: "vertex_ai", Model: "m", Secrets: map[string]string{
		"vertex_credentials": `{"type":"authorized_user","client_id":"a","client_secret":"b","refresh_token":"c"}`,
	}}, newClient(t))
	require.ErrorContains(t, err, "vertex_project")

	b, err := build(provider.Config{Provider: "vertex_ai", Model: "gemini-2.5-flash"}, newClient(t))
	require.NoError(t, err, "the surroundings are asked later")
	require.True(t, b.Offers(provider.GenerateContent))
	require.False(t, b.Offers(provider.Messages))
}
