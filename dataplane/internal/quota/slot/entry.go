package slot

import (
	"slices"
	"sync"
	"time"
)

// entry is one limit as this replica knows it.
type entry struct {
	table *Table
	key   string

	mu    sync.Mutex
	gone  bool   // forgotten: who found it before must look again
	lease *lease // under which all this is held
	limit int64  // of the last call

	// What the record says, as last seen.
	rev         uint64
	rec         holders
	mine, total int64

	// What mine is to be lowered by. held is what is left of it, and what calls
	// may use.
	gives []give
	drop  int64
	// hold is what a write may have lowered mine by that expected the revision
	// unsureAt; unsure until it is known.
	hold     int64
	unsure   bool
	unsureAt uint64
	held     int64

	inUse int64
	// tokens make releases idempotent: a slot's generation changes when it is
	// released. vacant are those that can be used again.
	tokens, vacant []uint32

	attempt   *attempt
	misses    int64 // calls that found nothing since others were asked
	asked     int64 // when that was
	fullUntil int64
	backoff   time.Duration
	asks      []request // by whom came first

	queued, busy, again bool // with the workers
	batching            bool
	look                bool // the record must be read

	peak, lastPeak int64 // most in use in this sweep and in the one before
	unused, hinted int   // sweeps
	since          int64 // when held last grew
	written        int64 // when the record was last seen to change
}

// attempt is a search for slots that callers wait for.
type attempt struct {
	done  chan struct{}
	asked bool // others were asked, or all is known to be used
}

// request is another holder that wants slots.
type request struct {
	id, replica string
	// n are to be handed over as calls end, but not below floor.
	n, floor int64
	until    int64
}

// refresh makes the entry one of the present lease. What was held under another
// can not be used any longer.
func (e *entry) refresh() *lease {
	l := e.table.keeper.current.Load()
	if e.lease == l {
		return l
	}
	e.lease = l
	e.rev, e.rec, e.mine, e.total = 0, nil, 0, 0
	e.gives, e.drop, e.hold, e.unsure = nil, 0, 0, false
	e.asks = nil
	e.recount()
	return l
}

// limited takes notice of the limit of a call. After it was raised there may be
// slots at once.
func (e *entry) limited(limit int64) {
	if limit > e.limit {
		e.fullUntil, e.backoff = 0, 0
	}
	e.limit = limit
}

// usable is how many calls may be under way here. When a limit was lowered
// there may be more slots than it allows; then what others hold counts as used.
func (e *entry) usable() int64 {
	if e.total > e.limit {
		return min(e.held, e.limit-(e.total-e.mine))
	}
	return e.held
}

func (e *entry) take() Slot {
	e.inUse++
	e.peak = max(e.peak, e.inUse)
	if n := len(e.vacant); n > 0 {
		i := e.vacant[n-1]
		e.vacant = e.vacant[:n-1]
		return Slot{entry: e, index: i, generation: e.tokens[i]}
	}
	e.tokens = append(e.tokens, 0)
	return Slot{entry: e, index: uint32(len(e.tokens) - 1)} //nolint:gosec // far fewer calls than that
}

func (e *entry) release(index, generation uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tokens[index] != generation {
		return
	}
	e.tokens[index]++
	e.vacant = append(e.vacant, index)
	e.inUse--
	if len(e.asks) == 0 && e.total <= e.limit {
		return
	}
	now := e.table.clock.now()
	if handed, trimmed := e.handOver(now), e.trim(e.limit); handed || trimmed {
		e.soon()
	}
}

// recount finds what may be used, and ends an attempt that has succeeded by it.
func (e *entry) recount() {
	leaving := e.drop + e.hold
	for _, g := range e.gives {
		leaving += g.n
	}
	held := max(0, e.mine-leaving)
	if held > e.held {
		e.since = e.table.clock.now()
	}
	e.held = held
	if e.usable() > e.inUse {
		e.fullUntil, e.backoff = 0, 0
		if e.attempt != nil {
			e.misses = 0
			e.decide()
		}
	}
}

// observe takes over a record that is newer than the one known.
func (e *entry) observe(rev uint64, rec holders) {
	if rev <= e.rev {
		return
	}
	had := e.mine > 0
	e.rev, e.rec, e.mine, e.total = rev, rec, rec[e.lease.id], rec.sum()
	e.written = e.table.clock.now()
	if len(e.asks) > 0 {
		e.queue(had)
	}
	if e.unsure && rev > e.unsureAt {
		e.unsure, e.hold = false, 0
	}
	e.recount()
}

func (e *entry) give(to, replica string, n int64) {
	i := slices.IndexFunc(e.gives, func(g give) bool { return g.to == to })
	if i < 0 {
		i = len(e.gives)
		e.gives = append(e.gives, give{to: to, replica: replica})
	}
	e.gives[i].n += n
	e.recount()
}

// handOver gives slots that no call uses to those who were promised some.
func (e *entry) handOver(now int64) bool {
	e.asks = slices.DeleteFunc(e.asks, func(r request) bool { return r.until < now })
	handed := false
	for i := range e.asks {
		r := &e.asks[i]
		for r.n > 0 && e.held > e.inUse && e.held > r.floor {
			if r.floor == 0 && now-e.since < int64(e.table.times.stay) {
				break
			}
			r.n--
			e.give(r.id, r.replica, 1)
			handed = true
		}
	}
	return handed
}

// queue keeps the order of those who take turns because there are too few slots
// for all: who has got one goes to the end when it asks again, and who holds one
// anew hands it to the next, without being asked by it. Several holders have
// different next ones.
func (e *entry) queue(had bool) {
	e.asks = slices.DeleteFunc(e.asks, func(r request) bool { return r.floor == 0 && e.rec[r.id] > 0 })
	if had || e.mine == 0 {
		return
	}
	rank := 0
	for id := range e.rec {
		if id < e.lease.id {
			rank++
		}
	}
	for i := range e.asks {
		if r := &e.asks[i]; r.floor == 0 {
			if rank == 0 {
				r.n = max(r.n, 1)
				return
			}
			rank--
		}
	}
}

// trim gives back what this replica has above its part of a limit that was
// lowered, as far as no call uses it.
func (e *entry) trim(limit int64) bool {
	if e.total <= limit || len(e.rec) == 0 {
		return false
	}
	excess := min(e.held-limit/int64(len(e.rec)), e.held-e.inUse)
	if excess <= 0 {
		return false
	}
	e.drop += excess
	e.recount()
	return true
}

// decide ends the attempt.
func (e *entry) decide() {
	close(e.attempt.done)
	e.attempt = nil
}

// full ends the attempt in vain: for a while there is none.
func (e *entry) full() {
	e.backoff = min(max(2*e.backoff, minBackoff), maxBackoff)
	e.fullUntil = e.table.clock.now() + int64(e.backoff)
	if e.attempt != nil {
		e.decide()
	}
}

// park lets the attempt wait for a moment, and end then.
func (e *entry) park() {
	if !e.table.waits.put(e, e.attempt) {
		e.decide()
	}
}

// soon hands the entry to a worker in a moment, so that what happens until then
// costs no write of its own.
func (e *entry) soon() {
	if !e.batching && !e.queued {
		e.batching = e.table.batches.put(e, nil)
		if !e.batching {
			e.enqueue()
		}
	}
}

// enqueue hands the entry to a worker. When that is not possible now, a sweep
// does it.
func (e *entry) enqueue() bool {
	switch {
	case e.queued:
	case e.busy:
		e.again = true
	default:
		select {
		case e.table.queue <- e:
			e.queued = true
		default:
			return false
		}
	}
	return true
}

// pending reports whether there is something to write or to find out.
func (e *entry) pending() bool {
	return e.unsure || e.drop > 0 || len(e.gives) > 0 || e.look || e.inUse > e.held
}
