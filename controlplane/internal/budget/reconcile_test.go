package budget_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

// A data plane was killed that had leased money: that goes back, exactly, and
// nothing that others have.
func TestReconciler_takes_back_what_the_dead_had(t *testing.T) {
	t.Parallel()
	k := newKit(t, `INSERT INTO budget_spend (counter, period_start, spend_nano) VALUES ('usd.life.api_key.k', 'epoch', 130)`)
	c := pool.OfBudget("usd.life.api_key.k", 0)
	dead, alive := k.Join("dead"), k.Join("alive")
	dead.Lease(c, 100)
	dead.Spend(c, 30) // booked
	alive.Lease(c, 200)
	alive.Spend(c, 100) // booked
	k.reconciler.Note([]pool.Counter{c})
	for range 4 {
		k.round()
	}
	require.EqualValues(t, 300, k.Value(c), "all of it is held by somebody")
	dead.Die()
	k.round()
	require.EqualValues(t, 300, k.Value(c), "it is not quiet yet")
	alive.Spend(c, 1)
	k.round()
	alive.Spend(c, -1)
	k.round()
	require.EqualValues(t, 300, k.Value(c), "it is not quiet yet")
	for range 3 {
		k.round()
		require.EqualValues(t, 230, k.Value(c), "130 are booked, 100 are leased")
	}
	alive.Lease(c, -100)
	for range 4 {
		k.round()
	}
	require.EqualValues(t, 130, k.Value(c))
}

// While usage may be on its way, or somebody can not be heard, nothing is done.
func TestReconciler_waits_until_all_is_known(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c := pool.OfBudget("usd.life.api_key.k", 0)
	one := k.Join("one")
	require.NoError(t, k.Pool.Add(t.Context(), c, 50, ""))
	k.reconciler.Note([]pool.Counter{c})
	for name, hinder := range map[string]func() (undo func()){
		"a data plane that does not answer": func() func() { one.Mute(true); return func() { one.Mute(false) } },
		"one that counts alone":             func() func() { one.Degrade(true); return func() { one.Degrade(false) } },
		"usage in a spool":                  func() func() { one.Beat(1); return func() { one.Beat(0) } },
		"usage that is not booked": func() func() {
			_, err := k.JS.Publish(t.Context(), k.Names.UsageSubject("one"), []byte("{}"))
			require.NoError(t, err)
			return func() {
				stream, err := k.JS.Stream(t.Context(), k.Names.UsageStream())
				require.NoError(t, err)
				require.NoError(t, stream.Purge(t.Context()))
			}
		},
	} {
		undo := hinder()
		for range 3 {
			k.round()
		}
		require.EqualValues(t, 50, k.Value(c), name)
		undo()
	}
	for range 3 {
		k.round()
	}
	require.EqualValues(t, 0, k.Value(c))
}

// A counter may also be too low, after an old copy of NATS' files came back.
func TestReconciler_raises_what_is_too_low(t *testing.T) {
	t.Parallel()
	k := newKit(t, `INSERT INTO budget_spend (counter, period_start, spend_nano) VALUES ('usd.life.api_key.k', 'epoch', 130)`)
	c := pool.OfBudget("usd.life.api_key.k", 0)
	one := k.Join("one")
	one.Set(c, contract.LimitHolder{Leased: 20, Reserved: 5})
	k.reconciler.Note([]pool.Counter{c})
	for range 3 {
		k.round()
	}
	require.EqualValues(t, 155, k.Value(c))
}

// The sweep finds by itself what nobody booked, and forgets past periods.
func TestReconciler_sweeps(t *testing.T) {
	t.Parallel()
	k := newKit(t, `INSERT INTO budget_spend (counter, period_start, period_end, spend_nano) VALUES
		('usd.life.api_key.low', 'epoch', NULL, 40), ('usd.1d.api_key.past', '2020-01-01', '2020-01-02', 5)`)
	low, leaked, present := pool.OfBudget("usd.life.api_key.low", 0), pool.OfBudget("usd.life.api_key.leaked", 0), k.period("usd.1d.api_key.now", "1d")
	late := pool.OfBudget("usd.1m.api_key.late", time.Now().Add(-2*time.Minute).Unix())
	for _, c := range []pool.Counter{low, leaked, present, late} {
		require.NoError(t, k.Pool.Add(t.Context(), c, 10, ""))
	}
	one := k.Join("one")
	one.Set(present, contract.LimitHolder{Leased: 10})
	past := make([]pool.Counter, 700)
	for i := range past {
		past[i] = pool.OfBudget(fmt.Sprintf("usd.1d.api_key.k%d", i), int64(i)*86400)
		require.NoError(t, k.Pool.Add(t.Context(), past[i], 1, ""))
	}
	stop := lifecycle.Loop(k.reconciler.Run)
	defer stop()
	require.Eventually(t, func() bool {
		stream, err := k.JS.Stream(t.Context(), k.Names.LimitStream("b"))
		return err == nil && stream.CachedInfo().State.Msgs == 4 && k.Value(leaked) == 0 && k.Value(low) == 40
	}, 20*time.Second, 10*time.Millisecond)
	require.EqualValues(t, 10, k.Value(present))
	require.EqualValues(t, 10, k.Value(late))
	require.Eventually(t, func() bool {
		var n int
		return k.st.DB().QueryRow(t.Context(), "SELECT count(*) FROM budget_spend").Scan(&n) == nil && n == 1
	}, 20*time.Second, 10*time.Millisecond)
}
