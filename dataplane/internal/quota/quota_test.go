package quota_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/limits"
)

func one() quota.Cost { return quota.Cost{Requests: 1} }

func TestAdmit_is_exact_over_three_replicas_and_leaves_nothing_unused(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{1, 10, 100, 5000} {
		for _, seats := range []int{0, 3} {
			t.Run(strconv.FormatInt(limit, 10)+" of "+strconv.Itoa(seats)+" seats", func(t *testing.T) {
				t.Parallel()
				lab := newLab(t)
				var engines []*quota.Engine
				for i := range 3 {
					engines = append(engines, lab.replica("r"+strconv.Itoa(i), plan{seats: seats, replicas: 3, mine: seats > 0}, lab.clock))
				}
				l := rpm("k", limit)
				var admitted atomic.Int64
				var clients sync.WaitGroup
				for i := range 24 {
					clients.Go(func() {
						e := engines[min(i%8, 2)] // skewed: most at the last
						for n := range 2 * limit / 16 * 2 {
							_ = n
							if _, r := admit(t.Context(), e, one(), l); r == nil {
								admitted.Add(1)
							}
						}
					})
				}
				clients.Wait()
				// One who is refused while another still holds something is not
				// refused for good: the rest is found sooner or later.
				for deadline := time.Now().Add(10 * time.Second); admitted.Load() < limit && time.Now().Before(deadline); {
					for _, e := range engines {
						if _, r := admit(t.Context(), e, one(), l); r == nil {
							admitted.Add(1)
						}
					}
				}
				for _, e := range engines {
					_, r := admit(t.Context(), e, one(), l)
					require.NotNil(t, r)
					require.Equal(t, time.Date(2026, 11, 23, 12, 1, 0, 0, time.UTC), r.Resets)
					require.InDelta(t, r.Resets.Sub(lab.clock.now()), r.RetryAfter, float64(time.Second))
				}
				require.Equal(t, limit, admitted.Load())

				lab.clock.advance(time.Minute)
				_, r := admit(t.Context(), engines[0], one(), l)
				require.Nil(t, r, "the next window is another")
			})
		}
	}
}

func TestAdmit_reserves_everything_or_nothing(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	e := lab.replica("r", plan{replicas: 1}, lab.clock)
	wide, narrow := rpm("wide", 100), rpm("narrow", 1)
	_, r := admit(t.Context(), e, one(), wide, narrow)
	require.Nil(t, r)
	for range 10 {
		_, r = admit(t.Context(), e, one(), wide, narrow)
		require.NotNil(t, r)
		require.Same(t, narrow, r.Limit, "the first one that is violated is named")
	}
	for range 99 {
		_, r = admit(t.Context(), e, one(), wide)
		require.Nil(t, r, "those that were refused have used nothing")
	}
	_, r = admit(t.Context(), e, one(), wide)
	require.NotNil(t, r)
	_, r = admit(t.Context(), e, one(), rpm("zero", 0))
	require.NotNil(t, r, "a limit of zero refuses everything")
}

func TestSettle_gives_back_and_charges(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	e := lab.replica("r", plan{replicas: 1}, lab.clock)
	l := tpm("k", 1000)
	g, r := admit(t.Context(), e, quota.Cost{Tokens: 800}, l)
	require.Nil(t, r)
	_, r = admit(t.Context(), e, quota.Cost{Tokens: 300}, l)
	require.NotNil(t, r, "what is reserved is not there for others")
	require.Equal(t, int64(200), r.Remaining)
	g.Settle(quota.Cost{Tokens: 100})
	g.Settle(quota.Cost{Tokens: 5})
	g.Cancel() // only the first one counts
	require.True(t, g.Empty())
	g, r = admit(t.Context(), e, quota.Cost{Tokens: 900}, l)
	require.Nil(t, r, "what was not used is there again")
	g.Settle(quota.Cost{Tokens: 1500})
	_, r = admit(t.Context(), e, quota.Cost{Tokens: 1}, l)
	require.NotNil(t, r, "what was used beyond the estimate is paid for")
	require.Zero(t, r.Remaining)
	require.Eventually(t, func() bool { return lab.total(l) >= "1600" && len(lab.total(l)) == 4 }, 5*time.Second, 10*time.Millisecond, "and the others learn of it")
}

func TestAdmit_of_money_runs_over_by_the_last_one_only(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	a := lab.replica("a", plan{replicas: 2}, lab.clock)
	b := lab.replica("b", plan{replicas: 2}, lab.clock)
	l := budget("k", 1_000_000)
	ga, r := admit(t.Context(), a, quota.Cost{Nano: 700_000}, l)
	require.Nil(t, r)
	var gb *quota.Grant
	require.Eventually(t, func() bool { gb, r = admit(t.Context(), b, quota.Cost{Nano: 700_000}, l); return r == nil }, 5*time.Second, time.Millisecond,
		"the reservation shrinks to what is left")
	_, r = admit(t.Context(), a, quota.Cost{Nano: 1}, l)
	require.NotNil(t, r)
	require.True(t, r.Resets.IsZero(), "a budget without a period never resets")
	require.Zero(t, r.RetryAfter)
	ga.Settle(quota.Cost{Nano: 700_000})
	gb.Settle(quota.Cost{Nano: 650_000})
	require.Eventually(t, func() bool { return lab.total(l) == "1350000" }, 5*time.Second, 10*time.Millisecond, "the pool knows what was spent: %s", "")
	for _, e := range []*quota.Engine{a, b} {
		_, r = admit(t.Context(), e, quota.Cost{Nano: 1}, l)
		require.NotNil(t, r)
	}
	more := *l
	more.Max = 2_000_000
	_, r = admit(t.Context(), a, quota.Cost{Nano: 100}, &more)
	require.Nil(t, r, "a budget that was raised is there at once")
}

func TestAdmit_tracks_those_who_may_borrow(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	e := lab.replica("r", plan{replicas: 1}, lab.clock)
	l := rpm("k", 5)
	for range 20 {
		g := &quota.Grant{}
		require.Nil(t, e.Admit(t.Context(), g, []quota.Demand{{Limit: l, Track: true}}, one()))
	}
	require.Eventually(t, func() bool { return lab.total(l) == "20" }, 5*time.Second, 10*time.Millisecond)
	_, r := admit(t.Context(), e, one(), l)
	require.NotNil(t, r)
	require.Eventually(t, func() bool { return e.Used(l) == 20 }, 5*time.Second, 10*time.Millisecond)
}

func TestEngine_counts_alone_while_nats_is_away_and_pays_afterwards(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	e := lab.replica("r", plan{replicas: 2}, lab.clock)
	l := rpm("k", 10)
	_, r := admit(t.Context(), e, one(), l)
	require.Nil(t, r)
	lab.server.Stop()
	require.Eventually(t, e.Degraded, 5*time.Second, time.Millisecond)

	admitted := 1
	began := time.Now()
	for range 20 {
		if _, r = admit(t.Context(), e, one(), l); r == nil {
			admitted++
		}
	}
	require.Less(t, time.Since(began), time.Second, "nobody waits for NATS")
	require.GreaterOrEqual(t, admitted, 4)
	require.LessOrEqual(t, admitted, 6, "half of what was left, for one of two")
	e.Configure(true)
	_, r = admit(t.Context(), e, one(), l)
	require.NotNil(t, r)
	require.True(t, r.Unavailable)

	lab.server.Restart()
	require.Eventually(t, func() bool { return !e.Degraded() }, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		if _, r := admit(t.Context(), e, one(), l); r == nil {
			admitted++
		}
		return admitted == 10
	}, 5*time.Second, time.Millisecond, "what was used alone is counted, and the rest is there")
	_, r = admit(t.Context(), e, one(), l)
	require.NotNil(t, r)
}

func TestAdmit_waits_for_a_server_that_hangs_only_once(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	proxy := newHanging(t, lab.server.Addr())
	nc := proxy.connect(lab)
	e := lab.engine("r", nc, plan{replicas: 1}, lab.clock)
	l := rpm("k", 1000)
	_, r := admit(t.Context(), e, one(), l)
	require.Nil(t, r)
	proxy.hang()
	for i := range 100 {
		_, r = admit(t.Context(), e, one(), rpm("k"+strconv.Itoa(i), 1000))
		require.Nil(t, r)
	}
	require.True(t, e.Degraded())
	began := time.Now()
	for i := range 1000 {
		_, r = admit(t.Context(), e, one(), rpm("j"+strconv.Itoa(i), 1000))
		require.Nil(t, r)
	}
	require.Less(t, time.Since(began), 2*time.Second)
}

func TestEngine_raises_a_counter_that_was_lost(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	e := lab.replica("r", plan{replicas: 1}, lab.clock)
	l := rpm("k", 100)
	for range 60 {
		_, r := admit(t.Context(), e, one(), l)
		require.Nil(t, r)
	}
	js := lab.admin()
	require.NoError(t, js.DeleteStream(t.Context(), lab.names.LimitStream("m")))
	lab.provision(0)
	admitted := 60
	require.Eventually(t, func() bool {
		_, r := admit(t.Context(), e, one(), l)
		if r == nil {
			admitted++
		}
		return r != nil && !e.Degraded()
	}, 10*time.Second, 100*time.Microsecond)
	require.Equal(t, 100, admitted)
}

func TestClose_gives_back_what_long_windows_lease(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	e := lab.replica("r", plan{replicas: 1}, lab.clock)
	l := budget("k", 1_000_000)
	g, r := admit(t.Context(), e, quota.Cost{Nano: 1000}, l)
	require.Nil(t, r)
	g.Settle(quota.Cost{Nano: 400})
	e.Close()
	require.Equal(t, "400", lab.total(l))
}

func TestReport_says_what_is_held(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	e := lab.replica("r", plan{replicas: 1}, lab.clock)
	l := tpm("k", 1000)
	_, r := admit(t.Context(), e, quota.Cost{Tokens: 100}, l)
	require.Nil(t, r)
	report := e.Report([]string{l.Key, "tok.1m.api_key.unknown", "rubbish"})
	require.Len(t, report.Counters, 1)
	require.Equal(t, int64(100), report.Counters[0].Reserved)
}

func TestParse_reads_every_key_that_is_made(t *testing.T) {
	t.Parallel()
	month, err := limits.Every("30d")
	require.NoError(t, err)
	for _, l := range []limits.Limit{
		*rpm("a", 1), *tpm("b", 1), *budget("c", 1), limits.New(limits.Team, limits.Money, month, 1, "n", "x", "y"), limits.New(limits.User, limits.Parallel, limits.Window{}, 1, "n", "x"),
	} {
		got, ok := limits.Parse(l.Key)
		require.True(t, ok, l.Key)
		l.Max, l.Name = 0, ""
		require.Equal(t, l, got)
	}
	for _, key := range []string{"", "req", "req.1m", "req.1m.api_key", "req.7m.api_key.x", "abc.1m.api_key.x", "usd.xx.api_key.x", "req.1m.api_key."} {
		_, ok := limits.Parse(key)
		require.False(t, ok, key)
	}
}

func TestAdmit_spreads_what_is_larger_than_a_window(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	e := lab.replica("r", plan{replicas: 1}, lab.clock)
	l := rpm("k", 100)
	spread := func(n int64) (*quota.Grant, *quota.Refusal) {
		g := &quota.Grant{}
		return g, e.Admit(t.Context(), g, []quota.Demand{{Limit: l, Spread: true}}, quota.Cost{Requests: n})
	}
	used := func() (n int) {
		for range 200 {
			if _, r := admit(t.Context(), e, one(), l); r == nil {
				n++
			}
		}
		return n
	}
	g, r := spread(170)
	require.Nil(t, r)
	require.Equal(t, 50, used(), "a batch takes half of a window")
	_, r = spread(170)
	require.NotNil(t, r, "and is refused where that is not free")
	g.Settle(quota.Cost{Requests: 170})
	for _, left := range []int{50, 50, 80, 100} {
		lab.clock.advance(time.Minute)
		require.Equal(t, left, used())
	}
	lab.clock.advance(time.Minute)
	g, r = spread(1000)
	require.Nil(t, r)
	g.Cancel()
	for range 2 {
		require.Equal(t, 100, used(), "what is given back is there again, also in the windows that follow")
		lab.clock.advance(time.Minute)
	}
}
