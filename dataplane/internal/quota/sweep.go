package quota

import (
	"context"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	payEvery   = 100 * time.Millisecond
	sweepEvery = 5 * time.Second
	// idleTime is after how long a lease of a long window goes back to the pool.
	idleTime = 30 * time.Second
	// forgetTime is after how long an unused counter is forgotten.
	forgetTime = 2 * time.Minute
)

// sweep pays debts, gives back what is not needed, and forgets what is not used.
func (e *Engine) sweep(ctx context.Context) {
	pay, clean := time.NewTicker(payEvery), time.NewTicker(sweepEvery)
	defer pay.Stop()
	defer clean.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pay.C:
			e.pay()
		case <-clean.C:
			e.clean()
		}
	}
}

// pay begins to pay the debts there are.
func (e *Engine) pay() {
	if e.link.away() {
		return
	}
	e.mu.Lock()
	debtors := e.debtors
	e.debtors = nil
	for _, c := range debtors {
		c.indebted = false
	}
	e.mu.Unlock()
	for _, c := range debtors {
		c.mu.Lock()
		if c.owes() && e.now() < c.end {
			e.fly(c, 0)
		}
		c.mu.Unlock()
	}
}

func (e *Engine) clean() {
	now := e.now()
	e.ears.asker.forget()
	var held totals
	e.table.each(func(c *counter) (forget bool) {
		held.add(c)
		if c.later > 0 { // nobody may use it before its next window is over
			c.roll(now, e.opts.Plan)
			if c.tokens < 0 && c.flight == nil && !e.link.away() {
				e.fly(c, 0)
			}
			return false
		}
		idle := time.Duration(now - max(c.used, c.start)) // others may have asked for what was never used here
		if c.returns() && idle > idleTime && c.tokens > 0 && now < c.end && c.flight == nil && !e.link.away() {
			n, subject := c.tokens, e.subject(c)
			c.tokens = 0
			e.work.Go(func() { _, _ = e.add(subject, -n) }) // if that fails, the reconciliation of budgets finds it
		}
		unpaid := c.owes() && now < c.end
		spent := c.tokens <= 0 && !c.shared // a share that was forgotten would be given out once more
		return idle > forgetTime && c.pins == 0 && c.flight == nil && !unpaid && (now >= c.end || spent)
	})
	e.gauge.hold(&held)
}

// giveBack returns all leases that are worth it and pays all debts, without
// waiting for more than a moment.
func (e *Engine) giveBack() {
	if e.link.away() {
		return
	}
	now := e.now()
	nc := e.opts.Conn
	e.table.each(func(c *counter) bool {
		if now < c.end && (c.owes() || c.tokens > 0 && c.returns()) {
			n := -c.tokens
			if c.returns() {
				n -= c.surplus
			}
			_ = nc.PublishMsg(&nats.Msg{Subject: e.subject(c), Header: nats.Header{increment: {strconv.FormatInt(n, 10)}}}) // as good as it gets
			c.tokens, c.surplus = 0, 0
		}
		return false
	})
	ctx, cancel := context.WithTimeout(e.ctx, closeTimeout)
	defer cancel()
	_ = nc.FlushWithContext(ctx)
}

// totals are what is held in all counters, by unit.
type totals struct {
	counters                 int
	leased, reserved, unpaid [limits.Parallel]int64
}

func (t *totals) add(c *counter) {
	t.counters++
	t.leased[c.unit] += max(0, c.tokens)
	t.unpaid[c.unit] += max(0, -c.tokens)
	t.reserved[c.unit] += c.reserved
}
