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
	tb       testing.TB
	moved    atomic.Int64
	replicas []*replica
}

func newWorld(tb testing.TB, replicas int, p *contract.Priorities, deployments []*contract.Deployment) *world {
	tb.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(tb, err)
	server := natstest.Start(tb, natsembed.Options{})
	js, err := jetstream.New(server.Connect(natstest.Admin))
	require.NoError(tb, err)
	_, err = js.CreateStream(tb.Context(), jetstream.StreamConfig{
		Name: names.LimitStream("m"), Subjects: []string{names.LimitWildcard("m")}, Storage: jetstream.MemoryStorage,
		AllowMsgCounter: true, AllowDirect: true, MaxMsgsPerSubject: 1,
	})
	require.NoError(tb, err)
	w := &world{tb: tb}
	base, began := time.Date(2026, 11, 23, 12, 0, 5, 0, time.UTC), time.Now()
	clock := func() time.Time { return base.Add(time.Since(began) + time.Duration(w.moved.Load())) }
	for i := range replicas {
		name := string(rune('a' + i))
		nc, err := natsx.Connect(natsx.Options{
			URLs: server.URL(natstest.Admin), Names: names, Plane: contract.DataPlane, Replica: name, Logger: slog.New(slog.DiscardHandler),
		}, natsx.Control)
		require.NoError(tb, err)
		tb.Cleanup(nc.Close)
		require.Eventually(tb, nc.IsConnected, 10*time.Second, time.Millisecond)
		js, err := jetstream.New(nc)
		require.NoError(tb, err)
		r := &replica{}
		r.engine, err = quota.Open(quota.Options{
			Conn: nc, JS: js, Names: names, Replica: name, Plan: fleet(replicas), Slots: noSlots{}, Clock: clock,
			Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
		})
		require.NoError(tb, err)
		tb.Cleanup(r.engine.Close)
		r.shares = priority.New(r.engine)
		r.shares.Configure(p, deployments)
		w.replicas = append(w.replicas, r)
	}
	return w
}

// request asks a replica for one request of a priority, of ten tokens.
func (w *world) request(r *replica, name string) *quota.Refusal {
	var buf [8]quota.Demand
	var g quota.Grant
	cost := quota.Cost{Requests: 1, Tokens: 10}
	refused := r.engine.Admit(w.tb.Context(), &g, r.shares.Demands(buf[:0], "m", name), cost)
	g.Settle(cost)
	return refused
}

// ask makes n requests of a priority, at one replica after the other, and
// returns how many were admitted.
func (w *world) ask(name string, n int) (given int) {
	for i := range n {
		if w.request(w.replicas[i%len(w.replicas)], name) == nil {
			given++
		}
	}
	return given
}

// askUntilRefused makes requests of a priority until one is refused.
func (w *world) askUntilRefused(name string) (given int) {
	for w.request(w.replicas[given%len(w.replicas)], name) == nil {
		given++
	}
	return given
}

// refusal is why a priority gets nothing any more.
func (w *world) refusal(name string) *quota.Refusal {
	w.tb.Helper()
	r := w.request(w.replicas[0], name)
	require.NotNil(w.tb, r)
	return r
}

// paced is ask as it is over a minute: replicas have the time to tell each other
// what they gave.
func (w *world) paced(name string, n int) (given int) {
	w.tb.Helper()
	for ; n > 0; n -= 100 {
		given += w.ask(name, 100)
		w.moved.Add(int64(600 * time.Millisecond))
		for _, r := range w.replicas {
			demands := r.shares.Demands(nil, "m", name)
			share, known := demands[len(demands)-1].Limit, int64(given)
			if share.Unit == limits.Tokens {
				known *= 10
			}
			require.Eventually(w.tb, func() bool { return r.engine.Used(share) >= known }, 10*time.Second, time.Millisecond)
		}
	}
	return given
}

// flood lets callers of each priority ask all replicas at once until nobody
// gets anything any more, and returns how many each was given.
func (w *world) flood(names ...string) map[string]int {
	given := make(map[string]int, len(names))
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, name := range names {
		for _, r := range w.replicas {
			all.Go(func() {
				n := 0
				for denied := 0; denied < 1000; {
					if w.request(r, name) != nil {
						denied++
						continue
					}
					n++
				}
				mu.Lock()
				defer mu.Unlock()
				given[name] += n
			})
		}
	}
	all.Wait()
	return given
}

// settings give prod half of the capacity, dev a fifth and all others the rest,
// once half of it is used.
func settings() *contract.Priorities {
	return &contract.Priorities{
		Shares:  map[string]contract.Share{"prod": {Type: "percent", Value: 0.5}, "dev": {Type: "percent", Value: 0.2}},
		Default: 0.3, Saturation: 0.5,
	}
}

// capacities are of a model of which requests are known, tokens, or both. A
// request has ten tokens, so all can do a thousand.
func capacities() map[string][]*contract.Deployment {
	return map[string][]*contract.Deployment{"requests": deployments(1000, 0), "tokens": deployments(0, 10_000), "both": deployments(1000, 100_000)}
}

// About is how far two replicas may be off that know of each other by leases.
const about = 70

// crumbs are what replicas may hold of a capacity that is used up: each less
// than a request, or on its way to the other.
const crumbs = 5

// whole expects that the capacity was used to the end, and not passed.
func whole(tb testing.TB, given int) {
	tb.Helper()
	require.LessOrEqual(tb, given, 1000)
	require.GreaterOrEqual(tb, given, 1000-crumbs)
}

// Whoever is alone may use an idle model up to the threshold, and beyond it no
// more than a share. What was borrowed leaves the others the rest at once.
func TestLimiter_lends_up_to_the_threshold(t *testing.T) {
	t.Parallel()
	for name, d := range capacities() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 2, settings(), d)
			dev := w.ask("dev", 2000)
			require.InDelta(t, 500, dev, about, "an idle model is lent out, requests and tokens alike")
			r := w.refusal("dev")
			require.Equal(t, limits.Priority, r.Limit.Scope)
			require.Contains(t, w.replicas[0].shares.Refused(r, "m", "dev").Message, "Priority-based rate limit exceeded. Priority: dev, Rate limit type: "+r.Limit.Unit.String())

			prod := w.askUntilRefused("prod")
			require.InDelta(t, min(500, 1000-dev), prod, crumbs, "none of the share has to be waited for")
			prod += w.ask("prod", 2000)
			whole(t, dev+prod+w.ask("", 2000))
			r = w.refusal("")
			require.Equal(t, limits.Group, r.Limit.Scope)
			require.Contains(t, w.replicas[0].shares.Refused(r, "m", "").Message, "Model capacity reached for m. Priority: default, Rate limit type: "+r.Limit.Unit.String())

			w.moved.Add(int64(time.Minute))
			require.InDelta(t, 500, w.paced("prod", 700), about, "a share is not more than what may be borrowed")
			require.InDelta(t, 300, w.paced("", 400), about)
			require.InDelta(t, 200, w.paced("dev", 300), about)
		})
	}
}

// All ask for the same, which is more than there is: each gets its share.
func TestLimiter_shares_out_under_overload(t *testing.T) {
	t.Parallel()
	for name, d := range capacities() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 2, settings(), d)
			given := map[string]int{}
			for range 700 {
				for _, who := range []string{"prod", "dev", ""} {
					given[who] += w.ask(who, 2)
				}
			}
			require.InDelta(t, 500, given["prod"], about)
			require.InDelta(t, 300, given[""], about)
			require.InDelta(t, 200, given["dev"], about)
			whole(t, given["prod"]+given["dev"]+given[""])
		})
	}
}

// However hard they ask at one time, nobody gets more than what may be borrowed
// and a share, and all together no more than there is.
func TestLimiter_holds_against_all_at_once(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, settings(), deployments(1000, 0))
	given := w.flood("prod", "dev", "")
	whole(t, given["prod"]+given["dev"]+given[""])
	for who, share := range map[string]int{"prod": 500, "dev": 200, "": 300} {
		require.LessOrEqual(t, given[who], 500+share+about, who)
	}
}

// A share of nothing may borrow, and is refused by its share alone.
func TestLimiter_weight_of_zero(t *testing.T) {
	t.Parallel()
	p := settings()
	p.Shares["idle"] = contract.Share{Type: "percent"}
	w := newWorld(t, 2, p, deployments(1000, 0))
	require.InDelta(t, 500, w.ask("idle", 2000), about)
	r := w.refusal("idle")
	require.Equal(t, limits.Priority, r.Limit.Scope)
	require.Zero(t, r.Max)
	require.InDelta(t, 500, w.ask("prod", 2000), about)
}

func BenchmarkDemands_of_an_engine(b *testing.B) {
	w := newWorld(b, 1, settings(), deployments(1_000_000, 1_000_000_000))
	l := w.replicas[0].shares
	w.ask("prod", 10)
	var buf [8]quota.Demand
	b.ReportAllocs()
	for b.Loop() {
		if len(l.Demands(buf[:0], "m", "prod")) != 4 {
			b.Fatal("four demands")
		}
	}
}
