package upstream_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

var errHungUp = errors.New("client hung up")

// stage is a place where an exchange can be made to wait.
type stage struct {
	name string
	op   upstream.Op
	// reach makes the vendor, which signals at when the exchange waits for it; the
	// body is where run signals.
	reach func(t *testing.T, at chan<- struct{}) (*upstream.Client, *upstream.Request)
}

func tlsWrap(p *peer) *peer {
	cert, _ := vendorCertificate()
	return newPeer(tls.Server(p.Conn, &tls.Config{Certificates: []tls.Certificate{cert}}), p.quit)
}

func stages() []stage {
	insecure := upstream.Options{TLS: &tls.Config{InsecureSkipVerify: true}}
	silent := func(t *testing.T, at chan<- struct{}) *raw {
		t.Helper()
		return script(t, func(_ int, p *peer) {
			p.r.ReadByte()
			at <- struct{}{}
			p.untilGone()
		})
	}
	// waiting makes a vendor that says text after the request, plain or TLS.
	waiting := func(secure bool, text string) func(*testing.T, chan<- struct{}) (*upstream.Client, *upstream.Request) {
		return func(t *testing.T, at chan<- struct{}) (*upstream.Client, *upstream.Request) {
			t.Helper()
			s := script(t, func(_ int, p *peer) {
				if secure {
					p = tlsWrap(p)
				}
				p.request()
				p.say(text)
				if !strings.Contains(text, "\r\n\r\n") {
					at <- struct{}{}
				}
				p.untilGone()
			})
			if secure {
				return newClient(t, insecure), post(t, strings.Replace(s.url, "http:", "https:", 1), "{}")
			}
			return newClient(t, upstream.Options{}), post(t, s.url, "{}")
		}
	}
	// deaf makes a vendor that never reads.
	deaf := func(secure bool) func(*testing.T, chan<- struct{}) (*upstream.Client, *upstream.Request) {
		return func(t *testing.T, at chan<- struct{}) (*upstream.Client, *upstream.Request) {
			t.Helper()
			s := script(t, func(_ int, p *peer) {
				if secure {
					p = tlsWrap(p)
				}
				p.Read(make([]byte, 1))
				at <- struct{}{}
				<-p.quit
			})
			c, rawurl := newClient(t, upstream.Options{}), s.url
			if secure {
				c, rawurl = newClient(t, insecure), strings.Replace(s.url, "http:", "https:", 1)
			}
			return c, post(t, rawurl, string(make([]byte, 32<<20)))
		}
	}
	return []stage{
		{"dial", upstream.OpDial, func(t *testing.T, at chan<- struct{}) (*upstream.Client, *upstream.Request) {
			t.Helper()
			return newClient(t, upstream.Options{Control: func(context.Context, string, string, rawConn) error {
				close(at)
				return nil
			}}), post(t, "http://"+fullListener(t)+"/", "{}")
		}},
		{"tls", upstream.OpTLS, func(t *testing.T, at chan<- struct{}) (*upstream.Client, *upstream.Request) {
			t.Helper()
			s := silent(t, at)
			return newClient(t, upstream.Options{}), post(t, strings.Replace(s.url, "http:", "https:", 1), "{}")
		}},
		{"connect", upstream.OpProxy, func(t *testing.T, at chan<- struct{}) (*upstream.Client, *upstream.Request) {
			t.Helper()
			s := silent(t, at)
			u, err := url.Parse(s.url)
			require.NoError(t, err)
			return newClient(t, upstream.Options{Proxy: func(*url.URL) (*url.URL, error) { return u, nil }}), post(t, "https://vendor.invalid/", "{}")
		}},
		{"write", upstream.OpWrite, deaf(false)},
		{"write tls", upstream.OpWrite, deaf(true)},
		{"head", upstream.OpHead, waiting(false, "")},
		{"head tls", upstream.OpHead, waiting(true, "")},
		{"half a head", upstream.OpHead, waiting(false, "HTTP/1.1 200 OK\r\nX: 1\r\n")},
		{"body", upstream.OpBody, waiting(false, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")},
		{"body tls", upstream.OpBody, waiting(true, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")},
		{"chunks", upstream.OpBody, waiting(false, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")},
		{"until close", upstream.OpBody, waiting(false, "HTTP/1.1 200 OK\r\n\r\nhello")},
	}
}

// run does an exchange to its end and returns the error it ended with. It
// signals at when it has read some of the body.
func run(ctx context.Context, c *upstream.Client, req *upstream.Request, at chan<- struct{}) error {
	resp, err := c.Do(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Close()
	if _, err = resp.Read(make([]byte, 100)); err != nil {
		return err
	}
	at <- struct{}{}
	_, err = io.ReadAll(resp)
	return err
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, st := range stages() {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			at := make(chan struct{}, 1)
			c, req := st.reach(t, at)
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error)
			go func() { done <- run(ctx, c, req, at) }()
			receive(t, at)
			cancel(errHungUp)
			err := receive(t, done)
			require.ErrorIs(t, err, errHungUp)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorContains(t, err, "client hung up")
			require.Equal(t, st.op, opOf(t, err))
			require.Zero(t, c.Stats().Idle)
			require.Zero(t, c.Stats().StaleRetries)
		})
	}
}

func TestContextDeadline(t *testing.T) {
	t.Parallel()
	for _, st := range stages() {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			at := make(chan struct{}, 1)
			c, req := st.reach(t, at)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errHungUp)
			defer cancel()
			err := run(ctx, c, req, at)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			e, ok := errors.AsType[*upstream.Error](err)
			require.True(t, ok)
			require.True(t, e.Timeout())
			require.NotErrorIs(t, err, upstream.ErrHeaderTimeout)
		})
	}
}

func TestHeaderTimeout(t *testing.T) {
	t.Parallel()
	for _, st := range stages() {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			at := make(chan struct{}, 1)
			c, req := st.reach(t, at)
			req.HeaderTimeout, req.IdleTimeout = 600*time.Millisecond, 50*time.Millisecond
			want := upstream.ErrHeaderTimeout
			if st.op == upstream.OpBody {
				want = upstream.ErrIdleTimeout
			}
			err := run(t.Context(), c, req, at)
			require.ErrorIs(t, err, want)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, st.op, opOf(t, err))
			var timeout net.Error
			require.False(t, errors.As(err, &timeout) && !timeout.Timeout())
		})
	}
}

func TestStageTimeouts(t *testing.T) {
	t.Parallel()
	s := script(t, func(_ int, p *peer) { p.untilGone() })
	proxy, err := url.Parse(s.url)
	require.NoError(t, err)
	const short = 30 * time.Millisecond
	for name, tc := range map[string]struct {
		opts upstream.Options
		url  string
		want error
		op   upstream.Op
	}{
		"dial": {upstream.Options{DialTimeout: short}, "http://" + fullListener(t) + "/", upstream.ErrDialTimeout, upstream.OpDial},
		"tls":  {upstream.Options{TLSHandshakeTimeout: short}, strings.Replace(s.url, "http:", "https:", 1), upstream.ErrTLSTimeout, upstream.OpTLS},
		"connect": {
			upstream.Options{DialTimeout: short, Proxy: func(*url.URL) (*url.URL, error) { return proxy, nil }},
			"https://vendor.invalid/", upstream.ErrDialTimeout, upstream.OpProxy,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, tc.opts).Do(t.Context(), post(t, tc.url, "{}"))
			require.ErrorIs(t, err, tc.want)
			require.Equal(t, tc.op, opOf(t, err))
		})
	}
}

// Deadlines of the socket are moved lazily: a limit left over from an exchange
// before must not end a later one, nor one that has none.
func TestOldLimitsDoNotBite(t *testing.T) {
	t.Parallel()
	pause := make(chan time.Duration, 1)
	s := script(t, func(_ int, p *peer) {
		for p.request() != nil {
			wait := <-pause
			<-time.After(wait)
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhel")
			<-time.After(wait)
			p.say("lo!")
		}
	})
	c := newClient(t, upstream.Options{})
	for _, tc := range []struct {
		limit, pause time.Duration
		size         int
	}{
		{time.Second, 0, 10},
		{soon, 1200 * time.Millisecond, 10},
		{0, 0, 10},
		{time.Second, 0, 100_000},
		{0, 1200 * time.Millisecond, 100_000},
		{soon, 0, 10},
	} {
		req := post(t, s.url, string(pattern(tc.size)))
		req.HeaderTimeout, req.IdleTimeout = tc.limit, tc.limit
		pause <- tc.pause
		require.Equal(t, "hello!", call(t, c, req))
	}
	require.EqualValues(t, 1, c.Stats().Dials)
}

func TestNoLimits(t *testing.T) {
	t.Parallel()
	c := newClient(t, upstream.Options{})
	base := serve(t, digest)
	for _, d := range []time.Duration{0, -1, math.MaxInt64} {
		req := post(t, base, string(pattern(100_000)))
		req.HeaderTimeout, req.IdleTimeout = d, d
		require.Equal(t, digestOf(pattern(100_000)), call(t, c, req))
	}
}

// A stream may last for longer than its idle limit as long as data flows.
func TestIdleTimeoutIsPerRead(t *testing.T) {
	t.Parallel()
	s := script(t, func(_ int, p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 12 {
			<-time.After(100 * time.Millisecond)
			p.say("1\r\nx\r\n")
		}
		p.untilGone()
	})
	c := newClient(t, upstream.Options{})
	req := post(t, s.url, "{}")
	req.IdleTimeout = time.Second
	resp, err := c.Do(t.Context(), req)
	require.NoError(t, err)
	got, err := io.ReadAll(resp)
	require.ErrorIs(t, err, upstream.ErrIdleTimeout)
	require.Len(t, got, 12)
}

// A reader that takes its time between reads does not use up the limit.
func TestSlowReaderIsNotIdle(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	s := script(t, func(_ int, p *peer) {
		for p.request() != nil {
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
			<-more
			p.say("world")
		}
	})
	c := newClient(t, upstream.Options{})
	req := post(t, s.url, "{}")
	req.IdleTimeout = 50 * time.Millisecond
	resp, err := c.Do(t.Context(), req)
	require.NoError(t, err)
	_, err = io.ReadFull(resp, make([]byte, 5))
	require.NoError(t, err)
	<-time.After(120 * time.Millisecond)
	close(more)
	got, err := io.ReadAll(resp)
	require.NoError(t, err)
	require.Equal(t, "world", string(got))
}

func TestCancelBeforeAndAfter(t *testing.T) {
	t.Parallel()
	s := script(t, answering(hello))
	c := newClient(t, upstream.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())

	resp, err := c.Do(ctx, post(t, s.url, "{}"))
	require.NoError(t, err)
	require.Equal(t, "hello", body(t, resp))
	cancel(errHungUp)
	require.Equal(t, "hello", call(t, c, post(t, s.url, "{}")), "a context that is done no longer concerns the connection")
	require.EqualValues(t, 1, c.Stats().Dials)

	_, err = c.Do(ctx, post(t, s.url, "{}"))
	require.ErrorIs(t, err, errHungUp)
	require.EqualValues(t, 1, c.Stats().Reuses)
}

// What has arrived is not handed out any more when the context is done.
func TestCancelBetweenReads(t *testing.T) {
	t.Parallel()
	s := script(t, answering(hello))
	c := newClient(t, upstream.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := c.Do(ctx, post(t, s.url, "{}"))
	require.NoError(t, err)
	cancel()
	eventually(t, "the read fails", func() bool {
		_, err = resp.Read(nil)
		_, err = resp.Read(make([]byte, 1))
		return errors.Is(err, context.Canceled)
	})
	require.NoError(t, resp.Close())
	require.Zero(t, c.Stats().Idle)
}

// Cancelling at any moment neither hangs an exchange nor harms the next one on
// the connection.
func TestCancelRaces(t *testing.T) {
	t.Parallel()
	s := script(t, func(_ int, p *peer) {
		for {
			req := p.request()
			if req == nil {
				return
			}
			b, _ := io.ReadAll(req.Body)
			p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(b), b))
		}
	})
	c := newClient(t, upstream.Options{})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				ctx, cancel := context.WithCancelCause(t.Context())
				timer := time.AfterFunc(time.Duration(i%20)*10*time.Microsecond, func() { cancel(errHungUp) })
				want := fmt.Sprintf("%d/%d", g, i)
				resp, err := c.Do(ctx, post(t, s.url, want))
				if err == nil {
					var got []byte
					got, err = io.ReadAll(resp)
					resp.Close()
					if err == nil && string(got) != want {
						t.Errorf("got %q, want %q", got, want)
					}
				}
				if err != nil && !errors.Is(err, errHungUp) {
					t.Error(err)
				}
				timer.Stop()
				cancel(nil)
			}
		})
	}
	wg.Wait()
}
