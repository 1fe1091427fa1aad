// Package cutter is a TCP proxy that fails on demand, for tests of what a
// client does when its server resets, hangs or slows down. It is for tests
// only and knows no protocol. Its goroutines end with Close, which waits.
package cutter

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// chunks is how many reads may be on their way in one direction: 16 KiB each.
const (
	chunkSize = 16 << 10
	chunks    = 64
)

type mode int

const (
	forward mode = iota
	blackhole
	cut
)

// Proxy forwards connections to one target.
type Proxy struct {
	target   string
	listener net.Listener
	ctx      context.Context //nolint:containedctx // ends with Close
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu      sync.Mutex
	mode    mode
	changed chan struct{} // closed at each change of mode
	latency time.Duration
	conns   map[*net.TCPConn]struct{}
}

// New runs a proxy to target (host:port) until the test ends.
func New(tb testing.TB, target string) *Proxy {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	p := &Proxy{target: target, listener: l, changed: make(chan struct{}), conns: map[*net.TCPConn]struct{}{}}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(tb.Context()))
	p.wg.Go(p.accept)
	tb.Cleanup(p.Close)
	return p
}

// Addr is host:port to connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut resets every connection, and every new one until [Proxy.Resume].
func (p *Proxy) Cut() {
	p.set(cut)
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
	}
}

// Blackhole forwards nothing more, though connections stay open and new ones
// are accepted, as with a server that hangs. What is on its way arrives after
// [Proxy.Resume].
func (p *Proxy) Blackhole() { p.set(blackhole) }

// Resume forwards again.
func (p *Proxy) Resume() { p.set(forward) }

// SetLatency delays what is read from now on by d, in each direction.
func (p *Proxy) SetLatency(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = d
}

// Close resets all connections and waits for the goroutines.
func (p *Proxy) Close() {
	p.cancel()
	_ = p.listener.Close()
	p.Cut()
	p.wg.Wait()
}

func (p *Proxy) set(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		if client, ok := c.(*net.TCPConn); ok && p.keep(client) {
			p.wg.Go(func() { p.serve(client) })
		}
	}
}

// keep remembers a connection for Cut, or resets it if that has come before.
func (p *Proxy) keep(c *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == cut {
		reset(c)
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) forget(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

func (p *Proxy) serve(client *net.TCPConn) {
	defer p.forget(client)
	c, err := (&net.Dialer{}).DialContext(p.ctx, "tcp", p.target)
	server, ok := c.(*net.TCPConn)
	if err != nil || !ok || !p.keep(server) {
		reset(client) // as a server that is away
		return
	}
	defer p.forget(server)
	var both sync.WaitGroup
	both.Go(func() { p.pipe(client, server) })
	both.Go(func() { p.pipe(server, client) })
	both.Wait()
}

// packet is what was read at once, and when it may go on.
type packet struct {
	data []byte
	due  time.Time
}

// pipe copies one direction until its end, which it hands on.
func (p *Proxy) pipe(from, to *net.TCPConn) {
	queue := make(chan packet, chunks)
	var end error // set before the queue closes
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(queue)
		for {
			data := make([]byte, chunkSize)
			n, err := from.Read(data)
			if n > 0 {
				queue <- packet{data[:n], time.Now().Add(p.delay())}
			}
			if err != nil {
				end = err
				return
			}
		}
	})
	for next := range queue {
		if !p.hold(next.due) {
			continue // cut or closed: only the reader has to be let go
		}
		if _, err := to.Write(next.data); err != nil {
			reset(from) // ends the reader
		}
	}
	reader.Wait()
	switch {
	case !p.hold(time.Time{}) || !errors.Is(end, io.EOF):
		reset(to)
	default:
		_ = to.CloseWrite()
	}
}

func (p *Proxy) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latency
}

// hold waits until due, and while the proxy is a black hole; false if it was
// cut meanwhile.
func (p *Proxy) hold(due time.Time) bool {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
		return false
	}
	for {
		p.mu.Lock()
		m, changed := p.mode, p.changed
		p.mu.Unlock()
		if m != blackhole {
			return m == forward
		}
		select {
		case <-changed:
		case <-p.ctx.Done():
			return false
		}
	}
}

// reset closes with an RST instead of an orderly end, as a killed host would.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
