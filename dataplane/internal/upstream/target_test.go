package upstream_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ url, host, text string }{
		{"https://api.openai.com/v1/chat/completions", "api.openai.com:443", "https://api.openai.com/v1/chat/completions"},
		{"http://127.0.0.1:8000", "127.0.0.1:8000", "http://127.0.0.1:8000/"},
		{"http://[::1]:8000/a%20b?x=1", "[::1]:8000", "http://[::1]:8000/a%20b"},
		{"https://[::1]/x", "[::1]:443", "https://[::1]/x"},
		{"http://host:/x", "host:80", "http://host/x"},
		{"https://host/x?key=secret", "host:443", "https://host/x"},
		{"https://user:secret@host/x", "host:443", "https://host/x"},
	} {
		tg := target(t, tc.url)
		require.Equal(t, tc.host, tg.Host(), tc.url)
		require.Equal(t, tc.text, tg.String(), tc.url)
	}
}

func TestParseTargetRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "host/secret", "ftp://host/secret", "https:///secret", "https://host/?secret=a b", "https://höst/secret",
		"https://host/\r\nsecret", "https://host:port/secret", "http:secret", "https://host/?secret=ü",
	} {
		_, err := upstream.ParseTarget(url)
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "secret", "an error must not repeat the URL")
	}
}

func TestTargetWith(t *testing.T) {
	t.Parallel()
	tg := target(t, "https://host/a")
	other, err := tg.With("/b?c=d")
	require.NoError(t, err)
	require.Equal(t, "https://host/b", other.String())
	require.Equal(t, "https://host/a", tg.String())
	for _, uri := range []string{"", "b", "/b c", "/b\r\n", "http://other/"} {
		_, err := tg.With(uri)
		require.Error(t, err, uri)
	}
}
