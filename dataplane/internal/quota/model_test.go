package quota_test

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// model knows what was admitted and used in each window of each limit, and what
// there may be. It is told of what is taken after it was taken, and of what is
// given back before it is: so it never counts more than there is, and what it
// finds wrong is wrong.
type model struct {
	mu     sync.Mutex
	cells  map[cell]*tally
	asking map[*limits.Limit]int // those of requests that are not answered yet
	broken []string
	// admitted, refused and alone count calls, to see that a run did something.
	admitted, refused, alone int
}

// cell is one window of one limit; start is Unix nanoseconds.
type cell struct {
	key   string
	start int64
}

type tally struct {
	// most is the greatest limit that anybody was held to, least the smallest.
	most, least int64
	// held is what calls under way have reserved, and what others have used up
	// to what they had reserved.
	held int64
	// alone is what was admitted without NATS. lapses says, for each time that a
	// replica was without it, how much that may be.
	alone  int64
	lapses map[lapse]int64
	// used is what the pool must know of in the end. reserved is what was never
	// settled.
	used, reserved int64
}

type lapse struct {
	replica string
	began   time.Time
}

func newModel() *model { return &model{cells: map[cell]*tally{}, asking: map[*limits.Limit]int{}} }

func (m *model) tally(key string, start int64) *tally {
	id := cell{key, start}
	t := m.cells[id]
	if t == nil {
		t = &tally{least: math.MaxInt64, lapses: map[lapse]int64{}}
		m.cells[id] = t
	}
	return t
}

// ask notes that somebody whose clock shows about now is going to be held to a
// limit, answered that this is over. In between the limit may be applied to
// whatever window there is.
func (m *model) ask(l *limits.Limit, now time.Time) { m.offer(l, now, 1) }

func (m *model) answered(l *limits.Limit, now time.Time) { m.offer(l, now, -1) }

func (m *model) offer(l *limits.Limit, now time.Time, asking int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asking[l] += asking; m.asking[l] == 0 {
		delete(m.asking, l)
	}
	for _, at := range []time.Time{now.Add(-2 * maxSkew), now, now.Add(2 * maxSkew)} {
		start, _ := l.Window.Bounds(at)
		t := m.tally(l.Key, start.UnixNano())
		t.hold(l.Max)
	}
}

func (t *tally) hold(limit int64) { t.most, t.least = max(t.most, limit), min(t.least, limit) }

// admit notes what a grant holds. lapses are those in which it may have been
// admitted without NATS.
func (m *model) admit(claims []quota.Claim, tracked map[string]bool, lapses map[lapse]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.admitted++
	if len(lapses) > 0 {
		m.alone++
	}
	for _, c := range claims {
		t := m.tally(c.Limit.Key, c.Start)
		t.hold(c.Limit.Max)
		t.reserved += c.N
		if tracked[c.Limit.Key] {
			continue
		}
		t.held += c.N
		if len(lapses) > 0 {
			t.alone += c.N
		}
		for id, replicas := range lapses {
			t.lapses[id] = max(t.lapses[id], 1, t.most/replicas)
		}
		m.check(c.Limit.Key, c.Start, t)
	}
}

func (m *model) refuse() {
	m.mu.Lock()
	m.refused++
	m.mu.Unlock()
}

func (m *model) wrong(what string) {
	m.mu.Lock()
	m.broken = append(m.broken, what)
	m.mu.Unlock()
}

func (m *model) check(key string, start int64, t *tally) {
	may, most, least := int64(0), t.most, t.least
	for l := range m.asking {
		if l.Key == key {
			most, least = max(most, l.Max), min(least, l.Max)
		}
	}
	if l, _ := limits.Parse(key); least < most && l.Window.Class() == limits.ClassMinute {
		most += maxSeats - 1 // what is divided beforehand is rounded, by each limit differently
	}
	for _, n := range t.lapses {
		may += n
	}
	if t.held > most+min(t.alone, may) {
		m.broken = append(m.broken, fmt.Sprintf("%s in the window of %s: %d of %d are held, %d were admitted alone and %d may be",
			key, time.Unix(0, start).UTC().Format(time.RFC3339), t.held, most, t.alone, may))
	}
}

// settle notes what will be charged for claims.
func (m *model) settle(claims []quota.Claim, tracked map[string]bool, truth quota.Cost) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range claims {
		used := of(truth, c.Limit.Unit)
		t := m.tally(c.Limit.Key, c.Start)
		t.reserved -= c.N
		if !tracked[c.Limit.Key] {
			t.held -= c.N - min(used, c.N)
		}
		if c.Start == c.Now {
			t.used += used
			continue
		}
		t.used += c.N // the window is over and nothing comes back
		if c.Limit.Unit != limits.Money {
			used = max(0, used-c.N)
		}
		m.tally(c.Limit.Key, c.Now).used += used
	}
}

func of(c quota.Cost, u limits.Unit) int64 {
	switch u {
	case limits.Requests:
		return c.Requests
	case limits.Tokens:
		return c.Tokens
	default:
		return c.Nano
	}
}

// only returns a limit's tally if there was only one window of it.
func (m *model) only(key string) (start int64, t *tally) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, one := range m.cells {
		switch {
		case id.key != key:
		case t != nil:
			return 0, nil
		default:
			start, t = id.start, one
		}
	}
	return start, t
}
