package upstream_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const tooLarge = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 5\r\n\r\nlarge"

// overBoth runs a test with a scripted vendor that speaks plain HTTP and one
// that speaks TLS.
func overBoth(t *testing.T, handle func(p *peer), test func(t *testing.T, c *upstream.Client, url string)) {
	t.Helper()
	t.Run("http", func(t *testing.T) {
		t.Parallel()
		s := script(t, func(_ int, p *peer) {
			narrow(p)
			handle(p)
		})
		test(t, newClient(t, upstream.Options{}), s.url)
	})
	t.Run("https", func(t *testing.T) {
		t.Parallel()
		cert, _ := vendorCertificate()
		cfg := &tls.Config{Certificates: []tls.Certificate{cert}}
		s := script(t, func(_ int, p *peer) {
			narrow(p)
			handle(newPeer(tls.Server(p.Conn, cfg), p.quit))
		})
		c := newClient(t, upstream.Options{TLS: &tls.Config{InsecureSkipVerify: true}})
		test(t, c, strings.Replace(s.url, "http:", "https:", 1))
	})
}

// bigBody is more than the socket buffers on the way hold.
const bigBody = 8 << 20

// narrow lets the client's writes wait soon when nobody reads.
func narrow(p *peer) {
	if tcp, ok := p.Conn.(*net.TCPConn); ok {
		tcp.SetReadBuffer(64 << 10)
	}
}

// head reads up to the blank line and leaves the body.
func (p *peer) head() {
	for {
		line, err := p.r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return
		}
	}
}

func bigRequests(t *testing.T, url string) map[string]*upstream.Request {
	t.Helper()
	data := make([]byte, bigBody)
	segments, known, chunked := post(t, url, ""), post(t, url, ""), post(t, url, "")
	segments.Body = [][]byte{data[:1000], data[1000:]}
	known.Body, known.Stream, known.StreamLength = nil, bytes.NewReader(data), int64(len(data))
	chunked.Body, chunked.Stream, chunked.StreamLength = nil, bytes.NewReader(data), -1
	return map[string]*upstream.Request{"segments": segments, "stream": known, "chunked": chunked}
}

// A vendor that refuses a body by answering and hanging up is understood.
func TestEarlyAnswerThenClose(t *testing.T) {
	t.Parallel()
	overBoth(t, func(p *peer) {
		p.head()
		p.say(tooLarge)
		if tc, ok := p.Conn.(*tls.Conn); ok {
			tc.NetConn().Close()
		}
	}, func(t *testing.T, c *upstream.Client, url string) {
		t.Helper()
		for name, req := range bigRequests(t, url) {
			resp, err := c.Do(t.Context(), req)
			require.NoError(t, err, name)
			require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
			require.Equal(t, "large", body(t, resp))
		}
		require.Zero(t, c.Stats().Idle)
		require.EqualValues(t, 3, c.Stats().EarlyAnswers)
	})
}

// So is one that answers, does not read on and keeps the connection open.
func TestEarlyAnswerThenSilence(t *testing.T) {
	t.Parallel()
	overBoth(t, func(p *peer) {
		p.head()
		p.say(tooLarge)
		<-p.quit
	}, func(t *testing.T, c *upstream.Client, url string) {
		t.Helper()
		for name, req := range bigRequests(t, url) {
			resp, err := c.Do(t.Context(), req)
			require.NoError(t, err, name)
			require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
			require.Equal(t, "large", body(t, resp))
		}
		require.Zero(t, c.Stats().Idle)
		require.EqualValues(t, 3, c.Stats().EarlyAnswers)
	})
}

// An answer that accepts the request does not cut its body off.
func TestEarlyAcceptance(t *testing.T) {
	t.Parallel()
	overBoth(t, func(p *peer) {
		for {
			p.r.Peek(1)
			p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			<-time.After(600 * time.Millisecond) // the write stalls meanwhile
			req := p.request()
			if req == nil {
				return
			}
			n, _ := io.Copy(io.Discard, req.Body)
			if n != bigBody {
				return
			}
			p.say("3\r\nall\r\n0\r\n\r\n")
		}
	}, func(t *testing.T, c *upstream.Client, url string) {
		t.Helper()
		for name, req := range bigRequests(t, url) {
			require.Equal(t, "all", call(t, c, req), name)
		}
		require.EqualValues(t, 1, c.Stats().Dials)
		require.EqualValues(t, 3, c.Stats().EarlyAnswers)
	})
}

func TestEarlyNonsense(t *testing.T) {
	t.Parallel()
	overBoth(t, func(p *peer) {
		p.head()
		p.say("nonsense\r\n\r\n")
		<-p.quit
	}, func(t *testing.T, c *upstream.Client, url string) {
		t.Helper()
		for name, req := range bigRequests(t, url) {
			_, err := c.Do(t.Context(), req)
			require.ErrorIs(t, err, upstream.ErrMalformed, name)
			require.Equal(t, upstream.OpHead, opOf(t, err))
		}
	})
}

func TestHangUpDuringWrite(t *testing.T) {
	t.Parallel()
	overBoth(t, func(p *peer) {
		p.head()
	}, func(t *testing.T, c *upstream.Client, url string) {
		t.Helper()
		for name, req := range bigRequests(t, url) {
			_, err := c.Do(t.Context(), req)
			require.Equal(t, upstream.OpWrite, opOf(t, err), name)
			require.EqualValues(t, 0, c.Stats().StaleRetries)
		}
	})
}

// A source that fails ends the exchange even while an early answer is awaited.
func TestSourceFailsAfterStall(t *testing.T) {
	t.Parallel()
	overBoth(t, func(p *peer) {
		p.r.Peek(1)
		<-time.After(600 * time.Millisecond)
		p.untilGone()
	}, func(t *testing.T, c *upstream.Client, url string) {
		t.Helper()
		boom := errors.New("boom")
		req := post(t, url, "")
		req.Body, req.StreamLength = nil, -1
		req.Stream = io.MultiReader(bytes.NewReader(make([]byte, bigBody)), iotest.ErrReader(boom))
		req.HeaderTimeout = 0
		done := make(chan error)
		go func() {
			_, err := c.Do(t.Context(), req)
			done <- err
		}()
		err := receive(t, done)
		require.ErrorIs(t, err, boom)
		require.Equal(t, upstream.OpWrite, opOf(t, err))
	})
}

// So does a peer that is gone.
func TestHangUpAfterStall(t *testing.T) {
	t.Parallel()
	overBoth(t, func(p *peer) {
		p.r.Peek(1)
		<-time.After(600 * time.Millisecond)
	}, func(t *testing.T, c *upstream.Client, url string) {
		t.Helper()
		for name, req := range bigRequests(t, url) {
			_, err := c.Do(t.Context(), req)
			require.Equal(t, upstream.OpWrite, opOf(t, err), name)
			require.NotErrorIs(t, err, upstream.ErrHeaderTimeout)
		}
	})
}

// A stalled write that goes on is nothing special.
func TestStallThenGoOn(t *testing.T) {
	t.Parallel()
	overBoth(t, func(p *peer) {
		for {
			p.head()
			p.r.Peek(1)
			<-time.After(600 * time.Millisecond)
			if _, err := io.CopyN(io.Discard, p.r, bigBody); err != nil {
				return
			}
			p.say(hello)
		}
	}, func(t *testing.T, c *upstream.Client, url string) {
		t.Helper()
		reqs := bigRequests(t, url)
		for range 2 {
			require.Equal(t, "hello", call(t, c, reqs["segments"]))
		}
		require.EqualValues(t, 1, c.Stats().Dials)
		require.EqualValues(t, 1, c.Stats().Reuses)
	})
}
