package quota

import (
	"time"

	"github.com/tianjillm/tianjillm/shared/limits"
)

// Claim is what a grant holds of one limit.
type Claim struct {
	Limit *limits.Limit
	N     int64
	// Start is of the window that it was taken in, Now of the one that it would
	// be settled in; both are Unix nanoseconds.
	Start, Now int64
}

// Claims is for tests.
func (g *Grant) Claims() []Claim {
	all := make([]Claim, 0, len(g.claims))
	for i := range g.claims {
		cl := &g.claims[i]
		if cl.c == nil || cl.n == missing {
			continue
		}
		cl.c.mu.Lock()
		cl.c.roll(g.engine.now(), g.engine.opts.Plan)
		all = append(all, Claim{Limit: cl.limit, N: cl.n, Start: cl.start, Now: cl.c.start})
		cl.c.mu.Unlock()
	}
	return all
}

// Lapse is when the engine last began to count alone, for tests.
func (e *Engine) Lapse() time.Time {
	e.link.mu.Lock()
	defer e.link.mu.Unlock()
	return e.link.since
}

// Flying reports whether there is a conversation with the pool, for tests.
func (e *Engine) Flying() bool {
	flying := false
	e.table.each(func(c *counter) bool {
		flying = flying || c.flight != nil
		return false
	})
	return flying
}

// Sweep is what is done every few seconds, for tests.
func (e *Engine) Sweep() { e.clean() }

// Surplus is what the pool is yet to be told of that was not used after all, by
// key, for tests.
func (e *Engine) Surplus() map[string]int64 {
	all := map[string]int64{}
	e.table.each(func(c *counter) bool {
		all[c.key] = c.surplus
		return false
	})
	return all
}

// Halt ends what an engine begins by itself, for tests.
func (e *Engine) Halt() {
	for _, stop := range e.loops {
		stop()
	}
}

// Deafen ends what it does when it is asked, for tests.
func (e *Engine) Deafen() {
	for _, s := range e.ears.subs {
		deaf := make(chan struct{})
		s.SetClosedHandler(func(string) { close(deaf) })
		if s.Unsubscribe() == nil {
			<-deaf
		}
	}
	e.work.Wait()
}
