package cache_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jsonx"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/testkit/cutter"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is moved by hand.
type clock struct{ now atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.now.Store(time.Now().UnixNano())
	return c
}

func (c *clock) Now() time.Time          { return time.Unix(0, c.now.Load()) }
func (c *clock) advance(d time.Duration) { c.now.Add(int64(d)) }

// replica is a cache and what is behind it.
type replica struct {
	*cache.Cache

	registry *prometheus.Registry
	conn     *nats.Conn
}

// newReplica returns a cache with the settings, without NATS unless the options
// have it.
func newReplica(tb testing.TB, s *contract.CacheSettings, o cache.Options) *replica {
	tb.Helper()
	r := &replica{registry: prometheus.NewRegistry(), conn: o.Conn}
	o.Registry, o.Logger = r.registry, slog.New(slog.DiscardHandler)
	if o.Wait == 0 {
		o.Wait = 5 * time.Second // a busy machine is no miss
	}
	var err error
	r.Cache, err = cache.New(o)
	require.NoError(tb, err)
	tb.Cleanup(r.Close)
	r.Configure(s)
	return r
}

// metric adds up the values of a metric.
func (r *replica) metric(tb testing.TB, name string, labels ...string) float64 {
	tb.Helper()
	families, err := r.registry.Gather()
	require.NoError(tb, err)
	sum, found := 0.0, false
	for _, f := range families {
		if f.GetName() != "tianji_dataplane_cache_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(labels) == 2 && !strings.Contains(m.String(), `value:"`+labels[1]+`"`) {
				continue
			}
			found = true
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	require.True(tb, found, name)
	return sum
}

// bus is a NATS server with the bucket, as the control plane makes it.
type bus struct {
	tb     testing.TB
	server *natstest.Server
	names  contract.Names
	admin  jetstream.JetStream
}

func newBus(tb testing.TB) *bus {
	tb.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(tb, err)
	dp := names.DataPlanePermissions()
	b := &bus{tb: tb, names: names, server: natstest.Start(tb, natsembed.Options{Users: []natsembed.User{
		{Name: "admin", Password: "admin"},
		{Name: "dataplane", Password: "dataplane", PublishAllow: dp.Publish, SubscribeAllow: dp.Subscribe},
	}})}
	b.admin, err = jetstream.New(b.server.Connect("admin"))
	require.NoError(tb, err)
	_, err = b.admin.CreateStream(tb.Context(), jetstream.StreamConfig{
		Name: contract.KVStream(names.CacheBucket()), Subjects: []string{contract.KVSubject(names.CacheBucket(), ">")},
		MaxMsgsPerSubject: 1, AllowDirect: true, AllowMsgTTL: true, Discard: jetstream.DiscardOld, MaxAge: contract.CacheMaxAge, MaxBytes: 64 << 20,
	})
	require.NoError(tb, err)
	return b
}

func (b *bus) connect(url string, connected *natsx.Signal) *nats.Conn {
	b.tb.Helper()
	nc, err := natsx.Connect(natsx.Options{
		URLs: url, Names: b.names, Plane: contract.DataPlane, Replica: "r", Connected: connected, Logger: slog.New(slog.DiscardHandler),
	}, natsx.Control)
	require.NoError(b.tb, err)
	b.tb.Cleanup(nc.Close)
	return nc
}

func (b *bus) replica(s *contract.CacheSettings, o cache.Options) *replica {
	b.tb.Helper()
	return b.replicaAt(b.server.URL("dataplane"), s, o)
}

// replicaBehind is a replica whose connection can be cut.
func (b *bus) replicaBehind(proxy *cutter.Proxy, s *contract.CacheSettings, o cache.Options) *replica {
	b.tb.Helper()
	return b.replicaAt(strings.Replace(b.server.URL("dataplane"), b.server.Addr(), proxy.Addr(), 1), s, o)
}

func (b *bus) replicaAt(url string, s *contract.CacheSettings, o cache.Options) *replica {
	b.tb.Helper()
	signal := &natsx.Signal{}
	nc := b.connect(url, signal)
	o.Conn, o.Bulk, o.Names = nc, nc, b.names
	r := newReplica(b.tb, s, o)
	signal.Listen(r.Reconnected)
	require.Eventually(b.tb, nc.IsConnected, 5*time.Second, time.Millisecond)
	return r
}

// stored waits for the bucket to hold a number of messages.
func (b *bus) stored(count int) {
	b.tb.Helper()
	require.Eventually(b.tb, func() bool {
		s, err := b.admin.Stream(context.Background(), contract.KVStream(b.names.CacheBucket()))
		return err == nil && s.CachedInfo().State.Msgs == uint64(count)
	}, 10*time.Second, 5*time.Millisecond)
}

func on() *contract.CacheSettings {
	return &contract.CacheSettings{Enabled: true, Kind: "local"}
}

func shared() *contract.CacheSettings {
	return &contract.CacheSettings{Enabled: true, Kind: "redis", Shared: true}
}

// call parses a body.
func call(tb testing.TB, callType, group, body string) *cache.Call {
	tb.Helper()
	members, err := jsonx.Members(nil, []byte(body))
	require.NoError(tb, err, body)
	return &cache.Call{Type: callType, Group: group, Body: []byte(body), Members: members}
}

func chatCall(tb testing.TB, body string) *cache.Call {
	tb.Helper()
	return call(tb, "acompletion", "gpt-4o", body)
}

func answer(body string) cache.Entry {
	return cache.Entry{Status: 200, ContentType: "application/json", Body: []byte(body)}
}

// controls parses the member "cache".
func controls(tb testing.TB, member string) cache.Controls {
	tb.Helper()
	ctl, err := cache.ParseControls([]byte(member), nil, nil)
	require.NoError(tb, err)
	return ctl
}
