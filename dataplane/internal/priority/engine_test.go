package priority_test

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/priority"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

// fleet is a plan of replicas that all live.
type fleet int

func (fleet) Share(time.Time) (seats int, mine, known bool) { return 0, false, true }
func (f fleet) Replicas() int                               { return int(f) }
func (f fleet) Peers() []string                             { return make([]string, f-1) }

// noSlots is for tests without limits of calls under way.
type noSlots struct{ quota.Slots }

// replica is one data plane as far as priorities go.
type replica struct {
	engine *quota.Engine
	shares *priority.Limiter
}

// world is replicas at one NATS server, early in a minute.
type world struct {
	t        testing.TB
	moved    atomic.Int64
	replicas []*replica
}

func newWorld(t testing.TB, replicas int, p *contract.Priorities, deployments []*contract.Deployment) *world {
	t.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	server := natstest.Start(t, natsembed.Options{})
	js, err := jetstream.New(server.Connect(natstest.Admin))
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: names.LimitStream("m"), Subjects: []string{names.LimitWildcard("m")}, Storage: jetstream.MemoryStorage,
		AllowMsgCounter: true, AllowDirect: true, MaxMsgsPerSubject: 1,
	})
	require.NoError(t, err)
	w := &world{t: t}
	base, began := time.Date(2026, 11, 23, 12, 0, 5, 0, time.UTC), time.Now()
	clock := func() time.Time { return base.Add(time.Since(began) + time.Duration(w.moved.Load())) }
	for i := range replicas {
		name := string(rune('a' + i))
		nc, err := natsx.Connect(natsx.Options{
			URLs: server.URL(natstest.Admin), Names: names, Plane: contract.DataPlane, Replica: name, Logger: slog.New(slog.DiscardHandler),
		}, natsx.Control)
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		require.Eventually(t, nc.IsConnected, 10*time.Second, time.Millisecond)
		js, err := jetstream.New(nc)
		require.NoError(t, err)
		r := &replica{}
		r.engine, err = quota.Open(quota.Options{
			Conn: nc, JS: js, Names: names, Replica: name, Plan: fleet(replicas), Slots: noSlots{}, Clock: clock,
			Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
		})
		require.NoError(t, err)
		t.Cleanup(r.engine.Close)
		r.shares = priority.New(r.engine)
		r.shares.Configure(p, deployments)
		w.replicas = append(w.replicas, r)
	}
	return w
}

// request asks a replica for one request of a priority.
func (r *replica) request(t testing.TB, name string, tokens int64) *quota.Refusal {
	var buf [8]quota.Demand
	var g quota.Grant
	cost := quota.Cost{Requests: 1, Tokens: tokens}
	refused := r.engine.Admit(t.Context(), &g, r.shares.Demands(buf[:0], "m", name), cost)
	g.Settle(cost)
	return refused
}

// flood lets callers of each priority ask all replicas without a pause until
// nobody gets anything any more, and returns how many each was given.
func (w *world) flood(tokens int64, names ...string) map[string]int {
	given := make(map[string]int, len(names))
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, name := range names {
		for _, r := range w.replicas {
			all.Go(func() {
				n := 0
				for denied := 0; denied < 100; {
					if r.request(w.t, name, tokens) != nil {
						denied++
						continue
					}
					n++
				}
				mu.Lock()
				given[name] += n
				mu.Unlock()
			})
		}
	}
	all.Wait()
	return given
}

func thirds() *contract.Priorities {
	return &contract.Priorities{
		Shares:  map[string]contract.Share{"prod": {Type: "percent", Value: 0.5}, "dev": {Type: "percent", Value: 0.2}},
		Default: 0.3, Saturation: 0.5,
	}
}

func TestX(t *testing.T) {
	for _, c := range []struct{ rpm, tpm, tokens int64 }{{1000, 0, 0}, {0, 10000, 10}, {10000, 0, 0}, {100, 0, 0}} {
		for range 5 {
			w := newWorld(t, 2, thirds(), deployments(c.rpm, c.tpm))
			start := time.Now()
			dev := w.flood(c.tokens, "dev")
			t1 := time.Since(start)
			prod := w.flood(c.tokens, "prod")
			rest := w.flood(c.tokens, "", "dev")
			t.Log(c, dev, t1, prod, rest, time.Since(start))
			_ = limits.Group
		}
	}
}

func TestY(t *testing.T) {
	for _, c := range []struct{ rpm, tpm, tokens int64 }{{1000, 0, 0}, {0, 10000, 10}, {10000, 0, 0}, {100, 0, 0}} {
		for range 5 {
			w := newWorld(t, 2, thirds(), deployments(c.rpm, c.tpm))
			start := time.Now()
			got := w.flood(c.tokens, "dev", "prod", "")
			t.Log(c, got, got["dev"]+got[""]+got["prod"], time.Since(start))
		}
	}
}
