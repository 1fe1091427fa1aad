package health_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
)

var now = time.Unix(1_800_000_000, 0)

func TestUsage_is_of_a_minute(t *testing.T) {
	t.Parallel()
	u := &health.Usage{}
	require.True(t, u.Take(10, 2))
	require.True(t, u.Take(10, 2))
	require.False(t, u.Take(10, 2))
	u.Refund(10)
	require.True(t, u.Take(10, 2))
	require.True(t, u.Take(11, 2))
	require.False(t, u.Take(10, 1), "who is late counts in the minute that has begun")
	require.EqualValues(t, 1, u.Requests(11))
	u.Refund(10)
	require.EqualValues(t, 1, u.Requests(11), "and takes back nothing of it")
	require.Zero(t, u.Requests(12))

	u.AddRemote(12, 3, 30)
	u.Spend(12, 5)
	require.EqualValues(t, 3, u.Requests(12))
	require.EqualValues(t, 35, u.Tokens(12))
	require.False(t, u.Take(12, 3), "what others have used counts")
	require.True(t, u.Take(12, 0))
	requests, tokens := u.Local(12)
	require.Equal(t, [2]int64{1, 5}, [2]int64{requests, tokens})

	// What is counted does not spill over.
	u.Spend(13, 1<<50)
	require.EqualValues(t, 1<<36-1, u.Tokens(13))
}

func TestUsage_limit_holds_across_a_minute(t *testing.T) {
	t.Parallel()
	u := &health.Usage{}
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[int64]int{}
	for range 8 {
		wg.Go(func() {
			for minute := range int64(50) {
				for range 20 {
					if u.Take(minute, 5) {
						mu.Lock()
						taken[minute]++
						mu.Unlock()
					}
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range taken {
		total += n
	}
	require.Equal(t, 50*5, total)
}

func TestState_latency_is_that_of_the_last_calls(t *testing.T) {
	t.Parallel()
	s := health.NewRegistry().State("a")
	_, known := s.Latency(now.UnixNano(), false)
	require.False(t, known)
	for i := range 25 {
		s.Measure(now, time.Duration(i)*time.Second, false, time.Minute)
	}
	mean, known := s.Latency(now.UnixNano(), false)
	require.True(t, known)
	require.InDelta(t, (15.0+24)/2, mean, 0.001, "of the last ten")
	_, known = s.Latency(now.UnixNano(), true)
	require.False(t, known, "streams are measured apart")

	later := now.Add(time.Minute)
	_, known = s.Latency(later.UnixNano(), false)
	require.False(t, known)
	s.Measure(later, time.Second, false, time.Minute)
	mean, _ = s.Latency(later.UnixNano(), false)
	require.InDelta(t, 1, mean, 0.001, "what is too old is forgotten")
}

func TestState_cooldown_is_never_made_shorter(t *testing.T) {
	t.Parallel()
	s := health.NewRegistry().State("a")
	require.True(t, s.Cool(now, 10*time.Second, 429, true))
	require.False(t, s.Cool(now, 5*time.Second, 500, false))
	require.Equal(t, 10*time.Second, s.CoolingFor(now))
	require.True(t, s.Cool(now, 20*time.Second, 500, false), "another replica knows better")
	require.Equal(t, 20*time.Second, s.CoolingFor(now))
	left, _ := s.Own(now)
	require.Equal(t, 10*time.Second, left, "but it is theirs to tell")
	require.True(t, s.Cooling(now.Add(19*time.Second).UnixNano()))
	require.False(t, s.Cooling(now.Add(20*time.Second).UnixNano()))
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	r := health.NewRegistry()
	a := r.State("a")
	require.Same(t, a, r.State("a"))
	require.Nil(t, r.Find("b", ""))
	require.Nil(t, r.Find("b", "model"), "what is not configured is not made")
	m := r.Find("a", "model")
	require.Same(t, m, r.Model("a", "model"))
	require.Same(t, a.Usage, m.Usage, "a pattern's models share its limits")
	m.Begin()
	for i := range 5000 {
		r.Model("a", fmt.Sprint(i))
	}
	require.LessOrEqual(t, len(r.All(nil)), 513)
	require.Same(t, m, r.Model("a", "model"), "busy ones are kept")
	r.Keep(map[string]bool{"b": true})
	require.Empty(t, r.All(nil))
}
