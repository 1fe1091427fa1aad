package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// A connection the vendor closed while it was idle is not used.
func TestClosedIdleConnection(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 1)
	s := script(t, func(_ int, p *peer) {
		p.request()
		p.say(hello)
		p.Close()
		gone <- struct{}{}
	})
	c := newClient(t, upstream.Options{})
	for range 5 {
		require.Equal(t, "hello", call(t, c, post(t, s.url, "{}")))
		receive(t, gone)
	}
	st := c.Stats()
	require.EqualValues(t, 5, st.Dials)
	require.EqualValues(t, 4, st.DeadIdle)
	require.Zero(t, st.Reuses)
}

// Bytes nobody asked for must not become the next exchange's answer.
func TestUnsolicitedBytes(t *testing.T) {
	t.Parallel()
	talk, said := make(chan struct{}), make(chan struct{})
	s := script(t, func(_ int, p *peer) {
		p.request()
		p.say(hello)
		<-talk
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		said <- struct{}{}
		p.untilGone()
	})
	c := newClient(t, upstream.Options{})
	for range 3 {
		require.Equal(t, "hello", call(t, c, post(t, s.url, "{}")))
		require.EqualValues(t, 1, c.Stats().Idle)
		talk <- struct{}{}
		receive(t, said)
	}
	require.Zero(t, c.Stats().Reuses)
}

// Nor must bytes that came along with a body, wherever they are buffered.
func TestBytesBeyondTheBody(t *testing.T) {
	t.Parallel()
	data := string(pattern(9000))
	overBoth(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + data + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		p.untilGone()
	}, func(t *testing.T, c *upstream.Client, url string) {
		t.Helper()
		for _, size := range []int{100, 4096, 9000, 64 << 10} {
			resp, err := c.Do(t.Context(), post(t, url, "{}"))
			require.NoError(t, err)
			var got strings.Builder
			_, err = io.CopyBuffer(&got, struct{ io.Reader }{resp}, make([]byte, size))
			require.NoError(t, err)
			require.Equal(t, data, got.String())
		}
		require.Zero(t, c.Stats().Reuses)
	})
}

// brokenAfter answers the first exchange on a connection and hangs up on the
// second when it has read it.
func brokenAfter(reset bool) func(int, *peer) {
	return func(_ int, p *peer) {
		p.request()
		p.say(hello)
		p.request()
		if tcp, ok := p.Conn.(*net.TCPConn); ok && reset {
			tcp.SetLinger(0)
		}
	}
}

func TestStaleConnectionIsTriedOnce(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 2, 100_000} {
		for _, reset := range []bool{false, true} {
			s := script(t, brokenAfter(reset))
			c := newClient(t, upstream.Options{})
			for range 4 {
				require.Equal(t, "hello", call(t, c, post(t, s.url, string(pattern(size)))))
			}
			st := c.Stats()
			require.EqualValues(t, 4, st.Dials)
			require.EqualValues(t, 3, st.Reuses)
			require.EqualValues(t, 3, st.StaleRetries)
		}
	}
}

func TestStaleTLSConnection(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	s := quietTLS(t, nil, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		if seen[r.RemoteAddr]++; seen[r.RemoteAddr] > 1 {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "hello")
	})
	c := newClient(t, trusting(s.Certificate()))
	for range 3 {
		require.Equal(t, "hello", call(t, c, post(t, s.URL, strings.Repeat("x", 100_000))))
	}
	require.EqualValues(t, 2, c.Stats().StaleRetries)
}

func TestNoRetry(t *testing.T) {
	t.Parallel()
	t.Run("after a byte of the answer", func(t *testing.T) {
		t.Parallel()
		s := script(t, func(_ int, p *peer) {
			p.request()
			p.say(hello)
			p.request()
			p.say("HTTP/1.1 200")
		})
		c := newClient(t, upstream.Options{})
		call(t, c, post(t, s.url, "{}"))
		_, err := c.Do(t.Context(), post(t, s.url, "{}"))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.EqualValues(t, 1, c.Stats().Dials)
	})
	t.Run("of a stream", func(t *testing.T) {
		t.Parallel()
		s := script(t, brokenAfter(false))
		c := newClient(t, upstream.Options{})
		call(t, c, post(t, s.url, "{}"))
		req := post(t, s.url, "")
		req.Body, req.Stream, req.StreamLength = nil, strings.NewReader("{}"), 2
		_, err := c.Do(t.Context(), req)
		require.Error(t, err)
		require.Zero(t, c.Stats().StaleRetries)
	})
	t.Run("after the time is over", func(t *testing.T) {
		t.Parallel()
		s := script(t, func(_ int, p *peer) {
			p.request()
			p.say(hello)
			p.untilGone()
		})
		c := newClient(t, upstream.Options{})
		call(t, c, post(t, s.url, "{}"))
		req := post(t, s.url, "{}")
		req.HeaderTimeout = 30 * time.Millisecond
		_, err := c.Do(t.Context(), req)
		require.ErrorIs(t, err, upstream.ErrHeaderTimeout)
		require.Zero(t, c.Stats().StaleRetries)
	})
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		s := script(t, func(n int, p *peer) {
			p.request()
			if n == 0 {
				p.say(hello)
				p.request()
			}
		})
		c := newClient(t, upstream.Options{})
		call(t, c, post(t, s.url, "{}"))
		_, err := c.Do(t.Context(), post(t, s.url, "{}"))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.EqualValues(t, 2, c.Stats().Dials)
	})
}

// hold makes n exchanges that are under way at once.
func hold(t *testing.T, c *upstream.Client, url string, n int) []*upstream.Response {
	t.Helper()
	var out []*upstream.Response
	for range n {
		resp, err := c.Do(t.Context(), post(t, url, "{}"))
		require.NoError(t, err)
		out = append(out, resp)
	}
	return out
}

func TestPoolBounds(t *testing.T) {
	t.Parallel()
	s := script(t, answering(hello))
	c := newClient(t, upstream.Options{MaxIdlePerHost: 3})
	for _, resp := range hold(t, c, s.url, 5) {
		body(t, resp)
	}
	require.EqualValues(t, 3, c.Stats().Idle)
	for _, resp := range hold(t, c, s.url, 5) {
		body(t, resp)
	}
	require.EqualValues(t, 7, c.Stats().Dials)
	require.EqualValues(t, 3, c.Stats().Reuses)
}

// The newest connection is used first, so that those beyond need grow old.
func TestNewestFirst(t *testing.T) {
	t.Parallel()
	s := script(t, func(n int, p *peer) {
		for p.request() != nil {
			p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", n))
		}
	})
	c := newClient(t, upstream.Options{})
	for _, resp := range hold(t, c, s.url, 3) {
		body(t, resp)
	}
	for range 3 {
		require.Equal(t, "2", call(t, c, post(t, s.url, "{}")))
	}
}

func TestSweeper(t *testing.T) {
	t.Parallel()
	t.Run("closes what is old", func(t *testing.T) {
		t.Parallel()
		gone := make(chan struct{}, 4)
		s := script(t, func(_ int, p *peer) {
			for p.request() != nil {
				p.say(hello)
			}
			gone <- struct{}{}
		})
		c := newClient(t, upstream.Options{IdleConnTimeout: 50 * time.Millisecond})
		for _, resp := range hold(t, c, s.url, 4) {
			body(t, resp)
		}
		for range 4 {
			receive(t, gone)
		}
		eventually(t, "the gauge follows", func() bool { return c.Stats().Idle == 0 })
	})
	t.Run("closes what the vendor closed", func(t *testing.T) {
		t.Parallel()
		s := script(t, brokenAfter(false))
		s2 := script(t, func(_ int, p *peer) { p.request(); p.say(hello) })
		c := newClient(t, upstream.Options{IdleConnTimeout: time.Second})
		call(t, c, post(t, s.url, "{}"))
		call(t, c, post(t, s2.url, "{}"))
		eventually(t, "one is left", func() bool { return c.Stats().Idle == 1 })
		require.EqualValues(t, 2, c.Stats().Dials)
	})
}

// A host that was forgotten is made anew, and what its old pool still had
// under way ends well.
func TestForgottenHost(t *testing.T) {
	t.Parallel()
	s := script(t, answering(hello))
	c := newClient(t, upstream.Options{IdleConnTimeout: time.Nanosecond})
	late := hold(t, c, s.url, 1)[0]
	for range 50 {
		require.Equal(t, "hello", call(t, c, post(t, s.url, "{}")))
	}
	require.Equal(t, "hello", body(t, late))
	eventually(t, "nothing is kept", func() bool { return c.Stats().Idle == 0 })
}

func TestClientClose(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 2)
	s := script(t, func(_ int, p *peer) {
		for p.request() != nil {
			p.say(hello)
		}
		gone <- struct{}{}
	})
	c, err := upstream.New(upstream.Options{})
	require.NoError(t, err)
	open := hold(t, c, s.url, 2)
	body(t, open[0])
	c.Close()
	c.Close()
	receive(t, gone)
	require.Zero(t, c.Stats().Idle)
	_, err = c.Do(t.Context(), post(t, s.url, "{}"))
	require.ErrorIs(t, err, upstream.ErrClosed)
	require.Equal(t, "hello", body(t, open[1]), "what is under way goes on")
	receive(t, gone)
	require.Zero(t, c.Stats().Idle, "and is not kept")
}

func TestResponseClose(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 300_000)
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, tc := range map[string]struct {
		raw  string
		read int
		kept bool
	}{
		"unread, arrived":   {hello, 0, true},
		"partly read":       {hello, 2, true},
		"last chunk unread": {chunked + "5\r\nhello\r\n0\r\n\r\n", 5, true},
		"chunks unread":     {chunked + "5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", 1, true},
		"rest to come":      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", 5, false},
		"end to come":       {chunked + "5\r\nhello\r\n", 5, false},
		"too much":          {"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + big, 5, false},
		"too much, chunked": {chunked + "493e0\r\n" + big + "\r\n0\r\n\r\n", 5, false},
		"until close":       {"HTTP/1.1 200 OK\r\n\r\nhello", 5, false},
		"malformed rest":    {chunked + "5\r\nhello\r\nx", 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, answering(tc.raw))
			c := newClient(t, upstream.Options{})
			resp, err := c.Do(t.Context(), post(t, s.url, "{}"))
			require.NoError(t, err)
			_, err = io.ReadFull(resp, make([]byte, tc.read))
			require.NoError(t, err)
			require.NoError(t, resp.Close())
			require.NoError(t, resp.Close())
			require.Equal(t, tc.kept, c.Stats().Idle == 1)
			_, err = resp.Read(make([]byte, 1))
			require.ErrorIs(t, err, upstream.ErrClosed)
			resp, err = c.Do(t.Context(), post(t, s.url, "{}"))
			require.NoError(t, err)
			require.NoError(t, resp.Close())
			require.Equal(t, tc.kept, c.Stats().Reuses == 1)
		})
	}
}

func TestDialRefused(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ln.Close()
	c := newClient(t, upstream.Options{})
	_, err = c.Do(t.Context(), post(t, "http://"+ln.Addr().String()+"/?key=secret", "{}"))
	require.Equal(t, upstream.OpDial, opOf(t, err))
	require.NotContains(t, err.Error(), "secret")
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	require.EqualValues(t, 1, c.Stats().DialErrors)
}

func TestControlRefuses(t *testing.T) {
	t.Parallel()
	private := errors.New("private address")
	s := script(t, answering(hello))
	c := newClient(t, upstream.Options{Control: func(_ context.Context, _, address string, _ rawConn) error {
		require.Equal(t, target(t, s.url).Host(), address)
		return private
	}})
	_, err := c.Do(t.Context(), post(t, s.url, "{}"))
	require.ErrorIs(t, err, private)
}
