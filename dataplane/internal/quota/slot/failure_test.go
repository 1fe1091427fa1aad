package slot_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota/slot"
	"github.com/tianjillm/tianjillm/testkit/cutter"
)

func TestSlotsOfTheDeadComeBack(t *testing.T) {
	t.Parallel()
	const ttl = time.Second
	b := newBus(t, names[:2]...)
	one, two := b.replica("one", ttl), b.replica("two", ttl)
	one.fill(key, 6, 6)
	one.fill("asked.once.before", 2, 2)
	_, ok := two.acquire(key, 6)
	require.False(t, ok)
	died := time.Now()
	one.conn.Close() // as a process that is killed
	slots := two.fill(key, 6, 6)
	took := time.Since(died)
	t.Logf("slots were back after %s, with leases of %s", took.Round(time.Millisecond), ttl)
	require.Greater(t, took, ttl/2, "one may still use them that long")
	require.Less(t, took, ttl+time.Second)
	releaseAll(slots)
	// Nobody wanted these meanwhile; they come at once.
	slots = []slot.Slot{two.must("asked.once.before", 2), two.must("asked.once.before", 2)}
	releaseAll(slots)

	// A replica that comes later finds what is dead as well, and so does one of
	// the same name.
	two.fill(key, 6, 6)
	two.conn.Close()
	again := b.replica("two", ttl)
	releaseAll(again.fill(key, 6, 6))
}

// A replica that is cut off stops using its slots before others get them.
func TestWhoIsCutOffFencesItself(t *testing.T) {
	t.Parallel()
	const ttl = time.Second
	b := newBus(t, names[:2]...)
	proxy := cutter.New(t, b.server.Addr())
	one, two := b.replicaBehind(proxy, "one", ttl), b.replica("two", ttl)
	var m meter
	var wg sync.WaitGroup
	stop := make(chan struct{})
	load(&wg, one, key, fixed(4), 6, lasting(2*time.Millisecond), &m, stop)
	require.Eventually(t, func() bool { held, _ := one.Held(key); return held == 4 }, 5*time.Second, time.Millisecond)
	proxy.Blackhole() // hangs, without an error
	lastly := two.fill(key, 4, 4)
	require.False(t, one.Ready())
	_, ok := one.Try(key, 4)
	require.False(t, ok)
	most := m.most.Load()
	require.Equal(t, int64(4), most)
	// From now on every call of one would be too many.
	for range 4 {
		m.begin()
	}
	proxy.Cut()
	proxy.Resume()
	one.ready()
	held, _ := one.Held(key)
	require.Zero(t, held)
	releaseAll(lastly)
	for range 4 {
		m.end()
	}
	again := m.total.Load()
	require.Eventually(t, func() bool { return m.total.Load() > again+20 }, 10*time.Second, time.Millisecond, "one comes back")
	close(stop)
	wg.Wait()
	require.LessOrEqual(t, m.most.Load(), int64(4))
}

func TestWhoWasPausedFencesItself(t *testing.T) {
	t.Parallel()
	r := newBus(t).replica("one", 2*time.Second)
	r.must(key, 4).Release()
	r.skew.Add(int64(1600 * time.Millisecond))
	_, ok := r.Try(key, 4)
	require.False(t, ok)
	// Nobody else was there to take the slots: a renewal is enough.
	r.ready()
	held, _ := r.Held(key)
	require.Equal(t, int64(4), held)
	r.must(key, 4).Release()
}

// While NATS is away slots are counted alone, and entered into the record when
// it is back.
func TestAlone(t *testing.T) {
	t.Parallel()
	const ttl = time.Second
	b := newBus(t, names[:2]...)
	proxy := cutter.New(t, b.server.Addr())
	one, two := b.replicaBehind(proxy, "one", ttl), b.replica("two", ttl)
	one.must(key, 6).Release() // and holds 3
	proxy.Cut()
	slots := two.fill(key, 6, 6) // those of one as well, in the end
	var alone []slot.Slot
	for range 3 {
		s, ok := one.Local(key, 6)
		require.True(t, ok)
		alone = append(alone, s)
	}
	_, ok := one.Local(key, 6)
	require.False(t, ok, "no more than its part")
	s, ok := one.Local("unheard.of", 3)
	require.True(t, ok)

	proxy.Resume()
	one.ready()
	// Nine calls are under way for a limit of six: one begins none until five
	// are, and asks for what it uses.
	for i := range 4 {
		_, ok = one.acquire(key, 6)
		require.False(t, ok)
		slots[i].Release()
	}
	more := one.must(key, 6)
	for _, r := range []*replica{one, two} {
		_, ok = r.acquire(key, 6)
		require.False(t, ok)
	}
	sum, _ := b.record("unheard.of")
	require.Equal(t, int64(1), sum, "what was taken alone is in the record")
	s.Release()
	more.Release()
	releaseAll(alone)
	releaseAll(slots[4:])
	releaseAll(two.fill(key, 6, 6))
}

// A cut that is shorter than the lease costs nothing.
func TestShortCut(t *testing.T) {
	t.Parallel()
	b := newBus(t, names[:2]...)
	proxy := cutter.New(t, b.server.Addr())
	one := b.replicaBehind(proxy, "one", 2*time.Second)
	slots := one.fill(key, 4, 2)
	proxy.Cut()
	third, ok := one.Try(key, 4)
	if held, _ := one.Held(key); held > 2 {
		require.True(t, ok, "held are %d", held)
	}
	proxy.Resume()
	require.Eventually(t, one.conn.IsConnected, 5*time.Second, time.Millisecond)
	slots = append(slots, one.fill(key, 4, 1)...)
	third.Release()
	releaseAll(slots)
}

// A write whose answer is late leaves in doubt what it did. Slots that may have
// been given away are not used.
func TestDoubt(t *testing.T) {
	t.Parallel()
	b := newBus(t, names[:2]...)
	proxy := cutter.New(t, b.server.Addr())
	one, two := b.replicaBehind(proxy, "one", 2*time.Second), b.replica("two", 2*time.Second)
	slots := one.fill(key, 4, 4)
	releaseAll(slots[1:])
	proxy.SetLatency(300 * time.Millisecond) // longer than one waits for an answer
	slots = append(slots[:1], two.must(key, 4))
	for range 500 {
		for _, r := range []*replica{one, two} {
			if s, ok := r.Try(key, 4); ok {
				slots = append(slots, s)
			}
		}
		wait(time.Millisecond, nil)
	}
	require.LessOrEqual(t, len(slots), 4)
	proxy.SetLatency(0)
	for len(slots) < 4 {
		slots = append(slots, one.must(key, 4))
	}
	for _, r := range []*replica{one, two} {
		_, ok := r.acquire(key, 4)
		require.False(t, ok)
	}
	releaseAll(slots)
	releaseAll(one.fill(key, 4, 4))
}

// What is known of a record may be of a bucket that is no more.
func TestKnowledgeOfTheFuture(t *testing.T) {
	t.Parallel()
	b := newBus(t, names[:2]...)
	one, two := b.replica("one", time.Second), b.replica("two", time.Second)
	slots := append(one.fill(key, 4, 2), two.fill(key, 4, 1)...)
	data, err := json.Marshal(map[string]any{"k": key, "r": "old", "i": "OLD", "rev": 1 << 40, "h": map[string]int{"OLD": 4}, "m": 4, "w": 1})
	require.NoError(t, err)
	require.NoError(t, two.conn.Publish(b.names.SlotSubject("reclaim", "all"), data))
	require.Eventually(t, func() bool { held, _ := one.Held(key); return held == 0 }, 5*time.Second, time.Millisecond)
	slots = append(slots, one.must(key, 4))
	for _, r := range []*replica{one, two} {
		_, ok := r.acquire(key, 4)
		require.False(t, ok)
	}
	releaseAll(slots)
	releaseAll(two.fill(key, 4, 4))
}

// NATS forgets all that is in memory when it is started again. What is in use
// is entered anew, also by one who comes back later than others.
func TestBucketIsLost(t *testing.T) {
	t.Parallel()
	const ttl = 5 * time.Second
	b := newBus(t, names...)
	url := b.server.URL("dataplane")
	proxy := cutter.New(t, b.server.Addr())
	all := []*replica{b.replica("one", ttl), b.replicaBehind(proxy, "two", ttl)}
	slots := append(all[0].fill(key, 5, 3), all[1].fill(key, 5, 2)...)
	proxy.Cut()
	b.server.Stop()
	// One that starts without NATS.
	all = append(all, b.open(url, "three", ttl))
	_, ok := all[2].Try(key, 5)
	require.False(t, ok)
	<-all[2].More(key, 5)
	_, full := all[2].Full(key)
	require.False(t, full, "nothing is known")

	var more meter
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for _, r := range all {
		load(&wg, r, key, fixed(5), 2, lasting(time.Millisecond), &more, stop)
	}
	b.server.Restart()
	b.provision()
	sum := func(want int64) func() bool {
		return func() bool { sum, _ := b.record(key); return sum == want }
	}
	require.Eventually(t, sum(3), 10*time.Second, time.Millisecond)
	require.False(t, all[0].Ready(), "more is not taken for a moment")
	proxy.Resume()
	require.Eventually(t, sum(5), 10*time.Second, time.Millisecond)
	for _, r := range all {
		r.ready()
	}
	wait(50*time.Millisecond, stop)
	require.Zero(t, more.total.Load(), "five calls are under way")
	slots[4].Release()
	require.Eventually(t, func() bool { return more.total.Load() > 0 }, 10*time.Second, time.Millisecond)
	close(stop)
	wg.Wait()
	require.Equal(t, int64(1), more.most.Load())
	releaseAll(slots)
	releaseAll(all[1].fill(key, 5, 5))
}
