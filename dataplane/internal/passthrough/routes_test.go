package passthrough_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/passthrough"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/seal"
)

// noDoer is for routes that are only looked up.
type noDoer struct{}

func (noDoer) Do(context.Context, *upstream.Request) (*upstream.Response, error) {
	return nil, errors.New("nobody is called")
}

func env(name string) string { return map[string]string{"KEY": "sk-target"}[name] }

// endpoint seals secrets into a route, as the control plane does.
func endpoint(tb testing.TB, box *seal.Box, e contract.PassThrough, secrets map[string]string) contract.PassThrough {
	tb.Helper()
	if secrets != nil {
		b, err := json.Marshal(secrets)
		require.NoError(tb, err)
		e.Sealed = box.Seal(string(b), contract.PassThroughPurpose(e.Path))
	}
	return e
}

func newRoutes(tb testing.TB, doer passthrough.Doer, target string) *passthrough.Routes {
	tb.Helper()
	box, err := seal.New("salt")
	require.NoError(tb, err)
	other, err := seal.New("another")
	require.NoError(tb, err)
	settings := &contract.PassThroughSettings{Endpoints: []contract.PassThrough{
		endpoint(tb, box, contract.PassThrough{Path: "/a", Target: target, Subpaths: true}, map[string]string{
			"extra_headers.Authorization": "Bearer os.environ/KEY", "extra_headers.host": "elsewhere", "default_query_params.v": "1",
		}),
		endpoint(tb, box, contract.PassThrough{Path: "/a/b", Target: "https://b.example/x", Methods: []string{"GET"}}, nil),
		endpoint(tb, box, contract.PassThrough{Path: "/secret"}, map[string]string{"target": "https://api.openai.com/v1?own=1"}),
		endpoint(tb, other, contract.PassThrough{Path: "/forged", Target: target}, map[string]string{"extra_headers.A": "b"}),
		endpoint(tb, box, contract.PassThrough{Path: "/nowhere", Target: target}, map[string]string{"extra_headers.A": "os.environ/MISSING"}),
		endpoint(tb, box, contract.PassThrough{Path: "/no-url", Target: "b.example"}, nil),
		endpoint(tb, box, contract.PassThrough{Path: "/bad-header", Target: target}, map[string]string{"extra_headers.A": "b\r\nC: d"}),
	}}
	return passthrough.NewRoutes(settings, doer, box, env, slog.New(slog.DiscardHandler))
}

func TestRoutes_find(t *testing.T) {
	t.Parallel()
	r := newRoutes(t, noDoer{}, "https://a.example")
	for _, tc := range []struct {
		method, url, route, path string
		served                   bool
	}{
		{"POST", "/a", "/a", "?v=1", true},
		{"POST", "/a/", "/a", "?v=1", true},
		{"POST", "/a/x%2Fy?v=2&w", "/a", "/x%2Fy?v=2&w", true},
		{"POST", "/a/x?w=%20", "/a", "/x?w=%20&v=1", true},
		{"GET", "/a/b", "/a/b", "", true},
		{"POST", "/a/b", "/a", "/b?v=1", true}, // not by the longer one's method
		{"GET", "/a/b/c", "/a", "/b/c?v=1", true},
		{"GET", "/a/%2e%2e/c", "", "", false},
		{"GET", "/ab", "", "", false},
		{"GET", "/secret/x", "", "", false},
		{"GET", "/forged", "", "", false},
		{"GET", "/nowhere", "", "", false},
		{"GET", "/no-url", "", "", false},
		{"GET", "/bad-header", "", "", false},
	} {
		u, err := url.Parse(tc.url)
		require.NoError(t, err)
		found, path, served := r.Find(tc.method, u)
		require.Equal(t, tc.served, served, tc)
		require.Equal(t, tc.path, path, tc)
		if tc.route != "" {
			require.Equal(t, tc.route, found.Path, tc)
		}
	}
	u, err := url.Parse("/secret")
	require.NoError(t, err)
	found, _, _ := r.Find("GET", u)
	require.Equal(t, "openai", found.Deployment.Provider)
	require.Equal(t, "openai", found.Dialect)
	var none *passthrough.Routes
	_, _, served := none.Find("GET", u)
	require.False(t, served)
}

// The route's headers are sent, and win over the client's.
func TestRoutes_forward(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", strings.Join(append(r.Header.Values("Authorization"), r.RequestURI, r.Header.Get("X-Client"), string(body)), "|"))
	}))
	t.Cleanup(server.Close)
	client, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	u, err := url.Parse("/a/x")
	require.NoError(t, err)
	found, path, _ := newRoutes(t, client, server.URL+"/base/").Find("POST", u)
	forwarder, ok := found.Deployment.Backend.(provider.Forwarder)
	require.True(t, ok)
	require.Equal(t, server.URL, forwarder.Root())
	for name, f := range map[string]*provider.Forward{
		"whole":    {Whole: []byte("body")},
		"streamed": {Body: strings.NewReader("body"), Length: 4},
	} {
		f.Method, f.Path = "POST", path
		f.Header = []provider.HeaderField{{Name: "authorization", Value: "Bearer sk-client"}, {Name: "X-Client", Value: "1"}}
		got, err := forwarder.Forward(t.Context(), f)
		require.NoError(t, err, name)
		require.Equal(t, "Bearer sk-target|/base/x?v=1|1|body", got.Header("X-Seen"), name)
		require.NoError(t, got.Close())
	}
}

func FuzzFind(f *testing.F) {
	for _, seed := range []string{"/a/x?y=z", "/a/..%2f", "/a/%zz", "/a//b", "/secret?x&&=;"} {
		f.Add(seed)
	}
	r := newRoutes(f, noDoer{}, "https://a.example/base")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil {
			return
		}
		found, path, _ := r.Find("GET", u)
		if found == nil {
			return
		}
		back, err := url.Parse("https://a.example/base" + path)
		if err != nil {
			return // refused when it is sent
		}
		require.Equal(t, "a.example", back.Host)
		require.True(t, strings.HasPrefix(back.Path, "/base"))
		require.NotContains(t, strings.Split(back.Path, "/"), "..")
	})
}
