package upstream_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http/httpproxy"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// forwarder is an HTTP proxy that wants the password "pass" and notes what it
// was asked.
type forwarder struct {
	mu   sync.Mutex
	seen []string
}

func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.seen = append(f.seen, r.Method+" "+r.RequestURI)
	f.mu.Unlock()
	if r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwYXNz" {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method == http.MethodConnect {
		f.tunnel(w, r)
		return
	}
	r.RequestURI = ""
	r.Header.Del("Proxy-Authorization")
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

func (f *forwarder) tunnel(w http.ResponseWriter, r *http.Request) {
	out, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	in, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
	join(in, out)
}

// join copies both ways until both ends are closed.
func join(a, b net.Conn) {
	var wg sync.WaitGroup
	for _, p := range [][2]net.Conn{{a, b}, {b, a}} {
		wg.Go(func() {
			io.Copy(p[0], p[1])
			p[0].Close()
			p[1].Close()
		})
	}
	wg.Wait()
}

func (f *forwarder) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.seen...)
}

func via(rawurl string) func(*url.URL) (*url.URL, error) {
	return (&httpproxy.Config{HTTPProxy: rawurl, HTTPSProxy: rawurl, NoProxy: "direct.invalid"}).ProxyFunc()
}

func withUser(rawurl string) string { return strings.Replace(rawurl, "://", "://user:pass@", 1) }

// everything sends loopback addresses to the proxy too, which httpproxy never does.
func everything(rawurl string) func(*url.URL) (*url.URL, error) {
	u, err := url.Parse(rawurl)
	return func(*url.URL) (*url.URL, error) { return u, err }
}

func TestHTTPThroughProxy(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		digest(w, r)
	})
	f := &forwarder{}
	p := httptest.NewServer(f)
	t.Cleanup(p.Close)
	c := newClient(t, upstream.Options{Proxy: everything(withUser(p.URL))})
	for range 2 {
		data := pattern(100_000)
		require.Equal(t, digestOf(data), call(t, c, post(t, base+"/a?b=c", string(data))))
		require.Empty(t, receive(t, got).Get("Proxy-Authorization"))
	}
	require.Equal(t, []string{"POST " + base + "/a?b=c", "POST " + base + "/a?b=c"}, f.requests())
	require.EqualValues(t, 1, c.Stats().Dials)
}

func TestHTTPSThroughProxy(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		base, opts := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Proxy-Authorization") != "" {
				w.WriteHeader(http.StatusTeapot)
			}
			digest(w, r)
		})
		f := &forwarder{}
		p := httptest.NewUnstartedServer(f)
		if secure {
			p.StartTLS() // httptest uses the same certificate for all servers
		} else {
			p.Start()
		}
		t.Cleanup(p.Close)
		opts.Proxy = everything(withUser(p.URL))
		c := newClient(t, opts)
		for _, size := range []int{0, 1000, 100_000} {
			data := pattern(size)
			require.Equal(t, digestOf(data), call(t, c, post(t, base, string(data))))
		}
		require.Equal(t, []string{"CONNECT " + target(t, base).Host()}, f.requests())
		require.EqualValues(t, 2, c.Stats().Reuses)
		c.Close()
	}
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	p := httptest.NewServer(&forwarder{})
	t.Cleanup(p.Close)
	c := newClient(t, upstream.Options{Proxy: via(strings.Replace(p.URL, "://", "://user:secret@", 1))})
	_, err := c.Do(t.Context(), post(t, "https://vendor.invalid/", "{}"))
	require.Equal(t, upstream.OpProxy, opOf(t, err))
	var refused *upstream.ProxyError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusProxyAuthRequired, refused.StatusCode)
	require.NotContains(t, err.Error(), "secret")

	resp, err := c.Do(t.Context(), post(t, "http://vendor.invalid/", "{}"))
	require.NoError(t, err, "in the absolute form the proxy's answer is the answer")
	require.Equal(t, http.StatusProxyAuthRequired, resp.StatusCode)
	body(t, resp)
}

func TestProxyMisbehaves(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]error{
		"nonsense\r\n\r\n":                      upstream.ErrMalformed,
		"HTTP/1.1 200 OK\r\n\r\nand some bytes": upstream.ErrMalformed,
		"HTTP/1.1 200 OK\r\n":                   io.ErrUnexpectedEOF,
		"":                                      io.ErrUnexpectedEOF,
		"HTTP/1.1 101 Switching Protocols\r\n\r\n": upstream.ErrUpgrade,
	} {
		s := script(t, func(_ int, p *peer) {
			p.request()
			p.say(raw)
		})
		c := newClient(t, upstream.Options{Proxy: via(s.url)})
		_, err := c.Do(t.Context(), post(t, "https://vendor.invalid/", "{}"))
		require.ErrorIs(t, err, want, "%q", raw)
		require.Equal(t, upstream.OpProxy, opOf(t, err))
	}
}

func TestProxyUnreachable(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ln.Close()
	for _, scheme := range []string{"http", "https", "socks5"} {
		c := newClient(t, upstream.Options{Proxy: via(scheme + "://user:secret@" + ln.Addr().String())})
		_, err = c.Do(t.Context(), post(t, "https://vendor.invalid/", "{}"))
		require.Equal(t, upstream.OpProxy, opOf(t, err))
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestProxyConfiguration(t *testing.T) {
	t.Parallel()
	for _, rawurl := range []string{"ftp://user:secret@proxy", "http://user:secret@", "http://user:secret@pro xy"} {
		c := newClient(t, upstream.Options{Proxy: via(rawurl)})
		_, err := c.Do(t.Context(), post(t, "https://vendor.invalid/", "{}"))
		require.Error(t, err, rawurl)
		require.Equal(t, upstream.OpProxy, opOf(t, err), rawurl)
		require.NotContains(t, err.Error(), "secret")
	}
	c := newClient(t, upstream.Options{Proxy: via("http://127.0.0.1:1")})
	_, err := c.Do(t.Context(), post(t, "https://direct.invalid/", "{}"))
	require.Equal(t, upstream.OpDial, opOf(t, err), "no proxy for this one")
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
}

// socks serves SOCKS 5 (RFC 1928) with a user and a password (RFC 1929).
func socks(p *peer, pass string) {
	greeting := make([]byte, 2)
	io.ReadFull(p.r, greeting)
	io.ReadFull(p.r, make([]byte, greeting[1]))
	p.say("\x05\x02")
	p.r.ReadByte()
	var words [2]string
	for i := range words {
		n, _ := p.r.ReadByte()
		b := make([]byte, n)
		io.ReadFull(p.r, b)
		words[i] = string(b)
	}
	if words != [2]string{"user", pass} {
		p.say("\x01\x01")
		return
	}
	p.say("\x01\x00")
	request := make([]byte, 10) // of an IPv4 address
	io.ReadFull(p.r, request)
	addr := net.TCPAddr{IP: request[4:8], Port: int(binary.BigEndian.Uint16(request[8:]))}
	out, err := net.DialTCP("tcp", nil, &addr)
	if err != nil {
		p.say("\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
		return
	}
	p.say("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
	join(&buffered{Conn: p.Conn, r: p.r}, out)
}

type buffered struct {
	net.Conn

	r *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

func TestSOCKSProxy(t *testing.T) {
	t.Parallel()
	bothSchemes(t, digest, func(t *testing.T, _ *upstream.Client, base string) {
		t.Helper()
		s := script(t, func(_ int, p *peer) { socks(p, "pass") })
		opts := upstream.Options{Proxy: everything(withUser(strings.Replace(s.url, "http:", "socks5:", 1)))}
		if strings.HasPrefix(base, "https:") {
			_, trust := serveTLS(t, digest)
			opts.TLS = trust.TLS
		}
		c := newClient(t, opts)
		for _, size := range []int{0, 1000, 100_000} {
			data := pattern(size)
			require.Equal(t, digestOf(data), call(t, c, post(t, base, string(data))))
		}
		require.EqualValues(t, 1, c.Stats().Dials)
	})
}

func TestSOCKSRefuses(t *testing.T) {
	t.Parallel()
	s := script(t, func(_ int, p *peer) { socks(p, "other") })
	c := newClient(t, upstream.Options{Proxy: everything(withUser(strings.Replace(s.url, "http:", "socks5:", 1)))})
	_, err := c.Do(t.Context(), post(t, "http://127.0.0.1:1/", "{}"))
	require.Equal(t, upstream.OpProxy, opOf(t, err))

	silent := script(t, func(_ int, p *peer) { p.untilGone() })
	c = newClient(t, upstream.Options{Proxy: everything(strings.Replace(silent.url, "http:", "socks5:", 1))})
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	req := post(t, "http://127.0.0.1:1/", "{}")
	go func() {
		_, err := c.Do(ctx, req)
		done <- err
	}()
	cancel(errHungUp)
	require.ErrorIs(t, receive(t, done), errHungUp)
}
