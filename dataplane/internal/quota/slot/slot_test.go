package slot_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var names = []string{"one", "two", "three"}

func TestNeverMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	b := newBus(t, names...)
	const limit = 10
	var m meter
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var all []*replica
	for _, name := range names {
		r := b.replica(name, time.Second)
		all = append(all, r)
		load(&wg, r, key, fixed(limit), 12, func() time.Duration { return rand.N(5 * time.Millisecond) }, &m, stop)
	}
	wait(time.Second, nil)
	close(stop)
	wg.Wait()
	t.Logf("%d calls, %d refused, at most %d at a time, %d operations", m.total.Load(), m.refused.Load(), m.most.Load(), b.operations())
	require.LessOrEqual(t, m.most.Load(), int64(limit))
	require.GreaterOrEqual(t, m.most.Load(), int64(limit-1), "slots are not left unused")
	// Nothing leaked: one replica gets them all, and no more.
	slots := all[1].fill(key, limit, limit)
	for _, r := range all {
		_, ok := r.acquire(key, limit)
		require.False(t, ok)
	}
	releaseAll(slots)
	_, inUse := all[1].Held(key)
	require.Zero(t, inUse)
}

func TestSlotsAreHandedOverFairly(t *testing.T) {
	t.Parallel()
	b := newBus(t, names...)
	const limit = 12
	var m meter
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var all []*replica
	for i, name := range names {
		r := b.replica(name, time.Second)
		all = append(all, r)
		begun := time.Now()
		load(&wg, r, key, fixed(limit), 2*limit, lasting(20*time.Millisecond), &m, stop)
		require.Eventually(t, func() bool {
			for _, r := range all {
				if held, _ := r.Held(key); held < limit/int64(i+1) {
					return false
				}
			}
			return true
		}, 5*time.Second, time.Millisecond)
		t.Logf("replica %d has its part after %s", i+1, time.Since(begun).Round(time.Millisecond))
	}
	close(stop)
	wg.Wait()
	require.LessOrEqual(t, m.most.Load(), int64(limit))
}

// With fewer slots than replicas, each gets its turn.
func TestTheOnlySlotMovesOn(t *testing.T) {
	t.Parallel()
	b := newBus(t, names...)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var together meter
	var each [3]meter
	for i, name := range names {
		r := b.replica(name, time.Second)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, ok := r.acquire(key, 1)
				if !ok {
					wait(time.Millisecond, stop)
					continue
				}
				together.begin()
				each[i].begin()
				wait(3*time.Millisecond, stop)
				together.end()
				s.Release()
			}
		})
	}
	require.Eventually(t, func() bool {
		return min(each[0].total.Load(), each[1].total.Load(), each[2].total.Load()) >= 20
	}, 10*time.Second, time.Millisecond)
	close(stop)
	wg.Wait()
	require.Equal(t, int64(1), together.most.Load())
}

func TestWarmLimitsCostNothing(t *testing.T) {
	t.Parallel()
	b := newBus(t, names...)
	r := b.replica("one", time.Second)
	before := b.operations()
	r.must(key, 9).Release()
	require.Equal(t, int64(1), b.operations()-before, "a limit that nobody uses takes one write")
	held, _ := r.Held(key)
	require.Equal(t, int64(3), held, "which takes an even part")
	for range 1000 {
		s, ok := r.Try(key, 9)
		require.True(t, ok)
		s.Release()
	}
	require.Equal(t, int64(1), b.operations()-before)

	// Alone with all slots in use, refusals are free too.
	slots := r.fill(key, 9, 9)
	before = b.operations()
	for range 100 {
		_, ok := r.acquire(key, 9)
		require.False(t, ok)
	}
	require.Equal(t, before, b.operations())
	after, full := r.Full(key)
	require.True(t, full)
	require.Positive(t, after)
	releaseAll(slots)
	r.must(key, 9).Release()
}

func TestReleaseCountsOnce(t *testing.T) {
	t.Parallel()
	r := newBus(t).replica("one", time.Second)
	first := r.must(key, 2)
	copied := first
	second := r.must(key, 2)
	first.Release()
	copied.Release()
	first.Release()
	third := r.must(key, 2)
	first.Release() // the third has taken its place
	_, inUse := r.Held(key)
	require.Equal(t, int64(2), inUse)
	_, ok := r.acquire(key, 2)
	require.False(t, ok)
	second.Release()
	third.Release()
	_, ok = r.Try(key, 0)
	require.False(t, ok)
	<-r.More(key, 0)
	_, ok = r.Local(key, 0)
	require.False(t, ok)
}

func TestLimitsChange(t *testing.T) {
	t.Parallel()
	b := newBus(t, names[:2]...)
	one, two := b.replica("one", time.Second), b.replica("two", time.Second)
	slots := append(one.fill(key, 10, 6), two.fill(key, 10, 4)...)
	for _, r := range []*replica{one, two} {
		_, ok := r.acquire(key, 10)
		require.False(t, ok)
	}
	// Lowered: as long as four calls or more are under way, none begins.
	for len(slots) > 4 {
		for _, r := range []*replica{one, two} {
			_, ok := r.acquire(key, 4)
			require.False(t, ok, "%d calls are under way", len(slots))
		}
		slots[0].Release()
		slots = slots[1:]
	}
	_, ok := one.acquire(key, 4)
	require.False(t, ok)
	slots[0].Release()
	slots[0] = one.must(key, 4)
	_, ok = two.acquire(key, 4)
	require.False(t, ok)

	// Raised: at once.
	more := two.must(key, 5)
	_, ok = one.acquire(key, 5)
	require.False(t, ok)
	more.Release()
	releaseAll(slots)
}

func TestUnusedSlotsAreGivenBack(t *testing.T) {
	t.Parallel()
	b := newBus(t, names...)
	r := b.replica("one", 120*time.Millisecond)
	releaseAll(r.fill(key, 30, 5))
	busy := r.must("par.life.team.busy", 1)
	require.Eventually(t, func() bool { sum, _ := b.record(key); return sum == 1 }, 5*time.Second, 5*time.Millisecond, "one is kept")
	require.Eventually(t, func() bool { return r.Entries() == 1 }, 10*time.Second, 5*time.Millisecond, "at last all of it is forgotten")
	// What expires leaves nothing in the bucket.
	require.Eventually(t, func() bool { _, of := b.record(key); return of == nil }, 10*time.Second, 10*time.Millisecond)
	held, inUse := r.Held("par.life.team.busy")
	require.Equal(t, []int64{1, 1}, []int64{held, inUse})
	busy.Release()
	r.must(key, 30).Release()
}

func TestCloseGivesBack(t *testing.T) {
	t.Parallel()
	b := newBus(t, "one", "two")
	// With no call under way at once, whatever there was.
	one, two := b.replica("one", time.Minute), b.replica("two", time.Minute)
	releaseAll(one.fill(key, 8, 8))
	one.Close()
	all := two.fill(key, 8, 8)

	// With some, what they do not use.
	two.must("other", 4)
	releaseAll(all)
	two.Close()
	three := b.replica("three", time.Minute)
	slots := three.fill("other", 4, 3)
	_, ok := three.acquire("other", 4)
	require.False(t, ok)
	releaseAll(slots)
	_, ok = two.Try(key, 8)
	require.False(t, ok)
	<-two.More(key, 8)
}
