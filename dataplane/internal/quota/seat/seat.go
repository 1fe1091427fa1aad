package seat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

// Options are what a planner is made of.
type Options struct {
	Conn  *nats.Conn
	JS    jetstream.JetStream
	Names contract.Names
	// Replica names this replica, Boot this life of it: no two processes may
	// have both in common.
	Replica, Boot string
	Logger        *slog.Logger
	// Clock is the clock that Offset is about; nil is the real one. The plan
	// does not depend on it.
	Clock func() time.Time
	// Lead is how far ahead the plan is fixed; all other times follow from it.
	// It is for tests; 0 is 10 seconds.
	Lead time.Duration
}

// Planner knows the seating plan and who is there, and helps to keep both. It
// is safe for concurrent use.
type Planner struct {
	opts   Options
	me     seat
	times  timing
	store  *store
	clock  serverClock
	roster *roster
	view   atomic.Pointer[view]
	sub    *nats.Subscription
	stops  []func()
	closed atomic.Bool
	// look asks the planning goroutine to read now, speak the other one to say
	// that this replica is there; anew says that the connection is another one.
	look, speak chan struct{}
	anew        atomic.Bool

	// What follows is the planning goroutine's.
	asked   time.Time // when the plan was last asked for
	unequal time.Time // since when the plan is not about those who are there
	failing bool
	// reconnects tells connections apart.
	reconnects uint64
}

// Open starts a planner. It works on a connection that is not up yet.
func Open(o Options) (*Planner, error) {
	me := seat{Replica: o.Replica, Boot: o.Boot}
	if !me.valid() {
		return nil, fmt.Errorf("seating plan: set a replica and a boot id, each of at most %d bytes", maxID)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	t := newTiming(o.Lead)
	p := &Planner{
		opts: o, me: me, times: t, store: newStore(&o, t.call), roster: newRoster(me, t),
		look: make(chan struct{}, 1), speak: make(chan struct{}, 1),
	}
	var err error
	if p.sub, err = o.Conn.Subscribe(o.Names.SeatBeats(), p.hear); err != nil {
		return nil, fmt.Errorf("listen for other replicas: %w", err)
	}
	p.Reconnected()
	p.stops = []func(){lifecycle.Loop(p.plan), lifecycle.Loop(p.beat)}
	return p, nil
}

// Close ends the goroutines and says goodbye, so that the others need not wait
// for silence. Share still answers what is known.
func (p *Planner) Close() {
	if p.closed.Swap(true) {
		return
	}
	for _, stop := range p.stops {
		stop()
	}
	_ = p.sub.Unsubscribe() // fails only when the connection is closed already
	if p.opts.Conn.IsConnected() && p.say(true) == nil {
		_ = p.opts.Conn.FlushTimeout(min(p.times.call, goodbyeTime)) // they will notice the silence
	}
}

// Share returns into how many parts the half of a limit that is divided
// beforehand is divided in the window that starts then, and whether one is
// ours. Both are the same everywhere, or not known. It is for windows of up to
// a minute.
func (p *Planner) Share(start time.Time) (seats int, mine, known bool) {
	v := p.view.Load()
	if v == nil {
		return 0, false, false
	}
	return v.share(start.UnixMilli())
}

// Replicas returns how many data planes are there, at least 1.
func (p *Planner) Replicas() int { return len(p.roster.crowd.Load().all) }

// Live returns the replicas that are there, sorted, this one included. It must
// not be changed.
func (p *Planner) Live() []string { return p.roster.crowd.Load().all }

// Peers returns the replicas that are there, sorted, without this one. It must
// not be changed.
func (p *Planner) Peers() []string { return p.roster.crowd.Load().peers }

// Offset returns by how much the clock of the NATS server is ahead of ours; it
// is wrong by at most half the time of a message there and back. It is 0 until the
// server was asked. With several servers it is that of the stream's leader.
func (p *Planner) Offset() time.Duration {
	now, known := p.clock.now()
	if !known {
		return 0
	}
	return now.Sub(p.opts.Clock())
}

// Reconnected is a hint that the connection is up again. It does not block.
func (p *Planner) Reconnected() {
	p.anew.Store(true)
	poke(p.look)
	poke(p.speak)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// hear is told every beat, our own included.
func (p *Planner) hear(m *nats.Msg) {
	b, err := parseBeat(m.Data)
	if err != nil {
		p.opts.Logger.LogAttrs(context.Background(), slog.LevelDebug, "beat of a replica not understood", slog.Any("error", err))
		return
	}
	if p.roster.heard(&b, time.Now()) {
		poke(p.speak) // it has not heard us either
	}
	if v := p.view.Load(); b.seat != p.me && (v == nil && b.Horizon > 0 || v != nil && b.Horizon > v.horizon) {
		poke(p.look)
	}
}

// beat says that this replica is there.
func (p *Planner) beat(ctx context.Context) {
	ticker := time.NewTicker(p.times.beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-p.speak:
		}
		if p.opts.Conn.IsConnected() {
			_ = p.say(false) // who is not heard is gone
		}
	}
}

func (p *Planner) say(gone bool) error {
	b := beat{seat: p.me, Gone: gone}
	if v := p.view.Load(); v != nil {
		b.Horizon = v.horizon
	}
	data, err := b.encode()
	if err != nil {
		return err
	}
	if err := p.opts.Conn.Publish(p.opts.Names.SeatBeats(), data); err != nil {
		return fmt.Errorf("tell that this replica is there: %w", err)
	}
	return nil
}

// report logs when the plan can not be read or written, and when it can again.
func (p *Planner) report(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, errConflict) || (err != nil) == p.failing {
		return
	}
	p.failing = err != nil
	if err != nil {
		p.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "the seating plan of the replicas is not kept", slog.Any("error", err))
		return
	}
	p.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "the seating plan of the replicas is kept again")
}
