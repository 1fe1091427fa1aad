package compat_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// vendor records what it is sent.
type vendor struct {
	*httptest.Server

	request *http.Request
	body    string
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		v.request, v.body = r, string(b)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", "vendor-1")
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	t.Cleanup(v.Close)
	return v
}

func newBackend(t *testing.T, slug string, cfg provider.Config) *compat.Backend {
	t.Helper()
	row, ok := catalog.Lookup(slug)
	require.True(t, ok, slug)
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	if cfg.Getenv == nil {
		cfg.Getenv = func(string) string { return "" }
	}
	b, err := compat.New(&row, cfg, client)
	require.NoError(t, err)
	return b
}

func call(t *testing.T, surface provider.Surface, body string) *provider.Call {
	t.Helper()
	members, err := jsonx.Members(nil, []byte(body))
	require.NoError(t, err)
	c := &provider.Call{Surface: surface, Body: []byte(body), Members: members}
	c.Stream = string(c.Lookup("stream")) == "true"
	return c
}

func send(t *testing.T, b *compat.Backend, c *provider.Call) {
	t.Helper()
	reply, err := b.Do(t.Context(), c)
	require.NoError(t, err)
	defer func() { require.NoError(t, reply.Close()) }()
	got, err := io.ReadAll(reply)
	require.NoError(t, err)
	require.JSONEq(t, `{"ok":true}`, string(got))
	require.Equal(t, http.StatusOK, reply.Status())
	require.Equal(t, "vendor-1", reply.Header("x-request-id"))
	require.EqualValues(t, 11, reply.ContentLength())
}

func TestBackend_sends_the_clients_bytes_with_the_model_spliced_in(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	b := newBackend(t, "openai", provider.Config{Model: "gpt-4o-mini", APIBase: v.URL + "/v1", APIKey: "sk-vendor", Organization: "org-1", Headers: map[string]string{"X-Extra": "1"}})
	send(t, b, call(t, provider.ChatCompletions, `{ "model" : "mine", "messages":[{"role":"user","content":"h\u00efé"}],  "unknown": {"a": [1, 2.50]}, "metadata":{"k":"v"} }`))
	require.Equal(t, `{ "model" : "gpt-4o-mini", "messages":[{"role":"user","content":"h\u00efé"}],  "unknown": {"a": [1, 2.50]}, "metadata":{"k":"v"}}`, v.body)
	require.Equal(t, "/v1/chat/completions", v.request.URL.Path)
	require.Equal(t, "Bearer sk-vendor", v.request.Header.Get("Authorization"))
	require.Equal(t, "org-1", v.request.Header.Get("OpenAI-Organization"))
	require.Equal(t, "1", v.request.Header.Get("X-Extra"))
	require.Equal(t, []string{"application/json"}, v.request.Header.Values("Content-Type"))
}

func TestBackend_passes_no_header_of_the_client_but_the_beta(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	b := newBackend(t, "openai", provider.Config{Model: "m", APIBase: v.URL + "/v1", APIKey: "sk-vendor"})
	c := call(t, provider.ChatCompletions, `{"model":"a"}`)
	c.Header = map[string][]string{"Authorization": {"Bearer client"}, "Openai-Beta": {"assistants=v2"}, "Cookie": {"c"}}
	send(t, b, c)
	require.Equal(t, []string{"Bearer sk-vendor"}, v.request.Header.Values("Authorization"))
	require.Equal(t, "assistants=v2", v.request.Header.Get("OpenAI-Beta"))
	require.Empty(t, v.request.Header.Get("Cookie"))
}

func TestBackend_keeps_to_itself_what_is_meant_for_the_gateway(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	b := newBackend(t, "openai", provider.Config{Model: "m", APIBase: v.URL + "/v1", APIKey: "k"})
	send(t, b, call(t, provider.Embeddings, `{"fallbacks":["x"],"model":"a","api_key":"client-key","input":"t","mock_response":"x","num_retries":3,"cache":{"no-cache":true}}`))
	require.Equal(t, `{"model":"m","input":"t"}`, v.body)
	require.Equal(t, "/v1/embeddings", v.request.URL.Path)
}

func TestBackend_asks_for_the_usage_of_streams(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	b := newBackend(t, "openai", provider.Config{Model: "m", APIBase: v.URL + "/v1", APIKey: "k"})
	for body, want := range map[string]string{
		`{"model":"a","stream":true}`: `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`,
		`{"model":"a","stream":true,"stream_options":{"include_usage":false,"x":1}}`: `{"model":"m","stream":true,"stream_options":{"x":1,"include_usage":true}}`,
		`{"model":"a","stream":true,"stream_options":null}`:                          `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`,
		`{"model":"a","stream":true,"stream_options":{}}`:                            `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`,
		`{"model":"a","stream":false}`:                                               `{"model":"m","stream":false}`,
	} {
		c := call(t, provider.ChatCompletions, body)
		c.AddUsage = true
		send(t, b, c)
		require.Equal(t, want, v.body)
	}
	quiet := newBackend(t, "mistral", provider.Config{Model: "m", APIBase: v.URL + "/v1", APIKey: "k"})
	c := call(t, provider.ChatCompletions, `{"model":"a","stream":true}`)
	c.AddUsage = true
	send(t, quiet, c)
	require.JSONEq(t, `{"model":"m","stream":true}`, v.body, "not every vendor knows the option")
}

func TestBackend_renames_and_refuses_by_the_row(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	row := func(params map[string]json.RawMessage) *compat.Backend {
		return newBackend(t, "featherless_ai", provider.Config{Model: "m", APIBase: v.URL + "/v1", APIKey: "k", Params: params})
	}
	send(t, row(nil), call(t, provider.ChatCompletions, `{"model":"a","max_completion_tokens":5}`))
	require.Equal(t, `{"model":"m","max_tokens":5}`, v.body)
	send(t, row(nil), call(t, provider.ChatCompletions, `{"model":"a","max_completion_tokens":5,"max_tokens":6}`))
	require.Equal(t, `{"model":"m","max_tokens":6}`, v.body)

	morph := func(params map[string]json.RawMessage) *compat.Backend {
		return newBackend(t, "morph", provider.Config{Model: "m", APIBase: v.URL + "/v1", APIKey: "k", Params: params})
	}
	_, err := morph(nil).Do(t.Context(), call(t, provider.ChatCompletions, `{"model":"a","temperature":1}`))
	var public *apierr.Error
	require.ErrorAs(t, err, &public)
	require.Equal(t, http.StatusBadRequest, public.Status)
	require.Contains(t, public.Message, "temperature")
	send(t, morph(map[string]json.RawMessage{"drop_params": json.RawMessage("true")}), call(t, provider.ChatCompletions, `{"model":"a","temperature":1}`))
	require.Equal(t, `{"model":"m"}`, v.body)
}

func TestNew_says_what_is_missing_and_keeps_secrets(t *testing.T) {
	t.Parallel()
	row, ok := catalog.Lookup("openai")
	require.True(t, ok)
	none := func(string) string { return "" }
	_, err := compat.New(&row, provider.Config{DeploymentID: "d", Model: "m", Getenv: none}, nil)
	require.ErrorContains(t, err, "OPENAI_API_KEY")
	_, err = compat.New(&row, provider.Config{DeploymentID: "d", Model: "m", APIKey: "sk-secret\n", Getenv: none}, nil)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "sk-secret")
	_, err = compat.New(&row, provider.Config{DeploymentID: "d", Model: "m", APIKey: "k", APIBase: "ftp://user:secret@x", Getenv: none}, nil)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

func TestBackend_times_out_and_refuses_what_is_not_offered(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(release) })
	b := newBackend(t, "openai", provider.Config{Model: "m", APIBase: slow.URL + "/v1", APIKey: "k", Timeout: 50 * time.Millisecond})
	_, err := b.Do(t.Context(), call(t, provider.ChatCompletions, `{"model":"a"}`))
	require.ErrorIs(t, err, upstream.ErrHeaderTimeout)
	embedder := newBackend(t, "voyage", provider.Config{Model: "m", APIBase: slow.URL + "/v1", APIKey: "k"})
	_, err = embedder.Do(t.Context(), call(t, provider.ChatCompletions, `{"model":"a"}`))
	require.ErrorIs(t, err, provider.ErrUnsupported)
}
