package slot

import (
	"context"
	"time"
)

func (t *Table) sweeps(ctx context.Context) {
	ticker := time.NewTicker(t.times.sweep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		t.peers.sweep()
		for e := range t.entries.all() {
			if e.sweep() {
				t.entries.remove(e, e.idle)
			}
		}
	}
}

// sweep gives back what was not used since the last sweep but one, except one
// slot of a limit that is used now and then. It reports whether the entry can
// be forgotten.
func (e *entry) sweep() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refresh()
	used := max(e.peak, e.lastPeak)
	e.lastPeak, e.peak = e.peak, e.inUse
	if used > 0 {
		e.unused = 0
	} else {
		e.unused++
	}
	keep := max(used, 1)
	if e.unused >= unusedSweeps {
		keep = 0
	}
	if e.hinted > 0 {
		e.hinted--
		e.look = true
	}
	if e.mine > 0 && e.table.clock.now()-e.written > int64(recordFresh) {
		e.renew()
	}
	if surplus := e.held - keep; (surplus > 0 || e.pending()) && e.enqueue() && surplus > 0 {
		e.drop += surplus
		e.recount()
	}
	return e.idle()
}

// renew has the record written again as it is.
func (e *entry) renew() {
	e.unsure, e.unsureAt = true, max(e.unsureAt, e.rev)
}

// idle reports whether nothing is lost when the entry is forgotten.
func (e *entry) idle() bool {
	return e.unused >= unusedSweeps && e.inUse == 0 && e.mine == 0 && e.attempt == nil && !e.queued && !e.busy && !e.batching && !e.pending()
}

// restored is called when the lease is valid again after a gap, or for the first
// time: calls that were counted without it are entered into the records, and
// attempts go on.
func (t *Table) restored() {
	for e := range t.entries.all() {
		e.mu.Lock()
		e.refresh()
		if e.attempt != nil || e.pending() {
			e.enqueue()
		}
		e.mu.Unlock()
	}
}
