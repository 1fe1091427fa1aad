package upstream_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// refused are fields no request may carry, in a Head or besides.
func refused() []upstream.Field {
	fields := []upstream.Field{
		{Name: "", Value: "v"},
		{Name: "a b", Value: "v"},
		{Name: "a:", Value: "v"},
		{Name: "ä", Value: "v"},
		{Name: "x\r\ny", Value: "v"},
		{Name: "X-Key", Value: "secret\r\nX: y"},
		{Name: "X-Key", Value: "secret\n"},
		{Name: "X-Key", Value: "secret\r"},
		{Name: "X-Key", Value: "secret\x00"},
		{Name: "X-Key", Value: "secret\x7f"},
	}
	for _, name := range []string{
		"Host", "host", "content-LENGTH", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection",
		"Proxy-Authorization", "TE", "Trailer", "Upgrade", "Expect",
	} {
		fields = append(fields, upstream.Field{Name: name, Value: "secret"})
	}
	return fields
}

func TestFieldsRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, upstream.Options{})
	req := post(t, "http://127.0.0.1:1/", "")
	for _, f := range refused() {
		_, err := upstream.NewHead(f)
		require.ErrorIs(t, err, upstream.ErrHeader, "%q", f)
		require.NotContains(t, err.Error(), "secret")

		req.Fields = []upstream.Field{f}
		_, err = c.Do(t.Context(), req)
		require.ErrorIs(t, err, upstream.ErrHeader, "%q", f)
		require.NotContains(t, err.Error(), "secret")
		require.Equal(t, upstream.OpRequest, opOf(t, err))
	}
	require.Zero(t, c.Stats().Dials, "refused before anything is dialed")
}

func TestRequestHeader(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r })
	c := newClient(t, upstream.Options{UserAgent: "tianji"})
	head, err := upstream.NewHead(
		upstream.Field{Name: "Authorization", Value: "Bearer k"},
		upstream.Field{Name: "X-Tab", Value: "a\tb"},
		upstream.Field{Name: "X-Empty"},
	)
	require.NoError(t, err)
	req := post(t, base+"/v1/x?a=b", "")
	req.Head = head
	req.Fields = []upstream.Field{{Name: "x-request-id", Value: "r1"}, {Name: "X-Twice", Value: "1"}, {Name: "X-Twice", Value: "2"}}
	call(t, c, req)
	r := receive(t, got)
	require.Equal(t, "/v1/x?a=b", r.RequestURI)
	require.Equal(t, http.Header{
		"Authorization": {"Bearer k"}, "X-Tab": {"a\tb"}, "X-Empty": {""}, "X-Request-Id": {"r1"},
		"X-Twice": {"1", "2"}, "User-Agent": {"tianji"}, "Content-Length": {"0"},
	}, r.Header)
	require.Equal(t, base, "http://"+r.Host)
}

func TestDefaultsGiveWay(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	base := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	c := newClient(t, upstream.Options{UserAgent: "tianji"})
	withUser := "http://user:pass@" + base[len("http://"):]

	req := &upstream.Request{Method: "GET", Target: target(t, withUser)}
	call(t, c, req)
	require.Equal(t, http.Header{"Authorization": {"Basic dXNlcjpwYXNz"}, "User-Agent": {"tianji"}}, receive(t, got))

	req.Fields = []upstream.Field{{Name: "authorization", Value: "Bearer k"}, {Name: "user-agent", Value: "curl"}}
	call(t, c, req)
	require.Equal(t, http.Header{"Authorization": {"Bearer k"}, "User-Agent": {"curl"}}, receive(t, got))
}

func TestHeaderLookup(t *testing.T) {
	t.Parallel()
	h := upstream.Header{{Name: "x-a", Value: "1"}, {Name: "X-B", Value: "2"}, {Name: "X-A", Value: "3"}}
	require.Equal(t, "1", h.Get("X-A"))
	require.Equal(t, "2", h.Get("x-b"))
	require.Empty(t, h.Get("X-C"))
	require.Equal(t, []string{"1", "3"}, h.Values("x-A"))
	require.Empty(t, h.Values("y"))
}

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []upstream.Options{
		{DialTimeout: -1},
		{TLSHandshakeTimeout: -1},
		{IdleConnTimeout: -1},
		{MaxIdlePerHost: -1},
		{MaxHeaderBytes: -1},
		{UserAgent: "a\r\nb"},
	} {
		_, err := upstream.New(o)
		require.Error(t, err)
	}
}

func TestRequestRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, upstream.Options{})
	tg := target(t, "http://127.0.0.1:1/")
	for _, req := range []*upstream.Request{
		{Method: "POST"},
		{Target: tg},
		{Target: tg, Method: "GET /"},
		{Target: tg, Method: "CONNECT"},
		{Target: tg, Method: "POST", Body: [][]byte{{1}}, Stream: http.NoBody},
		{Target: tg, Method: "POST", Stream: http.NoBody, StreamLength: -2},
	} {
		_, err := c.Do(t.Context(), req)
		require.Equal(t, upstream.OpRequest, opOf(t, err))
	}
}
