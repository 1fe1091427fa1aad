package slot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"time"
)

// maxTries bounds how often a record is written again after conflicts.
const maxTries = 6

var (
	errStale = errors.New("the answer is older than what is known")
	// errDoubt is of a write that may have been done, or may yet be.
	errDoubt = errors.New("no answer to a write")
)

func (t *Table) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-t.queue:
			t.sync(ctx, e)
		}
	}
}

// sync brings a record and what this replica knows of it together.
func (t *Table) sync(ctx context.Context, e *entry) {
	j := t.startJob(e)
	if j == nil {
		return
	}
	err := j.run(ctx)
	if err != nil && !errors.Is(err, errAway) && ctx.Err() == nil {
		t.opts.Logger.LogAttrs(ctx, slog.LevelDebug, "slot record not written", slog.String("key", e.key), slog.Any("error", err))
	}
	ask := j.finish(err)
	for _, g := range j.given {
		t.send(opGrant, kindGrant, g.replica, hint{Key: e.key, Replica: t.opts.Replica, Holder: j.plan.me, Revision: j.rev, Holders: j.rec})
	}
	if ask != nil {
		t.send(opAsk, kindAsk, allReplicas, ask)
	}
}

// job is one worker's business with a record. An entry has one at a time.
type job struct {
	table *Table
	entry *entry
	lease *lease
	plan  plan

	rec holders
	rev uint64
	// known is the revision that the entry had.
	known uint64
	// mustRead says that rec does not do, as it is only remembered.
	mustRead bool
	unsure   bool // what an earlier write did, which expected unsureAt
	unsureAt uint64
	// again says that an answer stayed older than what is known: then a write
	// that expects it tells whether the bucket is another one.
	again   bool
	attempt *attempt
	judged  bool // whether the other holders live
	// What was written.
	given   []give
	dropped int64
}

func (t *Table) startJob(e *entry) *job {
	// The connection may be locked for a while by a server that hangs; callers
	// of the entry must not wait for that.
	replicas, connection := t.countReplicas(), t.store.reconnects()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queued = false
	l := e.refresh()
	now := t.clock.now()
	if !t.closed.Load() && !t.confirmed(l, connection) {
		if e.attempt != nil {
			e.park()
		}
		return nil
	}
	e.trim(e.limit)
	j := &job{
		table: t, entry: e, lease: l, rec: e.rec, rev: e.rev, known: e.rev, unsure: e.unsure, unsureAt: e.unsureAt,
		attempt: e.attempt,
		plan:    plan{me: l.id, formers: l.formers, gives: append([]give(nil), e.gives...), drop: e.drop, use: e.inUse, limit: e.limit, replicas: replicas},
	}
	if j.attempt != nil && now >= l.growAt.Load() {
		j.plan.growth = oneMore
	}
	// That there are free slots need not be true, but the write will tell.
	j.mustRead = e.unsure || e.look || j.attempt != nil && e.rev > 0 && e.total >= e.limit
	e.busy, e.look = true, false
	return j
}

// run ends with nil, or with why not all was done.
func (j *job) run(ctx context.Context) error {
	var err error
	for try := range maxTries {
		if try > 1 { // the first time, what was remembered was too old
			select {
			case <-ctx.Done():
				return errAway
			case <-time.After(rand.N(time.Millisecond << try)): //nolint:gosec // only to step aside
			}
		}
		if err = j.read(ctx, try == maxTries-1); err == nil {
			err = j.write(ctx)
		}
		if !errors.Is(err, errConflict) && !errors.Is(err, errStale) {
			return err
		}
		j.mustRead = true
	}
	return err
}

func (j *job) read(ctx context.Context, last bool) error {
	if !j.mustRead {
		return nil
	}
	data, rev, err := j.table.store.read(ctx, opRead, j.entry.key)
	if err != nil {
		return err
	}
	older := rev > 0 && (rev < j.rev || j.unsure && rev < j.unsureAt)
	if older && !last {
		return errStale
	}
	rec, err := parseRecord(data)
	if err != nil {
		j.table.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "slot record not understood", slog.String("key", j.entry.key), slog.Any("error", err))
		return err
	}
	j.rec, j.rev, j.mustRead, j.again = rec, rev, false, older
	return nil
}

// write writes what the plan makes of the record. When that does not help an
// attempt it looks whether other holders are dead.
func (j *job) write(ctx context.Context) error {
	for {
		if err := j.apply(ctx); err != nil {
			return err
		}
		if j.attempt == nil || j.judged || j.plan.growth != oneMore || j.rec[j.plan.me] > j.plan.use || !j.judge(ctx) {
			return nil
		}
	}
}

func (j *job) apply(ctx context.Context) error {
	next := j.plan.apply(j.rec, j.table.peers.dead)
	if maps.Equal(next, j.rec) && !j.again && (!j.unsure || j.rev > j.unsureAt) {
		j.unsure = false
		return nil
	}
	data, err := next.encode()
	if err != nil {
		return err
	}
	if !j.table.closed.Load() && !j.table.confirmed(j.lease, j.table.store.reconnects()) {
		return errAway
	}
	ttl := recordTTL
	if len(next) == 0 {
		ttl = j.table.times.kept
	}
	rev, err := j.table.store.write(ctx, opWrite, j.entry.key, data, j.rev, ttl)
	switch {
	case errors.Is(err, errConflict), errors.Is(err, errAway):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errDoubt, err)
	}
	j.rec, j.rev, j.unsure = next, rev, false
	j.given, j.dropped = append(j.given, j.plan.gives...), j.dropped+j.plan.drop
	j.plan.gives, j.plan.drop = nil, 0
	return nil
}

// judge reports whether any other holder was found dead.
func (j *job) judge(ctx context.Context) bool {
	j.judged = true
	found := false
	for id := range j.rec {
		if id != j.plan.me && j.table.peers.judge(ctx, id) {
			found = true
		}
	}
	return found
}

// finish enters the outcome. It returns what to ask the others.
func (j *job) finish(err error) *hint {
	e := j.entry
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy = false
	if e.again {
		e.again = false
		defer e.enqueue()
	}
	if e.lease != j.lease { // and so forgotten what this was about
		if e.attempt != nil && !e.enqueue() {
			e.decide()
		}
		return nil
	}
	e.settle(j, err)
	switch {
	case e.attempt == nil && err == nil && e.inUse > e.mine && e.total > e.mine:
		// For what calls use without having it; not at each ask of another in
		// the same case, or both would go on for ever.
		if now := e.table.clock.now(); now-e.asked > int64(maxBackoff) {
			return e.ask(now)
		}
		return nil
	case e.attempt == nil || e.attempt != j.attempt:
		return nil
	}
	return e.answered(err)
}

// settle takes what was written off what is pending.
func (e *entry) settle(j *job, err error) {
	for _, g := range j.given {
		e.taken(g)
	}
	e.drop -= j.dropped
	if (j.rev == 0 || j.again && err == nil) && e.rev == j.known { // the record has expired, or was never there
		e.rev, e.rec, e.mine, e.total = 0, nil, 0, 0
	}
	e.observe(j.rev, j.rec)
	switch {
	case !errors.Is(err, errDoubt):
		if err == nil && !j.unsure {
			e.unsure, e.hold = false, 0
		}
	case e.rev > j.rev: // moved on meanwhile: what it says is what became of it
		for _, g := range j.plan.gives {
			e.taken(g)
		}
		e.drop -= j.plan.drop
	default:
		for _, g := range j.plan.gives {
			e.taken(g)
			e.hold += g.n
		}
		e.drop -= j.plan.drop
		e.hold += j.plan.drop
		e.unsure, e.unsureAt = true, j.rev
	}
	if e.trim(e.limit) {
		e.again = true
	}
	e.recount()
}

// taken takes a gift off the pending ones.
func (e *entry) taken(g give) {
	for i := range e.gives {
		if e.gives[i].to == g.to {
			if e.gives[i].n -= g.n; e.gives[i].n <= 0 {
				e.gives = append(e.gives[:i], e.gives[i+1:]...)
			}
			return
		}
	}
}

// answered goes on with an attempt that the record alone did not satisfy.
func (e *entry) answered(err error) *hint {
	now := e.table.clock.now()
	switch {
	case errors.Is(err, errConflict), errors.Is(err, errStale):
		e.full()
	case err != nil, now < e.lease.growAt.Load():
		e.park()
	case e.mine >= e.total: // nobody else has any
		e.full()
	default:
		e.attempt.asked, e.hinted = true, hintSweeps
		ask := e.ask(now)
		e.park()
		return ask
	}
	return nil
}
