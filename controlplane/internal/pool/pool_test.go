package pool_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool/pooltest"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
	"github.com/tianjillm/tianjillm/testkit/natstest"
)

func TestPool_reads_and_changes_counters(t *testing.T) {
	t.Parallel()
	b := pooltest.New(t, natstest.Start(t, pooltest.Options(t)))
	c, other := pool.OfBudget("usd.1d.team.eA", 60), pool.OfBudget("usd.1d.team.eA", 120)
	require.EqualValues(t, 0, b.Value(c))
	for range 3 {
		require.NoError(t, b.Pool.Add(t.Context(), c, 5, "once"))
	}
	require.EqualValues(t, 5, b.Value(c))
	require.NoError(t, b.Pool.Add(t.Context(), c, -2, ""))
	require.NoError(t, b.Pool.Raise(t.Context(), c, 2))
	require.EqualValues(t, 3, b.Value(c), "it is higher already")
	require.NoError(t, b.Pool.Raise(t.Context(), c, 9))
	require.EqualValues(t, 9, b.Value(c))
	require.NoError(t, b.Pool.Add(t.Context(), other, 1, ""))
	require.NoError(t, b.Pool.Forget(t.Context(), c))
	require.EqualValues(t, 0, b.Value(c))
	require.EqualValues(t, 1, b.Value(other))
}

// Two who raise a counter at once do not raise it twice.
func TestPool_raises_once(t *testing.T) {
	t.Parallel()
	b := pooltest.New(t, natstest.Start(t, pooltest.Options(t)))
	c := pool.OfBudget("usd.life.team.eA", 0)
	done := make(chan error)
	for range 8 {
		go func() { done <- b.Pool.Raise(context.Background(), c, 100) }()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
	require.EqualValues(t, 100, b.Value(c))
}

func TestPool_walks_over_all_counters(t *testing.T) {
	t.Parallel()
	b := pooltest.New(t, natstest.Start(t, pooltest.Options(t)))
	none := func([]pool.Entry) error { return fmt.Errorf("there are none") }
	require.NoError(t, b.Pool.Each(t.Context(), limits.ClassBudget, 10, none))
	want := map[pool.Counter]int64{}
	for i := range 25 {
		c := pool.OfBudget(fmt.Sprintf("usd.life.team.t%d", i%20), int64(i))
		require.NoError(t, b.Pool.Add(t.Context(), c, int64(i), ""))
		want[c] = int64(i)
	}
	got := map[pool.Counter]int64{}
	require.NoError(t, b.Pool.Each(t.Context(), limits.ClassBudget, 10, func(page []pool.Entry) error {
		require.LessOrEqual(t, len(page), 10)
		for _, e := range page {
			got[e.Counter] = e.Value
		}
		return nil
	}))
	require.Equal(t, want, got)
	broken := fmt.Errorf("broken")
	require.ErrorIs(t, b.Pool.Each(t.Context(), limits.ClassBudget, 10, func([]pool.Entry) error { return broken }), broken)
}

func TestPool_asks_all_data_planes(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, pooltest.Options(t))
	b := pooltest.New(t, server)
	c := pool.OfBudget("usd.life.team.eA", 0)
	keys := []string{c.Key}
	for i := range 400 { // several questions
		keys = append(keys, fmt.Sprintf("usd.life.team.t%d", i))
	}
	held, err := b.Pool.Holdings(t.Context(), keys)
	require.NoError(t, err)
	require.Empty(t, held.By)

	one, two := b.Join("one"), b.Join("two")
	one.Lease(c, 10)
	two.Set(c, contract.LimitHolder{Leased: -3, Reserved: 3})
	two.Set(pool.OfBudget("usd.life.team.t399", 5), contract.LimitHolder{Leased: 1})
	held, err = b.Pool.Holdings(t.Context(), keys)
	require.NoError(t, err)
	require.Empty(t, held.Silent)
	leased, reserved := held.Of(c)
	require.Equal(t, []int64{7, 3}, []int64{leased, reserved})
	require.True(t, held.Anything(c))
	require.False(t, held.Anything(pool.OfBudget("usd.life.team.t399", 6)), "of another period")
	require.True(t, held.Anything(pool.OfBudget("usd.life.team.t399", 5)))

	two.Mute(true)
	two.Beat(7)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	held, err = b.Pool.Holdings(ctx, keys[:1])
	require.NoError(t, err)
	require.Equal(t, []string{"two"}, held.Silent)
	require.Len(t, held.By, 1)
	require.True(t, held.Spooled)

	server.Stop()
	_, err = b.Pool.Holdings(t.Context(), keys[:1])
	require.Error(t, err)
	_, err = b.Pool.Value(t.Context(), c)
	require.Error(t, err)
}
