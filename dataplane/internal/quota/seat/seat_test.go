package seat_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota/seat"
)

func TestPlanner_alone_knows_the_present_window_at_once(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.provision()
	r := b.replica("a", "1", 0)
	require.Equal(t, 1, r.Replicas())
	require.Empty(t, r.Peers())
	require.Equal(t, []string{"a"}, r.Live())
	minute := time.Now().Truncate(time.Minute)
	require.Eventually(t, func() bool { _, _, known := r.Share(minute); return known }, patience, time.Millisecond)
	seats, mine, _ := r.Share(minute)
	require.Equal(t, 1, seats)
	require.True(t, mine)
	_, _, known := r.Share(time.Now().Add(lead + patience))
	require.False(t, known, "what is beyond the horizon may change")
}

func TestPlanner_who_comes_and_goes_changes_later_windows_only(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.provision()
	first := b.replica("b", "1", 0)
	first.divided(1, true)
	before := time.Now()

	second := b.replica("a", "1", 0) // and it will be the one who writes
	second.divided(2, true)
	first.divided(2, true)
	require.Equal(t, []string{"a", "b"}, first.Live())
	require.Equal(t, []string{"a"}, first.Peers())
	require.Equal(t, []string{"b"}, second.Peers())
	require.Equal(t, 2, second.Replicas())
	for _, r := range []*replica{first, second} {
		seats, mine, known := r.Share(before)
		require.True(t, known)
		require.Equal(t, 1, seats)
		require.Equal(t, r == first, mine)
	}

	second.leave()
	require.Eventually(t, func() bool { return first.Replicas() == 1 }, patience, time.Millisecond)
	first.divided(1, true)
}

func TestPlanner_restarted_has_no_part_of_its_former_self(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.provision()
	other, former := b.replica("b", "1", 0), b.replica("a", "1", 0)
	other.divided(2, true)
	former.divided(2, true)
	start := time.Now()
	former.crash()

	again := b.replica("a", "2", 0)
	require.Eventually(t, func() bool { _, _, known := again.Share(start); return known }, patience, time.Millisecond)
	seats, mine, _ := again.Share(start)
	require.Equal(t, 2, seats)
	require.False(t, mine)
	require.Equal(t, []string{"a", "b"}, again.Live())
	require.Equal(t, []string{"b"}, again.Peers())
	// Once the silence of the former self was noticed it is as if it had never been.
	again.divided(2, true)
	other.divided(2, true)
	for _, r := range []*replica{again, other} {
		require.Equal(t, 2, r.Replicas())
	}
}

func TestPlanner_cut_off_knows_no_more_in_time(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(*replica){
		"reset": func(r *replica) { r.line.Cut() },
		"hung":  func(r *replica) { r.line.Blackhole() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBus(t)
			b.provision()
			x, y := b.replica("a", "1", 2*time.Second), b.replica("b", "1", -2*time.Second)
			x.divided(2, true)
			y.divided(2, true)
			cut(x)
			// What was on its way may still arrive, and no promise is longer.
			limit := time.Now().Add(lead + lead/20)
			y.divided(1, true)
			require.Eventually(t, func() bool { return time.Now().After(limit) }, patience, time.Millisecond)
			_, _, known := x.Share(limit)
			require.False(t, known)
			_, _, known = x.Share(limit.Add(-2 * lead))
			require.True(t, known, "what was promised is true")
			require.Equal(t, 2, x.Replicas(), "who hears nobody knows of nobody that he is gone")

			x.line.Resume()
			x.divided(2, true)
			y.divided(2, true)
		})
	}
}

func TestPlanner_restores_a_plan_that_was_lost(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.provision()
	x, y := b.replica("a", "1", 0), b.replica("b", "1", 0)
	x.divided(2, true)
	y.divided(2, true)
	said, stop := newLedger(), make(chan struct{})
	var watchers sync.WaitGroup
	for _, r := range []*replica{x, y} {
		watchers.Go(func() { said.watch(r, 20*time.Millisecond, stop) })
	}
	b.server.Restart()
	for _, r := range []*replica{x, y} {
		require.Eventually(t, r.conn.IsConnected, patience, time.Millisecond)
	}
	late := b.replica("0", "1", 0) // would be first, and must not begin a plan of its own
	watchers.Go(func() { said.watch(late, 20*time.Millisecond, stop) })
	require.Eventually(t, func() bool { return late.Replicas() == 3 }, patience, time.Millisecond)
	b.provision()
	for _, r := range []*replica{x, y, late} {
		r.divided(3, true)
	}
	close(stop)
	watchers.Wait()
	said.check(t)
}

func TestPlanner_starts_before_its_bucket(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.server.Stop()
	r := b.replica("a", "1", 0)
	b.server.Restart()
	require.Eventually(t, r.conn.IsConnected, patience, time.Millisecond)
	_, _, known := r.Share(time.Now())
	require.False(t, known)
	kv := b.provision()
	r.divided(1, true)

	for _, garbage := range []string{"", "{", `{"v":1,"horizon":9000000000000000,"epochs":[]}`} {
		before, err := kv.Put(t.Context(), "plan", []byte(garbage))
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			e, err := kv.Get(t.Context(), "plan")
			return err == nil && e.Revision() > before
		}, patience, time.Millisecond, "what nobody can read is replaced")
		r.divided(1, true)
	}
}

func TestPlanner_knows_the_server_clock(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	b.provision()
	for _, skew := range []time.Duration{-2 * time.Second, 2 * time.Second} {
		r := b.replica("a"+strconv.Itoa(int(skew)), "1", skew)
		require.Eventually(t, func() bool { return (r.Offset() + skew).Abs() < 100*time.Millisecond }, patience, time.Millisecond)
	}
}

func TestOpen_wants_to_know_who_it_is(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	_, err := seat.Open(seat.Options{Conn: b.server.Connect("admin"), Names: b.names, Replica: "a"})
	require.ErrorContains(t, err, "boot")
}

// world is a fleet to which anything happens.
type world struct {
	bus     *bus
	random  *rand.Rand
	said    *ledger
	live    []*replica
	cut     map[*replica]bool
	boots   int
	stop    chan struct{}
	stopped map[*replica]chan struct{}
	work    sync.WaitGroup
}

func (w *world) join(name string) {
	w.boots++
	skew := time.Duration(w.random.Int64N(int64(4*time.Second))) - 2*time.Second
	r := w.bus.replica(name, strconv.Itoa(w.boots), skew)
	w.live = append(w.live, r)
	stop := make(chan struct{})
	w.stopped[r] = stop
	w.work.Go(func() { w.said.watch(r, 20*time.Millisecond, stop) })
}

func (w *world) end(r *replica, how func()) {
	w.live = slices.DeleteFunc(w.live, func(x *replica) bool { return x == r })
	how() // and goes on to say what it knows
	stop := w.stopped[r]
	w.work.Go(func() {
		select {
		case <-w.stop:
		case <-time.After(lead):
		}
		close(stop)
	})
}

func (w *world) happen() {
	r := w.live[w.random.IntN(len(w.live))]
	switch n := w.random.IntN(10); {
	case len(w.live) < 3 || n < 2 && len(w.live) < 6:
		w.join("r" + strconv.Itoa(w.random.IntN(8)+10))
	case n < 3:
		w.end(r, r.leave)
	case n < 5:
		w.end(r, r.crash)
		w.join(r.name)
	case n < 8 && w.cut[r]:
		r.line.Resume()
		delete(w.cut, r)
	case n < 9:
		r.line.Cut()
		w.cut[r] = true
	default:
		r.line.Blackhole()
		w.cut[r] = true
	}
}

func TestPlanners_agree_whatever_happens(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			b := newBus(t)
			b.provision()
			w := &world{
				bus: b, random: rand.New(rand.NewPCG(seed, 4)), said: newLedger(),
				cut: map[*replica]bool{}, stop: make(chan struct{}), stopped: map[*replica]chan struct{}{},
			}
			for i := range 3 {
				w.join("r" + strconv.Itoa(i))
			}
			for end := time.After(4 * time.Second); ; {
				select {
				case <-time.After(time.Duration(40+w.random.IntN(120)) * time.Millisecond):
					w.happen()
					continue
				case <-end:
				}
				break
			}
			for _, r := range w.live {
				r.line.Resume()
			}
			for _, r := range w.live {
				r.divided(len(w.live), true)
			}
			close(w.stop)
			for _, r := range w.live {
				close(w.stopped[r])
			}
			w.work.Wait()
			w.said.check(t)
			require.Greater(t, w.said.variety(), 3)
			t.Logf("%d answers about %d windows by %d processes, %d kinds", w.said.known, len(w.said.answers), w.boots, w.said.variety())
		})
	}
}

//nolint:paralleltest // AllocsPerRun counts those of all goroutines
func TestPlanner_answers_without_allocating(t *testing.T) {
	b := newBus(t)
	b.provision()
	r := b.replica("a", "1", 0)
	r.divided(1, true)
	start := time.Now()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, _, _ = r.Share(start)
		_, _, _ = r.Peers(), r.Live(), r.Replicas()
	}))
}

func BenchmarkShare(b *testing.B) {
	bus := newBus(b)
	bus.provision()
	r := bus.replica("a", "1", 0)
	r.divided(1, true)
	start := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, known := r.Share(start); !known {
			b.Fatal("not known")
		}
	}
}
