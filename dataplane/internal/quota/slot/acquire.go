package slot

import "time"

// Ready reports whether slots can be taken and used. When it does not, this
// replica has not been heard of for most of the TTL, or came back a moment ago.
func (t *Table) Ready() bool {
	l := t.keeper.current.Load()
	now := t.clock.now()
	return l.valid(now) && now >= l.growAt.Load()
}

// Try takes a slot of those that this replica holds. It asks nobody.
func (t *Table) Try(key string, limit int64) (Slot, bool) {
	e := t.entries.find(key)
	if e == nil || limit <= 0 {
		return Slot{}, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.refresh()
	if e.gone || !l.valid(t.clock.now()) {
		return Slot{}, false
	}
	if limit != e.limit {
		e.limited(limit)
		if e.trim(limit) {
			e.soon()
		}
	}
	if e.inUse >= e.usable() {
		e.misses++
		return Slot{}, false
	}
	return e.take(), true
}

// More begins or joins an attempt to get slots. The channel is closed when it
// is over: then Try or Full tell how it went, or neither when NATS gave no
// answer.
func (t *Table) More(key string, limit int64) <-chan struct{} {
	e := t.lockEntry(key)
	defer e.mu.Unlock()
	l := e.refresh()
	e.limited(limit)
	now := t.clock.now()
	switch {
	case t.closed.Load():
		return t.entries.decided
	case e.attempt != nil:
		return e.attempt.done
	case !l.valid(now):
		return e.begin(false)
	case e.inUse < e.usable() || now < e.fullUntil:
		return t.entries.decided
	case limit <= 0 || !e.unsure && e.mine >= limit:
		e.full() // all of them are here, and used
		return t.entries.decided
	}
	return e.begin(true)
}

// begin begins an attempt; one that can not be made yet waits for that.
func (e *entry) begin(now bool) <-chan struct{} {
	a := &attempt{done: make(chan struct{})}
	e.attempt = a
	switch {
	case !now:
		e.park()
	case !e.enqueue():
		e.full()
	}
	return a.done
}

// unanswered ends an attempt for which no slots came in time.
func (t *Table) unanswered(e *entry, a *attempt) {
	if e.attempt != a {
		return
	}
	if a.asked {
		e.full()
		return
	}
	e.decide()
}

// Full reports whether the last attempt found that all slots are used, and for
// how long that is taken for granted.
func (t *Table) Full(key string) (retryAfter time.Duration, full bool) {
	e := t.entries.find(key)
	if e == nil {
		return 0, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	left := e.fullUntil - t.clock.now()
	return time.Duration(max(left, 0)), left > 0
}

// Held returns how many slots this replica holds and how many of its calls are
// under way, which are more after a time without NATS.
func (t *Table) Held(key string) (held, inUse int64) {
	e := t.entries.find(key)
	if e == nil {
		return 0, 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.held, e.inUse
}

// Local takes a slot while NATS is away: one of what this replica last held, or
// of its even part of the limit if that is more. What was taken so is entered
// into the record when NATS is back, as far as the limit allows.
func (t *Table) Local(key string, limit int64) (Slot, bool) {
	if limit <= 0 {
		return Slot{}, false
	}
	e := t.lockEntry(key)
	defer e.mu.Unlock()
	e.refresh()
	e.limited(limit)
	if e.inUse >= min(limit, max(e.held, share(limit, t.replicas.Load()))) {
		return Slot{}, false
	}
	return e.take(), true
}

// lockEntry returns the entry of a key, made if need be, and locked.
func (t *Table) lockEntry(key string) *entry {
	for {
		e := t.entries.find(key)
		if e == nil {
			e = t.entries.add(&entry{table: t, key: key, lease: t.keeper.current.Load()})
		}
		e.mu.Lock()
		if !e.gone {
			return e
		}
		e.mu.Unlock()
	}
}
