package quota_test

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

// clock runs from a time that tests choose, and can be moved.
type clock struct {
	base  time.Time
	began time.Time
	moved atomic.Int64
}

func newClock(base time.Time) *clock { return &clock{base: base, began: time.Now()} }

func (c *clock) now() time.Time {
	return c.base.Add(time.Since(c.began) + time.Duration(c.moved.Load()))
}

func (c *clock) advance(d time.Duration) { c.moved.Add(int64(d)) }

// plan is a seating plan that does not change.
type plan struct {
	seats, replicas int
	mine            bool
}

func (p plan) Share(time.Time) (int, bool, bool) { return p.seats, p.mine, true }
func (p plan) Replicas() int                     { return p.replicas }
func (p plan) Peers() []string                   { return make([]string, p.replicas-1) }

// noSlots is for tests without limits of calls under way.
type noSlots struct{ quota.Slots }

func (noSlots) Held(string) (held, inUse int64) { return 0, 0 }

// lab is one NATS server and the replicas at it.
type lab struct {
	t      testing.TB
	server *natstest.Server
	names  contract.Names
	clock  *clock
}

func newLab(tb testing.TB) *lab {
	tb.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(tb, err)
	l := &lab{t: tb, server: natstest.Start(tb, natsembed.Options{}), names: names, clock: newClock(time.Date(2026, 11, 23, 12, 0, 10, 0, time.UTC))}
	l.provision(jetstream.FileStorage)
	return l
}

// provision makes the counters' streams, as the control plane does.
func (l *lab) provision(storage jetstream.StorageType) {
	l.t.Helper()
	js, err := jetstream.New(l.server.Connect(natstest.Admin))
	require.NoError(l.t, err)
	for _, class := range []string{"m", "h", "d", "b"} {
		_, err := js.CreateOrUpdateStream(l.t.Context(), jetstream.StreamConfig{
			Name: l.names.LimitStream(class), Subjects: []string{l.names.LimitWildcard(class)}, Storage: storage,
			AllowMsgCounter: true, AllowDirect: true, MaxMsgsPerSubject: 1,
		})
		require.NoError(l.t, err)
	}
}

// replica starts an engine with a connection of its own.
func (l *lab) replica(name string, p quota.Plan, c *clock) *quota.Engine {
	l.t.Helper()
	nc, err := natsx.Connect(natsx.Options{
		URLs: l.server.URL(natstest.Admin), Names: l.names, Plane: contract.DataPlane, Replica: name, Logger: slog.New(slog.NewTextHandler(l.t.Output(), nil)),
	}, natsx.Control)
	require.NoError(l.t, err)
	l.t.Cleanup(nc.Close)
	require.Eventually(l.t, func() bool { return nc.IsConnected() }, 5*time.Second, time.Millisecond)
	return l.engine(name, nc, p, c)
}

func (l *lab) engine(name string, nc *nats.Conn, p quota.Plan, c *clock) *quota.Engine {
	l.t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(l.t, err)
	e, err := quota.Open(quota.Options{
		Conn: nc, JS: js, Names: l.names, Replica: name, Plan: p, Slots: noSlots{}, Clock: c.now, Logger: slog.New(slog.NewTextHandler(l.t.Output(), nil)), Registry: prometheus.NewRegistry(),
	})
	require.NoError(l.t, err)
	l.t.Cleanup(e.Close)
	return e
}

// total reads a counter of the pool.
func (l *lab) total(one *limits.Limit) string {
	l.t.Helper()
	nc := l.server.Connect(natstest.Admin)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(l.t, err)
	start, _ := one.Window.Bounds(l.clock.now())
	ack, err := js.PublishMsg(l.t.Context(), &nats.Msg{
		Subject: l.names.LimitSubject(string(one.Window.Class()), one.Key, start.Unix()), Header: nats.Header{"Nats-Incr": {"0"}},
	})
	require.NoError(l.t, err)
	return ack.Value
}

func rpm(id string, limit int64) *limits.Limit {
	l := limits.New(limits.Key, limits.Requests, limits.Minute, limit, id, id)
	return &l
}

func tpm(id string, limit int64) *limits.Limit {
	l := limits.New(limits.Key, limits.Tokens, limits.Minute, limit, id, id)
	return &l
}

func budget(id string, nano int64) *limits.Limit {
	l := limits.New(limits.Key, limits.Money, limits.Window{}, nano, id, id)
	return &l
}

func admit(ctx context.Context, e *quota.Engine, cost quota.Cost, list ...*limits.Limit) (*quota.Grant, *quota.Refusal) {
	want := make([]quota.Demand, 0, len(list))
	for _, l := range list {
		want = append(want, quota.Demand{Limit: l})
	}
	g := &quota.Grant{}
	return g, e.Admit(ctx, g, want, cost)
}

func (l *lab) admin() jetstream.JetStream {
	l.t.Helper()
	js, err := jetstream.New(l.server.Connect(natstest.Admin))
	require.NoError(l.t, err)
	return js
}

// hanging is a proxy in front of the server that can stop to pass anything on,
// as a server does that hangs.
type hanging struct {
	t        testing.TB
	listener net.Listener
	stuck    chan struct{}
}

func newHanging(tb testing.TB, to string) *hanging {
	tb.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	h := &hanging{t: tb, listener: ln, stuck: make(chan struct{})}
	var all sync.WaitGroup
	tb.Cleanup(func() { _ = ln.Close(); all.Wait() })
	all.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			var d net.Dialer
			out, err := d.DialContext(tb.Context(), "tcp", to)
			if err != nil {
				_ = in.Close()
				return
			}
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				all.Go(func() { h.pass(pair[0], pair[1]) })
			}
			tb.Cleanup(func() { _ = in.Close(); _ = out.Close() })
		}
	})
	return h
}

func (h *hanging) pass(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-h.stuck:
			if err != nil {
				return
			}
			continue // swallowed
		default:
		}
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (h *hanging) hang() { close(h.stuck) }

func (h *hanging) connect(l *lab) *nats.Conn {
	h.t.Helper()
	u, err := url.Parse(l.server.URL(natstest.Admin))
	require.NoError(h.t, err)
	u.Host = h.listener.Addr().String()
	nc, err := natsx.Connect(natsx.Options{
		URLs: u.String(), Names: l.names, Plane: contract.DataPlane, Replica: "hung", Logger: slog.New(slog.DiscardHandler),
	}, natsx.Control)
	require.NoError(h.t, err)
	h.t.Cleanup(nc.Close)
	require.Eventually(h.t, nc.IsConnected, 5*time.Second, time.Millisecond)
	return nc
}
