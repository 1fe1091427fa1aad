package upstream_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// serveTLS returns the URL of a TLS server and the options to trust it.
func serveTLS(t *testing.T, h http.HandlerFunc) (string, upstream.Options) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return s.URL, trusting(s.Certificate())
}

func trusting(cert *x509.Certificate) upstream.Options {
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return upstream.Options{TLS: &tls.Config{RootCAs: pool}}
}

// quiet is a TLS server that logs no handshake errors.
func quietTLS(t *testing.T, cfg *tls.Config, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = cfg
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	s := quietTLS(t, nil, digest)
	c := newClient(t, upstream.Options{})
	_, err := c.Do(t.Context(), post(t, s.URL, ""))
	require.Equal(t, upstream.OpTLS, opOf(t, err))
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)

	// The certificate is for example.com and 127.0.0.1, not for localhost.
	c = newClient(t, trusting(s.Certificate()))
	_, err = c.Do(t.Context(), post(t, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), ""))
	var name x509.HostnameError
	require.ErrorAs(t, err, &name)
	require.EqualValues(t, 1, c.Stats().DialErrors)
}

func TestTLSNegotiation(t *testing.T) {
	t.Parallel()
	states := make(chan tls.ConnectionState, 1)
	s := quietTLS(t, &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, func(_ http.ResponseWriter, r *http.Request) { states <- *r.TLS })
	opts := trusting(s.Certificate())
	opts.TLS.ServerName = "example.com"
	opts.TLS.NextProtos = []string{"h2"} // not ours to offer
	c := newClient(t, opts)
	req := post(t, s.URL, "")
	req.Fields = nil

	call(t, c, req)
	st := receive(t, states)
	require.Equal(t, "http/1.1", st.NegotiatedProtocol)
	require.Equal(t, "example.com", st.ServerName)
	require.EqualValues(t, tls.VersionTLS13, st.Version)
	require.False(t, st.DidResume)
	require.Equal(t, []string{"h2"}, opts.TLS.NextProtos, "the given configuration is not changed")

	s.CloseClientConnections()
	call(t, c, req)
	require.True(t, receive(t, states).DidResume, "the second handshake uses the session of the first")
	require.EqualValues(t, 2, c.Stats().Dials)
}

func TestTLSOldVersionRefused(t *testing.T) {
	t.Parallel()
	s := quietTLS(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, digest)
	opts := trusting(s.Certificate())
	opts.TLS.MinVersion = tls.VersionTLS10
	c := newClient(t, opts)
	_, err := c.Do(t.Context(), post(t, s.URL, ""))
	require.Equal(t, upstream.OpTLS, opOf(t, err))
}

func TestTLS12(t *testing.T) {
	t.Parallel()
	s := quietTLS(t, &tls.Config{MaxVersion: tls.VersionTLS12}, digest)
	c := newClient(t, trusting(s.Certificate()))
	for _, size := range []int{0, 1000, 100_000} {
		data := pattern(size)
		require.Equal(t, digestOf(data), call(t, c, post(t, s.URL, string(data))))
	}
	require.EqualValues(t, 2, c.Stats().Reuses)
}

// The last bytes and the peer's farewell may come in one read.
func TestTLSFarewellWithTheBody(t *testing.T) {
	t.Parallel()
	data := string(pattern(40_000))
	for name, raw := range map[string]string{
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + data,
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9c40\r\n" + data + "\r\n0\r\n\r\n",
		"close":   "HTTP/1.1 200 OK\r\n\r\n" + data,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, func(_ int, p *peer) {
				p = tlsWrap(p)
				p.request()
				p.say(raw)
				p.Close()
			})
			c := newClient(t, upstream.Options{TLS: &tls.Config{InsecureSkipVerify: true}})
			for _, size := range []int{1 << 20, 8 << 10, 3000, 100} {
				resp, err := c.Do(t.Context(), post(t, strings.Replace(s.url, "http:", "https:", 1), "{}"))
				require.NoError(t, err)
				var got strings.Builder
				_, err = io.CopyBuffer(&got, struct{ io.Reader }{resp}, make([]byte, size))
				require.NoError(t, err)
				require.Equal(t, data, got.String())
			}
		})
	}
}

// A body cut off without a TLS alert is not mistaken for a whole one. (Without a
// length it would be: crypto/tls takes such an end for a proper one, since many
// servers end so.)
func TestTLSTruncation(t *testing.T) {
	t.Parallel()
	s := quietTLS(t, nil, nil)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", s.TLS)
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		for _, head := range []string{"Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n"} {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			io.ReadAtLeast(conn, make([]byte, 1024), 10)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head+"\r\n5\r\nhello")
			conn.(*tls.Conn).NetConn().(*net.TCPConn).Close() // no close_notify
		}
	}()
	c := newClient(t, trusting(s.Certificate()))
	for range 2 {
		resp, err := c.Do(t.Context(), post(t, "https://"+ln.Addr().String(), ""))
		require.NoError(t, err)
		_, err = io.ReadAll(resp)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.NoError(t, resp.Close())
	}
}
