package slot

import (
	"context"
	"log/slog"

	"github.com/nats-io/nats.go"
)

func (t *Table) unreadable(m *nats.Msg, err error) {
	t.opts.Logger.LogAttrs(context.Background(), slog.LevelWarn, "slot message not understood",
		slog.String("subject", m.Subject), slog.Any("error", err))
}

func (t *Table) hearLease(m *nats.Msg) {
	b, err := parseBeat(m.Data)
	if err != nil {
		t.unreadable(m, err)
		return
	}
	if b.Holder != t.keeper.current.Load().id {
		t.peers.heard(b)
	}
}

func (t *Table) hearGrant(m *nats.Msg) {
	h, err := parseHint(m.Data)
	if err != nil {
		t.unreadable(m, err)
		return
	}
	if h.Holders[t.keeper.current.Load().id] == 0 || t.closed.Load() {
		return // meant for what was here before
	}
	e := t.lockEntry(h.Key)
	defer e.mu.Unlock()
	e.refresh()
	e.hinted = hintSweeps
	e.observe(h.Revision, h.Holders)
}

// hearAsk gives at once what no call uses, and promises what is above the fair
// part as calls end.
func (t *Table) hearAsk(m *nats.Msg) {
	h, err := parseHint(m.Data)
	if err != nil {
		t.unreadable(m, err)
		return
	}
	l, now := t.keeper.current.Load(), t.clock.now()
	if h.Holder == l.id || t.closed.Load() || !l.valid(now) {
		return
	}
	if h.Holders[l.id] == 0 && t.entries.find(h.Key) == nil {
		return
	}
	e := t.lockEntry(h.Key)
	defer e.mu.Unlock()
	e.refresh()
	e.hinted = hintSweeps
	e.observe(h.Revision, h.Holders)
	if e.answer(h, now) {
		e.enqueue()
	}
}

// answer reports whether the record must be changed.
func (e *entry) answer(h *hint, now int64) bool {
	if e.limit == 0 {
		e.limit = h.Limit
	}
	changed := e.trim(h.Limit)
	idle := min(e.held-e.inUse, h.Want)
	if e.inUse > 0 || e.peak > 0 {
		idle = min(idle, (e.held-e.inUse+1)/2) // it may be wanted here again
	}
	if idle > 0 {
		e.give(h.Holder, h.Replica, idle)
		changed = true
	}
	deficit := max(1, h.Fair) - h.Holders[h.Holder] - max(idle, 0)
	e.note(request{
		id: h.Holder, replica: h.Replica, floor: h.Fair, until: now + int64(e.table.times.memory),
		n: portion(h.Holders, h.Revision, h.Holder, e.lease.id, h.Fair, deficit),
	})
	return changed || e.pending() // what a write left undone may be what is wanted
}

// note remembers who wants slots. Who asks again keeps its place.
func (e *entry) note(r request) {
	for i := range e.asks {
		if e.asks[i].id == r.id {
			e.asks[i] = r
			return
		}
	}
	if len(e.asks) < maxHolders {
		e.asks = append(e.asks, r)
	}
}

// ask is what to ask the others for.
func (e *entry) ask(now int64) *hint {
	contenders := int64(len(e.rec))
	if e.rec[e.lease.id] == 0 {
		contenders++
	}
	for _, r := range e.asks {
		if r.until >= now && e.rec[r.id] == 0 {
			contenders++
		}
	}
	fair := e.limit / contenders
	// Who comes anew asks for twice as much each time, up to the fair part.
	want := max(e.misses, min(e.held, fair-e.held), e.inUse-e.mine, 1)
	e.misses, e.asked = 0, now
	return &hint{
		Key: e.key, Replica: e.table.opts.Replica, Holder: e.lease.id, Revision: e.rev, Holders: e.rec,
		Limit: e.limit, Want: want, Fair: fair,
	}
}
