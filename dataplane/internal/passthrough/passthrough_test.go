package passthrough_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/passthrough"
)

func prefix(tb testing.TB, path string) passthrough.Prefix {
	tb.Helper()
	for _, p := range passthrough.Prefixes() {
		if p.Path == path {
			return p
		}
	}
	require.Fail(tb, "no prefix", path)
	return passthrough.Prefix{}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/gemini/v1beta/models/g:generateContent?key=sk-mine&alt=sse": "/v1beta/models/g:generateContent?alt=sse",
		"/gemini":                           "/",
		"/gemini/a%2Fb":                     "/a%2Fb",
		"/gemini/v1?key=sk-mine":            "/v1",
		"/gemini/../admin":                  "",
		"/gemini/%2e%2e/admin":              "",
		"/gemini/x/%2E./admin":              "",
		"/gemini/..%2f..%2fadmin":           "",
		"/gemini/v1?a=%20b&k%65y=sk-mine&c": "/v1?a=%20b&c",
		"/gemini/a%5c..%5cb":                "",
		"/geminix/models":                   "",
		"/gemini/a%0d%0aHost:%20x":          "",
	} {
		u, err := url.Parse(in)
		require.NoError(t, err)
		p := prefix(t, "/gemini")
		got, ok := p.Target(u)
		require.Equal(t, want != "", ok, in)
		require.Equal(t, want, got, in)
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ prefix, path, model, dialect string }{
		{"/gemini", "/v1beta/models/gemini-pro:generateContent?alt=sse", "gemini-pro", "gemini"},
		{"/gemini", "/v1beta/tunedModels/mine:generateContent", "mine", "gemini"},
		{"/vertex_ai", "/v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict", "claude", "anthropic"},
		{"/vertex_ai", "/v1/projects/p/locations/l/endpoints/123:predict", "123", "gemini"},
		{"/bedrock", "/model/us.anthropic.claude%3A0/converse", "us.anthropic.claude:0", ""},
		{"/bedrock", "/model/us.anthropic.claude:0/converse", "us.anthropic.claude:0", ""},
		{"/azure", "/openai/deployments/my-gpt/chat/completions?api-version=1", "my-gpt", "openai"},
		{"/openai", "/v1/models/x", "", "openai"},
		{"/openai", "/v1/responses?a=b", "", "responses"},
	} {
		p := prefix(t, tc.prefix)
		require.Equal(t, tc.model, p.Model(tc.path), tc.path)
		require.Equal(t, tc.dialect, p.DialectOf(tc.path), tc.path)
	}
	require.True(t, passthrough.Streams("/v1beta/models/g:streamGenerateContent?key=a"))
	require.False(t, passthrough.Streams("/v1beta/models/g:generateContent?x=:stream"))
}

func TestResourceTarget(t *testing.T) {
	t.Parallel()
	resources := passthrough.Resources()
	files, batches := resources[0], resources[len(resources)-1]
	for in, want := range map[string]string{
		"/v1/files?custom_llm_provider=azure&limit=2": "/files?limit=2",
		"/files/f%2F1/content":                        "/files/f%2F1/content",
		"/v1/files/../models":                         "",
	} {
		u, err := url.Parse(in)
		require.NoError(t, err)
		got, ok := files.Target(u)
		require.Equal(t, want != "", ok, in)
		require.Equal(t, want, got, in)
	}
	u, err := url.Parse("/v1/messages/batches/b")
	require.NoError(t, err)
	got, ok := batches.Target(u)
	require.True(t, ok)
	require.Equal(t, "/v1/messages/batches/b", got)
}

func FuzzTarget(f *testing.F) {
	f.Add("/gemini/v1beta/models/g:generateContent?key=a&b=c")
	f.Add("/gemini/%2e%2e/x")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		p := prefix(t, "/gemini")
		if path, ok := p.Target(u); ok {
			require.Equal(t, byte('/'), path[0])
			back, err := url.Parse("http://vendor" + path)
			require.NoError(t, err)
			require.Equal(t, "vendor", back.Host)
		}
	})
}
