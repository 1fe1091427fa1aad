package guarded_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/guarded"
)

func loopback() guarded.Options {
	return guarded.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, MaxBytes: 1 << 10}
}

func TestFetch_refuses_what_is_not_public(t *testing.T) {
	t.Parallel()
	called := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	t.Cleanup(inside.Close)
	c := guarded.New(guarded.Options{})
	t.Cleanup(c.Close)
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1",
		"100.64.0.1", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "2130706433", "0x7f.1",
	} {
		_, _, err := c.Fetch(t.Context(), "http://"+host+port+"/?key=secret")
		require.Error(t, err, host)
		require.NotContains(t, err.Error(), "secret")
	}
	require.False(t, called)
}

func TestFetch_checks_redirects_as_well(t *testing.T) {
	t.Parallel()
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
	}))
	t.Cleanup(door.Close)
	c := guarded.New(loopback())
	t.Cleanup(c.Close)
	_, _, err := c.Fetch(t.Context(), door.URL)
	require.ErrorIs(t, err, guarded.ErrForbidden)
}

func TestFetch_bounds_and_types(t *testing.T) {
	t.Parallel()
	png := "\x89PNG\r\n\x1a\n"
	mux := http.NewServeMux()
	mux.HandleFunc("/typed", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/webp; q=1")
		_, _ = w.Write([]byte("x"))
	})
	mux.HandleFunc("/untyped", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write([]byte(png))
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2<<10)) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c := guarded.New(loopback())
	t.Cleanup(c.Close)

	_, mediaType, err := c.Fetch(t.Context(), server.URL+"/typed")
	require.NoError(t, err)
	require.Equal(t, "image/webp", mediaType)
	content, mediaType, err := c.Fetch(t.Context(), server.URL+"/untyped")
	require.NoError(t, err)
	require.Equal(t, "image/png", mediaType)
	require.Equal(t, png, string(content))
	for _, bad := range []string{server.URL + "/large", server.URL + "/missing", "file:///etc/passwd", "http://user:pass@" + server.URL[7:], "::"} {
		_, _, err := c.Fetch(t.Context(), bad)
		require.Error(t, err, bad)
	}
}

func TestParseNetworks(t *testing.T) {
	t.Parallel()
	got, err := guarded.ParseNetworks(" 10.1.2.3/8, 192.168.0.7 ::1,::ffff:127.0.0.1")
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.0.7/32"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("127.0.0.1/32"),
	}, got)
	got, err = guarded.ParseNetworks("")
	require.NoError(t, err)
	require.Empty(t, got)
	for _, bad := range []string{"10.0.0.0/99", "localhost", "10.0.0"} {
		_, err = guarded.ParseNetworks(bad)
		require.Error(t, err, bad)
	}
}

// Hosts that the configuration names are reached wherever they are; what they
// redirect to is not.
func TestHosts(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("inside")) }))
	t.Cleanup(inside.Close)
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, inside.URL, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(strings.Repeat("x", 2<<10)))
	}))
	t.Cleanup(door.Close)
	u, err := url.Parse(door.URL)
	require.NoError(t, err)
	c := guarded.New(guarded.Options{Hosts: []string{guarded.HostOf(u)}, MaxBytes: 4 << 10})
	t.Cleanup(c.Close)
	content, _, err := c.Fetch(t.Context(), door.URL)
	require.NoError(t, err)
	require.Len(t, content, 2<<10)
	_, _, err = c.Fetch(t.Context(), door.URL+"/away")
	require.ErrorIs(t, err, guarded.ErrForbidden)
	for raw, want := range map[string]string{"https://a.example.com/x": "a.example.com:443", "http://a": "a:80", "https://[::1]:8443": "[::1]:8443"} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		require.Equal(t, want, guarded.HostOf(u))
	}

	small := guarded.New(guarded.Options{Hosts: []string{guarded.HostOf(u)}, MaxBytes: 1 << 10})
	t.Cleanup(small.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, door.URL, http.NoBody)
	require.NoError(t, err)
	resp, err := small.HTTP().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err, "bodies are bounded for everybody")
}
