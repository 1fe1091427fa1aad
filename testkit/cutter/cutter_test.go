package cutter_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/testkit/cutter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestForwardsEverythingUntilBothSidesEnd(t *testing.T) {
	t.Parallel()
	p := cutter.New(t, echo(t))
	sent := make([]byte, 5<<20)
	_, _ = rand.Read(sent)
	c := dial(t, p)
	var writer sync.WaitGroup
	writer.Go(func() {
		_, _ = c.Write(sent)
		_ = c.CloseWrite()
	})
	got, err := io.ReadAll(c)
	writer.Wait()
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, got))
}

func TestCutResetsOldAndNewConnections(t *testing.T) {
	t.Parallel()
	p := cutter.New(t, echo(t))
	c := dial(t, p)
	exchange(t, c)
	p.Cut()
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)

	requireReset(t, p)

	p.Resume()
	exchange(t, dial(t, p))
}

func TestBlackholeLosesNothing(t *testing.T) {
	t.Parallel()
	p := cutter.New(t, echo(t))
	old := dial(t, p)
	exchange(t, old)
	p.Blackhole()
	fresh := dial(t, p)
	for _, c := range []*net.TCPConn{old, fresh} {
		_, err := c.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
		_, err = c.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "silence, not an end")
	}
	p.Resume()
	for _, c := range []*net.TCPConn{old, fresh} {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
		got := make([]byte, 1)
		_, err := io.ReadFull(c, got)
		require.NoError(t, err)
		require.Equal(t, "x", string(got))
		exchange(t, c)
	}
}

func TestBlackholeCanBeCut(t *testing.T) {
	t.Parallel()
	p := cutter.New(t, echo(t))
	c := dial(t, p)
	p.Blackhole()
	_, err := c.Write(make([]byte, 1<<10))
	require.NoError(t, err)
	p.Cut()
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestLatencyDelaysBothDirectionsAndKeepsThroughput(t *testing.T) {
	t.Parallel()
	p := cutter.New(t, echo(t))
	c := dial(t, p)
	p.SetLatency(50 * time.Millisecond)
	began := time.Now()
	exchange(t, c)
	require.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)

	// A hundred chunks one after the other would take ten seconds.
	began = time.Now()
	var writer sync.WaitGroup
	writer.Go(func() { _, _ = c.Write(make([]byte, 100*(16<<10))) })
	_, err := io.CopyN(io.Discard, c, 100*(16<<10))
	writer.Wait()
	require.NoError(t, err)
	require.Less(t, time.Since(began), 5*time.Second)

	p.SetLatency(0)
	exchange(t, c)
}

func TestResetOfTheServerReachesTheClient(t *testing.T) {
	t.Parallel()
	p := cutter.New(t, server(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.SetLinger(0)
	}))
	c := dial(t, p)
	_, err := c.Write([]byte("x"))
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestServerAwayIsAReset(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	requireReset(t, cutter.New(t, l.Addr().String()))
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	p := cutter.New(t, echo(t))
	p.SetLatency(time.Hour)
	c := dial(t, p)
	_, err := c.Write([]byte("x"))
	require.NoError(t, err)
	p.Close()
	p.Close()
	_, err = net.Dial("tcp", p.Addr())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func echo(t *testing.T) string {
	t.Helper()
	return server(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
}

// server handles each connection until the test ends.
func server(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				handle(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func dial(t *testing.T, p *cutter.Proxy) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// requireReset wants a new connection to be reset: while it is made, or after.
func requireReset(t *testing.T, p *cutter.Proxy) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func exchange(t *testing.T, c *net.TCPConn) {
	t.Helper()
	_, err := c.Write([]byte("ping"))
	require.NoError(t, err)
	got := make([]byte, 4)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, "ping", string(got))
}
