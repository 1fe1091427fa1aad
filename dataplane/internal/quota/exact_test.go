package quota_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

func TestSettle_makes_up_for_what_was_used_beyond_the_limit(t *testing.T) {
	t.Parallel()
	for _, window := range []limits.Window{limits.Minute, limits.Day} {
		t.Run(window.String(), func(t *testing.T) {
			t.Parallel()
			lab := newLab(t)
			a := lab.replica("a", plan{replicas: 2}, lab.clock)
			b := lab.replica("b", plan{replicas: 2}, lab.clock)
			l := limits.New(limits.Key, limits.Tokens, window, 1000, "k", "k")
			_, r := admit(t.Context(), b, quota.Cost{Tokens: 1000}, &l)
			require.Nil(t, r)
			g := &quota.Grant{}
			require.Nil(t, a.Admit(t.Context(), g, []quota.Demand{{Limit: &l, Track: true}}, quota.Cost{Tokens: 500}))
			require.Eventually(t, func() bool { return lab.total(&l) == "1500" }, 5*time.Second, time.Millisecond)

			g.Settle(quota.Cost{Tokens: 100})
			_, r = admit(t.Context(), a, quota.Cost{Tokens: 1}, &l)
			require.NotNil(t, r, "what comes back is not there for others")
			if window == limits.Day {
				require.Eventually(t, func() bool { return lab.total(&l) == "1100" }, 5*time.Second, time.Millisecond, "and the pool learns of it")
			}
		})
	}
}

func TestAdmit_knows_a_limit_that_was_lowered_in_another_window(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	p := plan{seats: 2, replicas: 2, mine: true}
	a, b := lab.replica("a", p, lab.clock), lab.replica("b", p, lab.clock)
	for _, e := range []*quota.Engine{a, b} {
		_, r := admit(t.Context(), e, one(), rpm("k", 100))
		require.Nil(t, r)
	}
	lab.clock.advance(time.Minute)
	low, admitted := rpm("k", 10), 0
	for range 200 {
		if _, r := admit(t.Context(), a, one(), low); r == nil {
			admitted++
		}
	}
	require.Equal(t, 10, admitted, "b has had no call in this window and holds a share of the limit as it was")
}

func TestAdmit_gives_nothing_twice_when_a_limit_is_lowered_and_raised_again(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	e := lab.replica("r", plan{seats: 1, replicas: 1, mine: true}, lab.clock)
	full, low := rpm("k", 600), rpm("k", 60)
	_, r := admit(t.Context(), e, quota.Cost{Requests: 600}, full)
	require.Nil(t, r)
	for range 3 {
		_, r = admit(t.Context(), e, one(), low)
		require.NotNil(t, r)
		require.Eventually(t, func() bool { return lab.total(low) == "570" }, 5*time.Second, time.Millisecond, "the pool is told of what the share is too small for")
		_, r = admit(t.Context(), e, one(), full)
		require.NotNil(t, r)
	}
}

func TestSweep_forgets_no_share_that_was_given_away(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	p := plan{seats: 2, replicas: 2, mine: true}
	a, b := lab.replica("a", p, lab.clock), lab.replica("b", p, lab.clock)
	l, admitted := rpm("k", 10), 0
	for range 50 { // all at a: b knows the limit by its questions only
		if _, r := admit(t.Context(), a, one(), l); r == nil {
			admitted++
		}
		b.Sweep()
		lab.clock.advance(100 * time.Millisecond)
	}
	require.Equal(t, 10, admitted)
}

func TestReclaim_asks_for_more_than_one_unit_at_a_time(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	p := plan{seats: 2, replicas: 2, mine: true}
	a, b := lab.replica("a", p, lab.clock), lab.replica("b", p, lab.clock)
	l := rpm("k", 4000)
	g, r := admit(t.Context(), b, quota.Cost{Requests: 3000}, l)
	require.Nil(t, r)
	g.Cancel() // b holds all but a's share, and is in use

	var questions atomic.Int64
	nc := lab.server.Connect(natstest.Admin)
	_, err := nc.Subscribe(lab.names.ReclaimSubject(), func(*nats.Msg) { questions.Add(1) })
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	for range 3000 {
		_, r = admit(t.Context(), a, one(), l)
		require.Nil(t, r)
	}
	require.Less(t, questions.Load(), int64(20))
}
