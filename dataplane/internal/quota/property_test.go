package quota_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// A longer search: go test -race -run Property ./internal/quota -quota.runs=200 -quota.for=5s.
var (
	quotaSeed = flag.Uint64("quota.seed", 0, "seed of the first run of the property test; 0 is another one each time")
	quotaRuns = flag.Int("quota.runs", 2, "runs of the property test of each kind")
	quotaFor  = flag.Duration("quota.for", 900*time.Millisecond, "how long each run lasts")
)

// kind is what may happen in a run.
type kind struct {
	name string
	// crashes leaves replicas die, at any moment or only when they are quiet;
	// cuts breaks their connections; restarts stops NATS.
	crashes, anytime, cuts, restarts bool
}

// TestEngine_property lets random requests under random limits happen to
// replicas that come and go, that are cut off, whose clocks differ, and compares
// what they admit with what they may.
func TestEngine_property(t *testing.T) {
	t.Parallel()
	first := *quotaSeed
	if first == 0 {
		first = rand.Uint64N(1e9)
	}
	for _, k := range []kind{{name: "calm"}, {name: "crashes", crashes: true}, {name: "cuts", cuts: true}, {name: "everything", crashes: true, anytime: true, cuts: true, restarts: true}} {
		for i := range *quotaRuns {
			seed := first + uint64(i)
			t.Run(fmt.Sprintf("%s/seed=%d", k.name, seed), func(t *testing.T) {
				t.Parallel()
				t.Logf("again: go test -race -run 'TestEngine_property/%s' -quota.seed=%d -quota.runs=1 -quota.for=%s", k.name, seed, *quotaFor)
				live(t, k, seed)
			})
		}
	}
}

// live runs one world from its beginning to its end.
func live(t *testing.T, k kind, seed uint64) {
	t.Helper()
	begin := time.Date(2026, 11, 23, 10, 59, 30, 0, time.UTC)
	if seed%4 == 0 {
		begin = time.Date(2026, 11, 30, 23, 59, 30, 0, time.UTC) // so that days and months end
	}
	w := newWorld(t, seed, begin)
	w.makeRules()
	for range 3 {
		w.join()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for i := range 6 {
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		clients.Go(func() { (&client{w: w, rng: rng}).run(ctx) })
	}
	for end := time.Now().Add(*quotaFor); time.Now().Before(end); {
		w.happen(k)
		<-time.After(time.Duration(w.rng.IntN(int(4 * time.Millisecond))))
	}
	w.mend()
	cancel()
	clients.Wait()
	w.finish()
}

// makeRules makes limits of all units and windows.
func (w *world) makeRules() {
	month, err := limits.Every("30d")
	require.NoError(w.t, err)
	day, err := limits.Every("1d")
	require.NoError(w.t, err)
	for i, one := range []struct {
		unit   limits.Unit
		window limits.Window
		scope  limits.Scope
	}{
		{limits.Requests, limits.Minute, limits.Key},
		{limits.Requests, limits.Minute, limits.Team},
		{limits.Requests, limits.Minute, limits.Group},
		{limits.Tokens, limits.Minute, limits.Key},
		{limits.Tokens, limits.Minute, limits.Deployment},
		{limits.Requests, limits.Hour, limits.Key},
		{limits.Tokens, limits.Day, limits.Key},
		{limits.Money, limits.Window{}, limits.Key},
		{limits.Money, day, limits.Team},
		{limits.Money, month, limits.Organization},
	} {
		l := limits.New(one.scope, one.unit, one.window, w.someMax(one.unit), "n", "k"+strconv.Itoa(i))
		r := &rule{}
		r.now.Store(&l)
		w.rules = append(w.rules, r)
	}
}

func (w *world) someMax(u limits.Unit) int64 {
	n := []int64{1, 2, 3, 5, 7, 10, 23, 60, 200, 1000}[w.rng.IntN(10)]
	if u != limits.Requests {
		n *= 100
	}
	return n
}

// happen does one thing to the world.
func (w *world) happen(k kind) {
	w.move(time.Duration(w.rng.IntN(int(200 * time.Millisecond))))
	r, n := w.live(w.rng)
	switch p := w.rng.IntN(1000); {
	case p < 30: // into the next minute, or nearly
		at := time.Unix(0, w.at.Load())
		w.move(at.Truncate(time.Minute).Add(time.Minute).Sub(at) + time.Duration(w.rng.IntN(int(2*time.Second))) - time.Second)
	case p < 32:
		w.move(20 * time.Minute)
	case p < 80:
		w.change()
	case p < 100:
		w.drift(r)
	case p < 110:
		if n < 4 {
			w.join()
		}
	case p < 116:
		if n > 2 {
			w.leave(r)
		}
	case p < 128:
		if n > 1 && k.crashes {
			w.crash(r, !k.anytime || w.rng.IntN(2) == 0)
		}
	case p < 160:
		if k.cuts {
			w.unsure.Store(true)
			[]func(){r.wire.sever, r.wire.hang}[w.rng.IntN(2)]()
		}
	case p < 240:
		r.wire.mend()
	case p > 950:
		r.engine.Sweep()
	case p < 242:
		if k.restarts {
			w.unsure.Store(true)
			w.lab.server.Stop()
			w.move(time.Second)
			w.lab.server.Restart()
		}
	}
}

// change raises or lowers a limit.
func (w *world) change() {
	r := w.rules[w.rng.IntN(len(w.rules))]
	l := *r.now.Load()
	l.Max = w.someMax(l.Unit)
	if w.rng.IntN(2) == 0 {
		l.Max = max(1, l.Max+w.rng.Int64N(5)-2)
	}
	r.now.Store(&l)
}

// mend makes everything work again, and waits until it does.
func (w *world) mend() {
	for _, r := range w.replicas {
		r.wire.mend()
	}
	for _, r := range w.replicas {
		require.Eventually(w.t, func() bool { return !r.engine.Degraded() }, 20*time.Second, time.Millisecond, "NATS is back for %s", r.name)
	}
}

// client makes requests at all replicas.
type client struct {
	w     *world
	rng   *rand.Rand
	calls []*call
}

// call is a request under way.
type call struct {
	at      *replica
	grant   *quota.Grant
	tracked map[string]bool
}

func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		c.settleSome(false)
		if r, n := c.w.live(c.rng); n > 0 {
			c.request(ctx, r)
		}
	}
	c.settleSome(true)
}

// request asks for admission under some of the limits.
func (c *client) request(ctx context.Context, r *replica) {
	r.use.RLock()
	defer r.use.RUnlock()
	if r.gone.Load() {
		return
	}
	if c.rng.IntN(20) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.rng.IntN(int(5*time.Millisecond))))
		defer cancel()
	}
	want, tracked := c.demands(r)
	if len(want) == 0 {
		return
	}
	if c.rng.IntN(10) == 0 {
		_ = r.engine.Used(want[0].Limit)
	}
	one := &call{at: r, grant: &quota.Grant{}, tracked: tracked}
	before, replicas := r.loneliness(), c.w.seats.live.Load()
	refusal := r.engine.Admit(ctx, one.grant, want, c.cost())
	defer func() {
		for _, d := range want {
			c.w.model.answered(d.Limit, c.w.clock(r))
		}
	}()
	if refusal != nil {
		c.w.model.refuse()
		if !one.grant.Empty() {
			c.w.model.wrong("a refused request holds something")
		}
		return
	}
	c.w.model.admit(one.grant.Claims(), tracked, before.until(r.loneliness(), max(1, min(replicas, c.w.seats.live.Load()))))
	r.grants.Add(1)
	c.calls = append(c.calls, one)
}

func (c *client) demands(r *replica) (want []quota.Demand, tracked map[string]bool) {
	for _, i := range c.rng.Perm(len(c.w.rules))[:1+c.rng.IntN(4)] {
		if !r.serves[i] {
			continue
		}
		l := c.w.rules[i].now.Load()
		c.w.model.ask(l, c.w.clock(r))
		d := quota.Demand{Limit: l, Track: c.rng.IntN(50) == 0}
		if d.Track {
			if tracked == nil {
				tracked = map[string]bool{}
			}
			tracked[l.Key] = true
		}
		want = append(want, d)
	}
	return want, tracked
}

func (c *client) cost() quota.Cost {
	cost := quota.Cost{Requests: 1, Tokens: 1 + c.rng.Int64N(120), Nano: 1 + c.rng.Int64N(120)}
	if c.rng.IntN(20) == 0 {
		cost.Requests = 1 + c.rng.Int64N(5)
	}
	return cost
}

// settleSome ends calls: all that are at a replica that is going away, and
// others now and then. Those at one that died never end.
func (c *client) settleSome(all bool) {
	keep := c.calls[:0]
	for _, one := range c.calls {
		switch {
		case all || one.at.gone.Load() || len(c.calls) > 12 || c.rng.IntN(3) == 0:
			c.settle(one)
		default:
			keep = append(keep, one)
		}
	}
	clear(c.calls[len(keep):])
	c.calls = keep
}

func (c *client) settle(one *call) {
	one.at.use.RLock()
	defer one.at.use.RUnlock()
	c.w.gate.RLock()
	defer c.w.gate.RUnlock()
	if one.at.crashed.Load() {
		return
	}
	claims := one.grant.Claims()
	truth := c.truth(claims)
	c.w.model.settle(claims, one.tracked, truth)
	one.grant.Settle(truth)
	one.grant.Settle(quota.Cost{Tokens: 1 << 40}) // only the first one counts
	one.at.grants.Add(-1)
}

// truth is what a call has really used: less than was reserved, or more.
func (c *client) truth(claims []quota.Claim) quota.Cost {
	truth := quota.Cost{}
	for _, cl := range claims {
		used := cl.N
		switch c.rng.IntN(8) {
		case 0:
			used = 0
		case 1, 2, 3:
			used = c.rng.Int64N(cl.N + 1)
		case 4:
			used += c.rng.Int64N(50)
		}
		switch cl.Limit.Unit {
		case limits.Requests:
			truth.Requests = min(used, cl.N)
		case limits.Tokens:
			truth.Tokens = used
		default:
			truth.Nano = used
		}
	}
	return truth
}

// finish closes what is left and checks that nothing is lost or forged.
func (w *world) finish() {
	t := w.t
	keys := w.keys()
	for _, r := range w.replicas {
		require.Eventually(t, func() bool { return w.settled(r, keys) }, 20*time.Second, 5*time.Millisecond, "all debts are paid by %s", r.name)
		r.engine.Halt()
		w.still(r)
	}
	for _, r := range w.replicas {
		for _, c := range r.engine.Report(keys).Counters {
			require.Zero(t, c.Reserved, "%s: nothing stays reserved of %s", r.name, c.Key)
		}
		r.engine.Close()
		r.left = r.holds(keys)
		w.dead = append(w.dead, r)
	}
	lost := map[string]int64{}
	for _, r := range w.dead {
		for key, n := range r.left {
			lost[key] += n
		}
	}
	m := w.model
	require.Empty(t, m.broken)
	require.Positive(t, m.admitted)
	require.Positive(t, m.refused)
	compared := w.compare(lost)
	t.Logf("%d admitted, %d of them without NATS, %d refused, %d windows, %s compared with the pool", m.admitted, m.alone, m.refused, len(m.cells), strings.Join(compared, " "))
}

// settled reports whether a replica owes nothing and asks for nothing.
func (w *world) settled(r *replica, keys []string) bool {
	for _, c := range r.engine.Report(keys).Counters {
		if c.Leased < 0 {
			return false
		}
	}
	return !r.engine.Flying()
}

// compare compares the counters of long windows with what was used.
func (w *world) compare(lost map[string]int64) (compared []string) {
	js := w.lab.admin()
	for _, rule := range w.rules {
		l := rule.now.Load()
		start, tally := w.model.only(l.Key)
		if tally == nil || l.Window.Class() == limits.ClassMinute {
			continue
		}
		total := w.total(js, l, start)
		accounted := tally.used + tally.reserved + lost[l.Key]
		if w.unsure.Load() {
			require.GreaterOrEqual(w.t, total, accounted, "%s: the pool knows of all that was used", l.Key)
		} else {
			require.Equal(w.t, accounted, total, "%s: %d used, %d reserved by who died, and %d leased", l.Key, tally.used, tally.reserved, lost[l.Key])
		}
		compared = append(compared, l.Key)
	}
	return compared
}
