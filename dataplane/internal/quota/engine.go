package quota

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota/slot"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	// maxFlights bounds the conversations with the pool at one time.
	maxFlights   = 256
	closeTimeout = 2 * time.Second
	// maxWindows bounds for how many windows a claim may be spread, so that
	// batches do not take what is to come for ever.
	maxWindows = 60
)

// Plan says how what is divided beforehand is divided, and who else there is.
// Planner in package seat is one. It answers from memory.
type Plan interface {
	// Share returns into how many parts a window that starts then is divided,
	// and whether one is ours. It is the same everywhere, or not known.
	Share(start time.Time) (seats int, mine, known bool)
	// Replicas is how many data planes live, at least 1; Peers are the others.
	Replicas() int
	Peers() []string
}

// Slots count calls under way. Table in package slot is one.
type Slots interface {
	Try(key string, limit int64) (slot.Slot, bool)
	More(key string, limit int64) <-chan struct{}
	Full(key string) (retryAfter time.Duration, full bool)
	Local(key string, limit int64) (slot.Slot, bool)
	Held(key string) (held, inUse int64)
}

// Options are what an engine is made of.
type Options struct {
	Conn    *nats.Conn
	JS      jetstream.JetStream
	Names   contract.Names
	Replica string
	Plan    Plan
	Slots   Slots
	Clock   func() time.Time
	Logger  *slog.Logger
	// Registry and Operations may be nil.
	Registry   prometheus.Registerer
	Operations *Operations
}

// Engine admits requests. It is safe for concurrent use.
type Engine struct {
	opts   Options
	table  *table
	gauge  *gauge
	link   *link
	ears   *ears
	closed atomic.Bool
	// failClosed refuses what can not be counted.
	failClosed atomic.Bool

	flights chan struct{}
	work    sync.WaitGroup
	ctx     context.Context //nolint:containedctx // of the flights, which outlive the requests that begin them
	stop    context.CancelFunc
	loops   []func()

	mu      sync.Mutex
	debtors []*counter
}

// Open starts an engine. It works on a connection that is not up yet.
func Open(o Options) (*Engine, error) {
	e := &Engine{opts: o, table: newTable(), gauge: newGauge(o.Registry, o.Operations), flights: make(chan struct{}, maxFlights)}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.link = newLink(e)
	var err error
	if e.ears, err = listen(e); err != nil {
		e.stop()
		return nil, fmt.Errorf("listen for the limits of other replicas: %w", err)
	}
	e.gauge.watch(e)
	e.loops = []func(){lifecycle.Loop(e.link.watch), lifecycle.Loop(e.sweep), lifecycle.Loop(e.ears.asker.send)}
	return e, nil
}

// Configure says whether what can not be counted is refused.
func (e *Engine) Configure(failClosed bool) { e.failClosed.Store(failClosed) }

// Degraded reports whether limits are counted by this replica alone, because
// NATS does not answer.
func (e *Engine) Degraded() bool { return e.link.away() }

// Close gives back what is held, for at most a moment, and ends all goroutines.
// Nothing may be admitted any more.
func (e *Engine) Close() {
	if e.closed.Swap(true) {
		return
	}
	for _, stop := range e.loops {
		stop()
	}
	if e.link.away() {
		e.stop()
	}
	e.work.Wait()  // no more than takeTimeout
	e.ears.close() // what others were asked for has been heard
	e.giveBack()
	e.stop()
}

func (e *Engine) now() int64 { return e.opts.Clock().UnixNano() }

// Admit reserves cost under all demands and keeps it in g, or changes nothing
// and returns the first demand that is not met. It waits for NATS for a moment
// at most, and ends early with ctx.
func (e *Engine) Admit(ctx context.Context, g *Grant, want []Demand, cost Cost) *Refusal {
	g.engine = e
	now, first, short := e.now(), len(g.claims), false
	for i := range want {
		cl := claim{limit: want[i].Limit, n: missing}
		switch e.try(&cl, &want[i], cost, now) {
		case verdictRefused:
			return e.refuse(g, first, want[i].Limit, now)
		case verdictShort:
			short = true
		case verdictTaken:
		}
		g.claims = append(g.claims, cl)
	}
	if !short {
		return nil
	}
	return e.wait(ctx, g, first, want, cost)
}

// try takes what one claim needs, if it is here.
func (e *Engine) try(cl *claim, d *Demand, cost Cost, now int64) verdict {
	l := cl.limit
	if l.Unit == limits.Parallel {
		return e.trySlot(cl, now)
	}
	c := cl.c
	if c == nil {
		c = e.table.counter(l)
		cl.c = c
	}
	c.mu.Lock()
	if c.gone { // swept between the two lines above
		c.mu.Unlock()
		cl.c = nil
		return e.try(cl, d, cost, now)
	}
	c.roll(now, e.opts.Plan)
	c.setCeiling(l.Ceiling(now / int64(time.Second)))
	n, later := cost.of(l.Unit), int64(0)
	if half := c.half(); d.Spread && n > half {
		if n, later = half, n-half; (c.later+later)/half >= maxWindows {
			c.mu.Unlock()
			return verdictRefused
		}
	}
	n, v := c.take(now, n, d.Track)
	if v == verdictTaken {
		cl.n, cl.start, cl.later = n, c.start, later
		c.later += later
		if c.low() && !e.link.away() {
			e.fly(c, 0)
		}
	}
	owes := c.owes()
	c.mu.Unlock()
	if owes {
		e.owe(c)
	}
	return v
}

func (e *Engine) trySlot(cl *claim, _ int64) verdict {
	l := cl.limit
	if l.Max <= 0 {
		return verdictRefused
	}
	s, ok := e.opts.Slots.Try(l.Key, l.Max)
	if ok {
		cl.slot, cl.n = s, 1
		return verdictTaken
	}
	if _, full := e.opts.Slots.Full(l.Key); full {
		return verdictRefused
	}
	return verdictShort
}

// wait waits for what is missing until it is there, or is known not to come.
func (e *Engine) wait(ctx context.Context, g *Grant, first int, want []Demand, cost Cost) *Refusal {
	w := e.link.wait()
	defer w.stop()
	for {
		if e.link.away() {
			return e.alone(g, first, want, cost)
		}
		for _, done := range e.begin(g.claims[first:], want, cost) {
			w.until(ctx, done)
		}
		now, missed := e.now(), -1
		for i := range want {
			cl := &g.claims[first+i]
			if cl.n != missing {
				continue
			}
			switch e.try(cl, &want[i], cost, now) {
			case verdictRefused:
				return e.refuse(g, first, want[i].Limit, now)
			case verdictShort:
				missed = i
			case verdictTaken:
			}
		}
		switch {
		case missed < 0:
			return nil
		case ctx.Err() != nil:
			return e.refuse(g, first, want[missed].Limit, now)
		}
	}
}

// begin sees to it that somebody asks for what is missing, for all of it at
// once, and returns what to wait for.
func (e *Engine) begin(claims []claim, want []Demand, cost Cost) []<-chan struct{} {
	var pending []<-chan struct{}
	for i := range claims {
		cl := &claims[i]
		if cl.n != missing {
			continue
		}
		if cl.limit.Unit == limits.Parallel {
			pending = append(pending, e.opts.Slots.More(cl.limit.Key, cl.limit.Max))
			continue
		}
		cl.c.mu.Lock()
		if !cl.c.gone {
			n := cost.of(cl.limit.Unit)
			if want[i].Spread {
				n = min(n, cl.c.half())
			}
			pending = append(pending, e.fly(cl.c, n).done)
		}
		cl.c.mu.Unlock()
	}
	return pending
}

// refuse gives back what was taken for a request and says why it can not go on.
func (e *Engine) refuse(g *Grant, first int, l *limits.Limit, now int64) *Refusal {
	r := &Refusal{Limit: l, Max: l.Ceiling(now / int64(time.Second))}
	if l.Unit == limits.Parallel {
		after, _ := e.opts.Slots.Full(l.Key)
		r.RetryAfter = max(after, time.Second)
	} else {
		e.explain(r, now)
	}
	e.rollback(g, first, now)
	e.gauge.refused(l)
	return r
}

func (e *Engine) explain(r *Refusal, now int64) {
	c := e.table.counter(r.Limit)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roll(now, e.opts.Plan)
	c.refused++
	r.Remaining = c.left()
	if c.end != never {
		r.Resets = time.Unix(0, c.end).UTC()
		r.RetryAfter = time.Duration(c.end - now)
	}
}

// rollback gives back the claims from first on.
func (e *Engine) rollback(g *Grant, first int, now int64) {
	for i := range g.claims[first:] {
		cl := &g.claims[first+i]
		switch {
		case cl.n == missing:
		case cl.c == nil:
			cl.slot.Release()
		default:
			e.settle(cl, 0, now)
		}
	}
	clear(g.claims[first:])
	g.claims = g.claims[:first]
}

// settle charges what was used of a claim.
func (e *Engine) settle(cl *claim, used, now int64) {
	c := cl.c
	c.mu.Lock()
	c.give(cl, used, now, e.opts.Plan)
	owes := c.owes()
	c.mu.Unlock()
	if owes {
		e.owe(c)
	}
}

// owe remembers a counter whose debt must be paid.
func (e *Engine) owe(c *counter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !c.indebted {
		c.indebted = true
		e.debtors = append(e.debtors, c)
	}
}

func (e *Engine) standing(cl *claim, now int64) Standing {
	s := Standing{Limit: cl.limit, Max: cl.limit.Ceiling(now / int64(time.Second))}
	if cl.c == nil {
		held, inUse := e.opts.Slots.Held(cl.limit.Key)
		s.Remaining = max(0, max(s.Max, held)-inUse)
		return s
	}
	c := cl.c
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Remaining = c.left()
	if c.end != never {
		s.Resets = time.Unix(0, c.end).UTC()
	}
	return s
}

// Used returns how many units of a limit were handed out in the present window,
// as far as this replica knows. What it knows is at most about a second old
// while it is asked.
func (e *Engine) Used(l *limits.Limit) int64 {
	now := e.now()
	c := e.table.counter(l)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return 0
	}
	c.roll(now, e.opts.Plan)
	c.setCeiling(l.Ceiling(now / int64(time.Second)))
	c.used = now
	if now-c.seenAt > int64(refreshAfter) && !e.link.away() {
		e.fly(c, 0)
	}
	return max(0, c.seen-c.tokens-c.surplus)
}

const refreshAfter = 500 * time.Millisecond
