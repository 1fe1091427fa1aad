package azure_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/azure"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// newServer answers all with a text and shows what it was asked last.
func newServer(t *testing.T, answer string) (server *httptest.Server, last func() *http.Request) {
	t.Helper()
	var got *http.Request
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseMultipartForm(1 << 20)
		got = r
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server, func() *http.Request { return got }
}

func newClient(t *testing.T) *upstream.Client {
	t.Helper()
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

type constructor = func(provider.Config, native.Doer, native.Fetcher) (provider.Backend, error)

func TestNew_pays_with_a_token_of_Entra_ID(t *testing.T) {
	t.Parallel()
	for slug, build := range map[string]constructor{azure.Slug: azure.New, azure.FoundrySlug: azure.NewFoundry} {
		for _, model := range []string{"gpt-4o", "claude-sonnet-4-5"} {
			vendor, asked := newServer(t, `{}`)
			issuer, _ := newServer(t, `{"access_token":"fetched","expires_in":3600}`)
			b, err := build(provider.Config{
				Provider: slug, Model: model, APIBase: vendor.URL, Secrets: map[string]string{
					"tenant_id": "t", "client_id": "c", "client_secret": "top-secret", "azure_authority_host": issuer.URL,
				},
				Getenv: func(name string) string {
					return map[string]string{"AZURE_API_KEY": "of the environment", "AZURE_AI_API_KEY": "of the environment"}[name]
				},
			}, newClient(t), nil)
			require.NoError(t, err)
			surface := provider.ChatCompletions
			if !b.Offers(surface) {
				surface = provider.Messages
			}
			body := []byte(`{"model":"x"}`)
			members, err := jsonx.Members(nil, body)
			require.NoError(t, err)
			reply, err := b.Do(t.Context(), &provider.Call{Surface: surface, Body: body, Members: members})
			require.NoError(t, err)
			require.NoError(t, reply.Close())
			require.Equal(t, []string{"Bearer fetched"}, asked().Header.Values("Authorization"), "%s %s", slug, model)
			require.Empty(t, asked().Header.Values("Api-Key"))
			require.Empty(t, asked().Header.Values("X-Api-Key"))
		}
	}
}

func TestBackend_sends_forms_to_the_deployment(t *testing.T) {
	t.Parallel()
	vendor, asked := newServer(t, `{"text":"hi"}`)
	b, err := azure.New(provider.Config{Provider: azure.Slug, Model: "whisper", APIBase: vendor.URL, APIKey: "k"}, newClient(t), nil)
	require.NoError(t, err)
	form := "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngw\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nsound\r\n--b--\r\n"
	reply, err := b.Do(t.Context(), &provider.Call{Surface: provider.Transcriptions, Body: []byte(form), ContentType: "multipart/form-data; boundary=b"})
	require.NoError(t, err)
	require.NoError(t, reply.Close())
	require.Equal(t, "/openai/deployments/whisper/audio/transcriptions", asked().URL.Path)
	require.Equal(t, []string{"whisper"}, asked().MultipartForm.Value["model"])
	require.Len(t, asked().MultipartForm.File["file"], 1)
}

func TestNew_says_what_is_missing_and_keeps_secrets(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		build constructor
		cfg   provider.Config
	}{
		"set api_base or AZURE_API_BASE":    {azure.New, provider.Config{Provider: azure.Slug, Model: "m", APIKey: "secret"}},
		"set api_base or AZURE_AI_API_BASE": {azure.NewFoundry, provider.Config{Provider: azure.FoundrySlug, Model: "m", APIKey: "secret"}},
		"AZURE_OPENAI_API_KEY":              {azure.New, provider.Config{Provider: azure.Slug, Model: "m", APIBase: "https://r.openai.azure.com"}},
		"AZURE_AI_API_KEY":                  {azure.NewFoundry, provider.Config{Provider: azure.FoundrySlug, Model: "m", APIBase: "https://r.services.ai.azure.com"}},
		"want https://RESOURCE.openai":      {azure.New, provider.Config{Provider: azure.Slug, Model: "m", APIBase: "user:secret@x", APIKey: "k"}},
		"want https://RESOURCE.services":    {azure.NewFoundry, provider.Config{Provider: azure.FoundrySlug, Model: "m", APIBase: "ftp://user:secret@x", APIKey: "k"}},
		"client_id and tenant_id": {azure.NewFoundry, provider.Config{
			Provider: azure.FoundrySlug, Model: "claude-x", APIBase: "https://r.services.ai.azure.com", Secrets: map[string]string{"azure_ad_token": "oidc/file/secret"},
		}},
	} {
		_, err := c.build(c.cfg, newClient(t), nil)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret@")
	}
}
