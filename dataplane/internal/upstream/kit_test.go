package upstream_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// soon is how long a test waits for what must happen.
const soon = 10 * time.Second

func newClient(t *testing.T, opts upstream.Options) *upstream.Client {
	t.Helper()
	c, err := upstream.New(opts)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func target(t *testing.T, rawurl string) *upstream.Target {
	t.Helper()
	tg, err := upstream.ParseTarget(rawurl)
	require.NoError(t, err)
	return tg
}

func post(t *testing.T, rawurl, body string) *upstream.Request {
	t.Helper()
	return &upstream.Request{Method: "POST", Target: target(t, rawurl), Body: [][]byte{[]byte(body)}, HeaderTimeout: soon, IdleTimeout: soon}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// raw is a server that does to each connection what a test says.
type raw struct {
	ln   net.Listener
	wg   sync.WaitGroup
	mu   sync.Mutex
	open []net.Conn
	url  string
}

// script runs handle for the n-th connection, counted from 0. The connection
// is closed when handle returns, and at the end of the test.
func script(t *testing.T, handle func(n int, c *peer)) *raw {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	quit := make(chan struct{})
	s := &raw{ln: ln, url: "http://" + ln.Addr().String() + "/v1"}
	s.wg.Go(func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open = append(s.open, c)
			s.mu.Unlock()
			s.wg.Go(func() {
				defer c.Close()
				handle(n, newPeer(c, quit))
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		close(quit)
		s.mu.Lock()
		for _, c := range s.open {
			c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return s
}

// peer is the server's end of a connection.
type peer struct {
	net.Conn

	r    *bufio.Reader
	quit <-chan struct{} // closed at the end of the test
}

func newPeer(c net.Conn, quit <-chan struct{}) *peer {
	return &peer{Conn: c, r: bufio.NewReader(c), quit: quit}
}

// request reads one request, nil at the end of the connection.
func (p *peer) request() *http.Request {
	req, err := http.ReadRequest(p.r)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	return req
}

func (p *peer) say(s string) { io.WriteString(p.Conn, s) }

// untilGone waits for the other side to close.
func (p *peer) untilGone() { io.Copy(io.Discard, p.r) }

// once answers every request on a connection with text.
func answering(text string) func(int, *peer) {
	return func(_ int, p *peer) {
		for p.request() != nil {
			p.say(text)
		}
	}
}

func body(t *testing.T, resp *upstream.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp)
	require.NoError(t, err)
	require.NoError(t, resp.Close())
	return string(b)
}

// call does one exchange that must succeed and returns the body.
func call(t *testing.T, c *upstream.Client, req *upstream.Request) string {
	t.Helper()
	resp, err := c.Do(t.Context(), req)
	require.NoError(t, err)
	return body(t, resp)
}

func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	var v T
	select {
	case v = <-ch:
	case <-time.After(soon):
		require.FailNow(t, "waited in vain")
	}
	return v
}

func opOf(t *testing.T, err error) upstream.Op {
	t.Helper()
	e, ok := errors.AsType[*upstream.Error](err)
	require.True(t, ok, "%v", err)
	return e.Op
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, soon, 5*time.Millisecond, what)
}

// rawConn is what Options.Control gets.
type rawConn = syscall.RawConn
