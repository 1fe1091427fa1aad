package quota

import (
	"github.com/tianjillm/tianjillm/shared/limits"
)

// alone decides about what is missing while NATS is away.
func (e *Engine) alone(g *Grant, first int, want []Demand, cost Cost) *Refusal {
	now := e.now()
	for i := range want {
		cl := &g.claims[first+i]
		if cl.n != missing {
			continue
		}
		if e.failClosed.Load() {
			r := e.refuse(g, first, want[i].Limit, now)
			r.Unavailable = true
			return r
		}
		if !e.tryAlone(cl, cost, now) {
			return e.refuse(g, first, want[i].Limit, now)
		}
		e.gauge.alone()
	}
	return nil
}

func (e *Engine) tryAlone(cl *claim, cost Cost, now int64) bool {
	l := cl.limit
	if l.Unit == limits.Parallel {
		s, ok := e.opts.Slots.Local(l.Key, l.Max)
		if ok {
			cl.slot, cl.n = s, 1
		}
		return ok
	}
	c := cl.c
	c.mu.Lock()
	c.roll(now, e.opts.Plan)
	n, ok := c.borrow(cost.of(l.Unit), int64(e.opts.Plan.Replicas()))
	if ok {
		cl.n, cl.start = n, c.start
	}
	c.mu.Unlock()
	e.owe(c)
	return ok
}

// borrow takes n units that the pool has not given: up to this replica's part
// of what the pool had when it was last heard of. They are a debt, which is
// paid when NATS is back, so the limit is passed by what the others used beyond
// their part, and no more.
func (c *counter) borrow(n, replicas int64) (got int64, ok bool) {
	if c.ceiling <= 0 || c.empty {
		return 0, false
	}
	credit := max(c.tokens+max((c.pool()-c.seen)/replicas, 1), 0)
	if c.unit == limits.Money && credit > 0 {
		n = min(n, credit)
	}
	if n > credit {
		return 0, false
	}
	c.tokens -= n
	c.reserved += n
	c.pins++
	return n, true
}
