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
		"/gemini":                  "/",
		"/gemini/a%2Fb":            "/a%2Fb",
		"/gemini/v1?key=sk-mine":   "/v1",
		"/gemini/../admin":         "",
		"/gemini/%2e%2e/admin":     "",
		"/gemini/x/%2E./admin":     "",
		"/gemini/a%5c..%5cb":       "",
		"/geminix/models":          "",
		"/gemini/a%0d%0aHost:%20x": "",
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
	for path, want := range map[string][2]string{
		"/gemini":  {"/v1beta/models/gemini-pro:generateContent", "gemini-pro"},
		"/bedrock": {"/model/us.anthropic.claude%3A0/converse", "us.anthropic.claude:0"},
		"/azure":   {"/openai/deployments/my-gpt/chat/completions", "my-gpt"},
		"/openai":  {"/v1/models/x", ""},
	} {
		p := prefix(t, path)
		require.Equal(t, want[1], p.Model(want[0]), path)
	}
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
