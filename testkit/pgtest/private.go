package pgtest

import (
	"context"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Private is a cluster for one test, which may stop, kill and restart it.
// Committed data survives all of these. Its methods are for one goroutine at a
// time.
type Private struct {
	tb      testing.TB
	current *ephemeral
}

// Cluster starts a cluster that ends with the test.
func Cluster(tb testing.TB) *Private {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), opTimeout)
	defer cancel()
	e, err := startEphemeral(ctx)
	require.NoError(tb, err, "start PostgreSQL for the test")
	p := &Private{tb: tb, current: e}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), opTimeout)
		defer cancel()
		require.NoError(tb, p.current.stop(ctx))
	})
	return p
}

// URL is the address of a database of the cluster; "postgres" always exists.
func (p *Private) URL(database string) string { return p.current.URL(database) }

// Stop shuts the server down as an administrator would; connections are cut.
func (p *Private) Stop() {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.tb.Context(), opTimeout)
	defer cancel()
	require.NoError(p.tb, p.current.Stop(ctx))
}

// Kill ends the server with SIGKILL and waits for its end.
func (p *Private) Kill() {
	p.tb.Helper()
	require.NoError(p.tb, syscall.Kill(p.current.PID(), syscall.SIGKILL))
	<-p.current.Done()
}

// Pause stops the main process of the server with SIGSTOP, until Resume:
// connecting hangs, open connections go on.
func (p *Private) Pause() {
	p.tb.Helper()
	require.NoError(p.tb, syscall.Kill(p.current.PID(), syscall.SIGSTOP))
}

// Resume ends a Pause.
func (p *Private) Resume() {
	p.tb.Helper()
	require.NoError(p.tb, syscall.Kill(p.current.PID(), syscall.SIGCONT))
}

// Restart starts the server again, on the same port and data, after Stop or
// Kill; a running one is shut down first.
func (p *Private) Restart() {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.tb.Context(), opTimeout)
	defer cancel()
	require.NoError(p.tb, p.current.Stop(ctx))
	c, err := startIn(ctx, p.current.DataDir(), p.current.Port())
	require.NoError(p.tb, err, "restart PostgreSQL")
	p.current.Cluster = c
}
