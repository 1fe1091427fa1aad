package seat

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// deafAfter is after how many beats of its own that it did not hear a
	// replica has missed those of others too.
	deafAfter = 3
	// rememberFor is for how many times the silence of the gone they are known.
	rememberFor = 10
)

// roster knows who is there. Its times are those of the monotonic clock.
type roster struct {
	me    seat
	times timing
	crowd atomic.Pointer[crowd]

	mu sync.Mutex
	// own is when this replica last heard itself; since then it has done so
	// without a gap.
	own, since time.Time
	others     map[seat]*other
}

// other is another process. It was never heard if it is only known by the plan.
type other struct {
	heard   time.Time
	horizon int64
	gone    bool
}

// crowd is who is there, sorted. It is not changed once it is made.
type crowd struct {
	seats      []seat
	all, peers []string
}

func newRoster(me seat, t timing) *roster {
	r := &roster{me: me, times: t, others: map[seat]*other{}}
	r.crowd.Store(&crowd{seats: []seat{me}, all: []string{me.Replica}})
	return r
}

// heard enters a beat, and reports whether its sender was not there before.
func (r *roster) heard(b *beat, now time.Time) (fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b.seat == r.me {
		if now.Sub(r.own) > deafAfter*r.times.beat {
			r.since = now
		}
		r.own = now
		r.refresh()
		return false
	}
	o := r.others[b.seat]
	if o == nil {
		if len(r.others) >= maxSeats-1 {
			return false
		}
		o = &other{}
		r.others[b.seat] = o
	}
	if o.gone { // it said so last, this is older
		return false
	}
	fresh = !r.present(o) || o.heard.IsZero()
	o.heard, o.horizon, o.gone = now, b.Horizon, b.Gone
	if fresh || b.Gone {
		r.refresh()
	}
	return fresh && !b.Gone
}

// planned enters who has a seat.
func (r *roster) planned(seats []seat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range seats {
		if s != r.me && r.others[s] == nil && len(r.others) < maxSeats-1 {
			r.others[s] = &other{}
		}
	}
	r.refresh()
}

// present reports whether another is there: it was heard, or could not be.
func (r *roster) present(o *other) bool {
	last := o.heard
	if r.since.After(last) {
		last = r.since
	}
	return !o.gone && r.own.Sub(last) <= r.times.silence
}

func (r *roster) refresh() {
	c := &crowd{seats: []seat{r.me}}
	for s, o := range r.others {
		switch {
		case r.present(o):
			c.seats = append(c.seats, s)
		case r.own.Sub(o.heard) > rememberFor*r.times.silence:
			delete(r.others, s)
		}
	}
	slices.SortFunc(c.seats, compare)
	if slices.Equal(c.seats, r.crowd.Load().seats) {
		return
	}
	for _, s := range c.seats { // one that was started again may be there twice
		if n := len(c.all); n > 0 && c.all[n-1] == s.Replica {
			continue
		}
		c.all = append(c.all, s.Replica)
		if s.Replica != r.me.Replica {
			c.peers = append(c.peers, s.Replica)
		}
	}
	r.crowd.Store(c)
}

// seats is who is there, sorted.
func (r *roster) seats() []seat { return r.crowd.Load().seats }

// known are the same without those who are only known by the plan.
func (r *roster) known() []seat {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []seat
	for _, s := range r.crowd.Load().seats {
		if o := r.others[s]; o == nil || !o.heard.IsZero() {
			all = append(all, s)
		}
	}
	return all
}

// listening is for how long all who are there could be heard.
func (r *roster) listening(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own.IsZero() || now.Sub(r.own) > deafAfter*r.times.beat {
		return 0
	}
	return now.Sub(r.since)
}

// informed reports whether somebody else who is there knows the plan.
func (r *roster) informed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.others {
		if o.horizon > 0 && r.present(o) {
			return true
		}
	}
	return false
}
