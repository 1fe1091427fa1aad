package quota

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	// takeTimeout is how long an answer of the pool is waited for. It is longer
	// than requests wait: a lease that comes late is a lease all the same.
	takeTimeout = 2 * time.Second
	// planPause is between two looks for the plan, which is late only when a
	// replica has just begun.
	planPause = 2 * time.Millisecond
	// dryPause is how long a limit that is used up everywhere is not asked
	// about, if units can come back before its window ends.
	dryPause = 500 * time.Millisecond
)

// increment is the header of a counter stream. See ADR-49,
// https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-49.md
const increment = "Nats-Incr"

// fly begins to get need units, or joins those who do. c is locked.
func (e *Engine) fly(c *counter, need int64) *flight {
	c.waiting += need
	if c.flight != nil {
		return c.flight
	}
	f := &flight{done: make(chan struct{})}
	if e.closed.Load() {
		close(f.done)
		return f
	}
	c.flight = f
	e.work.Go(func() { e.run(c, f) })
	return f
}

func (e *Engine) run(c *counter, f *flight) {
	defer func() {
		c.mu.Lock()
		c.flight, c.waiting = nil, 0
		owes := c.owes()
		c.mu.Unlock()
		if owes { // it came too late for this flight, or NATS did not answer
			e.owe(c)
		}
		close(f.done)
	}()
	select {
	case e.flights <- struct{}{}:
		defer func() { <-e.flights }()
	case <-e.ctx.Done():
		return
	}
	if !e.planned(c) || !e.lease(c) {
		return
	}
	e.reclaim(c)
}

// planned waits until it is certain how the window is divided.
func (e *Engine) planned(c *counter) bool {
	for waited := time.Duration(0); waited < takeTimeout; waited += planPause {
		c.mu.Lock()
		c.roll(e.now(), e.opts.Plan)
		known := c.learn(e.opts.Plan)
		c.mu.Unlock()
		if known {
			return true
		}
		if !lifecycle.Sleep(e.ctx, planPause) {
			return false
		}
	}
	return false
}

// order is what is asked of the pool.
type order struct {
	start           int64
	debt, back, ask int64
}

func (o *order) sum() int64 { return o.debt - o.back + o.ask }

// lease pays what is owed to the pool and takes what is needed. It reports
// whether the pool answered.
func (e *Engine) lease(c *counter) bool {
	c.mu.Lock()
	o := c.order(e.now(), int64(e.opts.Plan.Replicas()))
	subject, idle := e.subject(c), o == (order{start: o.start}) && c.waiting > 0
	c.mu.Unlock()
	if idle {
		return true
	}
	total, err := e.add(subject, o.sum())
	if err != nil {
		return false
	}
	c.mu.Lock()
	back, lost := c.book(o, total, e.now())
	c.mu.Unlock()
	if lost > 0 { // the stream was lost, and with it what others have taken
		e.opts.Logger.LogAttrs(e.ctx, slog.LevelWarn, "a limit's counter had lost what was taken from it", slog.Int64("units", lost))
		_, _ = e.add(subject, lost) // if that fails, the next lease finds it lost again
	}
	if back > 0 {
		_, _ = e.add(subject, -back) // if that fails, the reconciliation of budgets finds it
	}
	return true
}

// order says what to ask for. c is locked and in the present window. In one that
// began a moment ago it asks for nothing: how that is divided may not be known.
func (c *counter) order(now, replicas int64) order {
	if !c.known {
		return order{start: c.start}
	}
	o := order{start: c.start, debt: max(0, -c.tokens)}
	if c.returns() {
		o.back, c.surplus = c.surplus, 0 // once: what is not answered may have been counted
	}
	if c.returns() && now >= c.denied {
		c.empty = false // somebody may have given back
	} else if c.seen >= c.pool() {
		c.empty = true
	}
	lack := c.waiting - max(0, c.tokens)
	if c.empty || !c.current || lack <= 0 && !c.running() {
		return o
	}
	c.settleLease(now)
	c.want = max(c.want, lack, 1)
	rest := max(c.pool()-c.seen, 0)
	o.ask = max(min(c.want, rest/replicas), min(c.least(replicas), rest), lack, 1)
	return o
}

// least is the smallest lease that is worth a message: where units do not go
// back, it is better to move what is left over between the replicas in the end
// than to take the limit in crumbs.
func (c *counter) least(replicas int64) int64 {
	if c.returns() {
		return 0
	}
	return c.pool() / (2 * replicas)
}

// returns reports whether units that are not needed go back to the pool: where
// the window is long. A minute's are not worth a message.
func (c *counter) returns() bool { return c.window.Class() != limits.ClassMinute }

// book takes what the pool has given: total is what it has handed out, with
// this. back is what was handed out beyond the limit and must be given back,
// lost is what the pool has forgotten.
func (c *counter) book(o order, total, now int64) (back, lost int64) {
	if c.start != o.start {
		return 0, 0 // too late: its window is over
	}
	if before := total - o.sum(); !c.returns() && before < c.seen {
		lost = c.seen - before
		total += lost
	}
	granted := min(max(c.pool()-(total-o.ask), 0), o.ask)
	c.overdrawn = min(c.overdrawn+o.debt, max(0, total-o.ask-c.pool()))
	c.tokens += o.debt + granted
	c.makeUp()
	c.seen, c.seenAt = total, now
	if o.ask == 0 {
		return 0, lost
	}
	if granted > 0 {
		c.block, c.blockAt = granted, now
	}
	if granted < o.ask {
		c.empty = true
		if c.returns() {
			back = o.ask - granted
			c.seen -= back
		}
	}
	return back, lost
}

// subject is the counter of the present window. c is locked.
func (e *Engine) subject(c *counter) string {
	return e.opts.Names.LimitSubject(string(c.window.Class()), c.key, c.start/int64(time.Second))
}

var errNoTotal = errors.New("the pool did not tell its total")

// add adds n to a counter of the pool and returns its total. It is never sent
// twice: what is not answered may have been counted, and is lost then.
func (e *Engine) add(subject string, n int64) (total int64, err error) {
	e.gauge.operation("take")
	ctx, cancel := context.WithTimeout(e.ctx, takeTimeout)
	defer cancel()
	ack, err := e.opts.JS.PublishMsg(ctx, &nats.Msg{Subject: subject, Header: nats.Header{increment: {strconv.FormatInt(n, 10)}}}, jetstream.WithRetryAttempts(0))
	if err == nil {
		e.link.heard.Add(1)
		if total, err = strconv.ParseInt(ack.Value, 10, 64); err == nil {
			return total, nil
		}
		err = errNoTotal
	}
	e.gauge.operation("failed")
	if e.ctx.Err() == nil {
		e.link.stalled()
		e.opts.Logger.LogAttrs(ctx, slog.LevelDebug, "take from a limit's pool", slog.Any("error", err))
	}
	return 0, err
}
