package slot_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota/slot"
	"github.com/tianjillm/tianjillm/testkit/cutter"
)

// limited is a limit and the calls under way under it.
type limited struct {
	key   string
	limit int64
	now   atomic.Int64
	over  atomic.Int64
}

// Whatever replicas do, in whatever order, while connections are cut for a
// moment: no limit is passed, and nothing leaks.
func TestRandomUse(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	b := newBus(t, names...)
	random := rand.New(rand.NewPCG(seed, 0))
	var all []*limited
	for i := range 6 {
		all = append(all, &limited{key: fmt.Sprintf("par.life.team.%d", i), limit: 1 + random.Int64N(9)})
	}
	var wg sync.WaitGroup
	var replicas []*replica
	var proxies []*cutter.Proxy
	stop := make(chan struct{})
	for i, name := range names {
		p := cutter.New(t, b.server.Addr())
		r := b.replicaBehind(p, name, 3*time.Second)
		proxies, replicas = append(proxies, p), append(replicas, r)
		for j := range 8 {
			random := rand.New(rand.NewPCG(seed, uint64(1+8*i+j)))
			wg.Go(func() { wander(r, all, random, stop) })
		}
	}
	for range 5 {
		wait(time.Duration(random.IntN(250))*time.Millisecond, nil)
		p := proxies[random.IntN(len(proxies))]
		p.Cut()
		wait(time.Duration(random.IntN(50))*time.Millisecond, nil)
		p.Resume()
	}
	close(stop)
	wg.Wait()
	for _, l := range all {
		require.Zero(t, l.over.Load(), "%s of %d", l.key, l.limit)
		require.Zero(t, l.now.Load())
		r := replicas[random.IntN(len(replicas))]
		slots := r.fill(l.key, l.limit, int(l.limit))
		_, ok := r.acquire(l.key, l.limit)
		require.False(t, ok)
		releaseAll(slots)
		for _, r := range replicas {
			_, inUse := r.Held(l.key)
			require.Zero(t, inUse)
		}
	}
}

// wander takes and releases slots at random, some of them twice.
func wander(r *replica, all []*limited, random *rand.Rand, stop <-chan struct{}) {
	type call struct {
		of *limited
		s  slot.Slot
	}
	var calls []call
	for {
		select {
		case <-stop:
			for _, c := range calls {
				c.of.now.Add(-1)
				c.s.Release()
			}
			return
		default:
		}
		l := all[random.IntN(len(all))]
		switch n := random.IntN(10); {
		case n < 5:
			if s, ok := r.acquire(l.key, l.limit); ok {
				if l.now.Add(1) > l.limit {
					l.over.Add(1)
				}
				calls = append(calls, call{l, s})
			}
		case n < 6: // asks, and does not wait
			r.More(l.key, l.limit)
		case n < 7:
			wait(time.Duration(random.IntN(3000))*time.Microsecond, stop)
		case len(calls) > 0:
			i := random.IntN(len(calls))
			calls[i].of.now.Add(-1)
			calls[i].s.Release()
			calls[i].s.Release()
			calls = slices.Delete(calls, i, i+1)
		}
	}
}
