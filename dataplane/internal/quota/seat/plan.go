package seat

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// plan reads the plan, and changes it when it is this replica's turn.
func (p *Planner) plan(ctx context.Context) {
	ticker := time.NewTicker(p.times.tick)
	defer ticker.Stop()
	hinted := false // and not yet served: no more than one turn a tick
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-p.look:
			hinted = true
		}
		if time.Since(p.asked) >= p.times.tick && p.opts.Conn.IsConnected() && (hinted || p.due()) {
			hinted = false
			p.report(ctx, p.turn(ctx))
		}
	}
}

// due reports whether to look at the stored plan.
func (p *Planner) due() bool {
	age := time.Since(p.asked)
	v := p.view.Load()
	now, known := p.clock.now()
	if v == nil || !known || now.UnixMilli() >= v.horizon {
		return age >= p.times.retry
	}
	if age >= p.times.poll || p.opts.Conn.Stats().Reconnects != p.reconnects {
		return true
	}
	_, change := p.next(&v.record)
	return change
}

// turn reads the stored plan, and writes what is to come after it, if anything.
// What is written is made from what was read just before.
func (p *Planner) turn(ctx context.Context) error {
	p.asked = time.Now()
	untimely := p.synchronise(ctx)
	data, rev, err := p.store.read(ctx)
	if err != nil {
		return err
	}
	stored, err := parseRecord(data)
	switch {
	case errors.Is(err, errNewer):
		return err
	case err != nil: // nobody can read it: as good as none
		p.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "the seating plan is not understood", slog.Any("error", err))
		stored = record{}
	}
	if v := p.view.Load(); v != nil && kept(&v.record, &stored) {
		return errors.Join(untimely, p.restore(ctx, &v.record, rev))
	}
	p.adopt(ctx, &stored)
	next, change := p.next(&stored)
	if !change {
		return untimely
	}
	return p.write(ctx, &next, rev)
}

// synchronise asks the server for its time now and then, and after a reconnect.
func (p *Planner) synchronise(ctx context.Context) error {
	anew := p.anew.Swap(false)
	if n := p.opts.Conn.Stats().Reconnects; n != p.reconnects {
		p.reconnects, anew = n, true
	}
	if !anew && !p.clock.due() {
		return nil
	}
	asked := time.Now()
	server, err := p.store.time(ctx)
	if err != nil {
		p.anew.Store(true)
		return err
	}
	p.clock.learn(server, asked, anew)
	return nil
}

// restore writes again what NATS has forgotten, unchanged.
func (p *Planner) restore(ctx context.Context, mine *record, rev uint64) error {
	now, known := p.clock.now()
	if !known {
		return nil
	}
	again := mine.restored(now.UnixMilli())
	err := p.write(ctx, &again, rev)
	if err == nil {
		p.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "the seating plan was lost and is written again")
	}
	return err
}

func (p *Planner) write(ctx context.Context, r *record, rev uint64) error {
	if err := p.store.write(ctx, r, rev); err != nil {
		poke(p.look) // see what was done instead, or whether this was
		return err
	}
	p.adopt(ctx, r)
	poke(p.speak) // so that the others read it
	return nil
}

// adopt answers from a version that is stored.
func (p *Planner) adopt(ctx context.Context, r *record) {
	if len(r.Epochs) == 0 {
		return
	}
	old := p.view.Load()
	p.view.Store(newView(*r, p.me))
	p.roster.planned(r.newest())
	switch {
	case old == nil:
	case !old.record.agrees(r):
		p.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "the seating plan was lost, and another one is in force")
	case !slices.Equal(old.record.newest(), r.newest()):
		p.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "limits are divided anew between the replicas",
			slog.Int("seats", len(r.newest())), slog.Time("from", time.UnixMilli(r.Epochs[len(r.Epochs)-1].From).UTC()))
	}
}

// next returns the version that is to come after r, if one is, and if it is for
// this replica to write it.
func (p *Planner) next(r *record) (next record, change bool) {
	server, known := p.clock.now()
	if !known {
		return record{}, false
	}
	now := server.UnixMilli()
	if r.held(now, p.times.quiet.Milliseconds()) {
		return record{}, false
	}
	lead := p.times.lead.Milliseconds()
	until, old := now+lead, now-memory.Milliseconds()
	if r.Horizon <= now {
		return p.begin(r, until, old)
	}
	seats := p.roster.seats()
	first := seats[0] == p.me
	if p.differs(r, seats, first) {
		if next, fits := r.reseated(seats, until, old); fits {
			return next, true
		}
	}
	if first && r.Horizon <= until-p.times.poll.Milliseconds() || r.Horizon <= until-lead/2 {
		return r.extended(until, old), true
	}
	return record{}, false
}

// differs reports whether to change the plan to those who are there. The first
// of them waits only for more to come, the others whether the first does it.
func (p *Planner) differs(r *record, seats []seat, first bool) bool {
	if slices.Equal(seats, r.newest()) {
		p.unequal = time.Time{}
		return false
	}
	if p.unequal.IsZero() {
		p.unequal = time.Now()
	}
	wait := p.times.settle
	if !first {
		wait = p.times.silence
	}
	return time.Since(p.unequal) >= wait && p.roster.listening(time.Now()) > 0
}

// begin decides about windows that nobody has said anything about, the present
// one probably among them: whom this replica has heard has seats.
func (p *Planner) begin(r *record, until, old int64) (next record, change bool) {
	seats, listening := p.roster.known(), p.roster.listening(time.Now())
	wait := p.times.hush
	if len(seats) == 0 || seats[0] != p.me {
		wait = p.times.quiet
	}
	if len(r.Epochs) == 0 && p.roster.informed() {
		wait = p.times.silence // for those who know a plan to restore it
	}
	if listening < wait {
		return record{}, false
	}
	if !slices.Equal(seats, r.newest()) {
		if next, fits := r.reseated(seats, until, old); fits {
			return next, true
		}
	}
	return r.extended(until, old), len(r.Epochs) > 0
}
