package quota

import (
	"iter"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota/slot"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// Cost is what a request asks for, or what it has used.
type Cost struct {
	Requests int64
	Tokens   int64
	Nano     int64 // money, in nano-dollars
}

func (c *Cost) of(u limits.Unit) int64 {
	switch u {
	case limits.Requests:
		return c.Requests
	case limits.Tokens:
		return c.Tokens
	case limits.Money:
		return c.Nano
	default:
		return 1
	}
}

// Demand is a limit that a request is held to.
type Demand struct {
	Limit *limits.Limit
	// Track counts and never refuses: who may borrow is counted all the same.
	Track bool
	// Spread takes half of what a window has where the cost is larger than that
	// half, and the rest from the windows that follow, half of each. The rest is
	// remembered by this replica alone.
	Spread bool
}

// Refusal says which limit is reached.
type Refusal struct {
	Limit          *limits.Limit
	Max, Remaining int64
	// Resets is when the limit begins anew; zero is never.
	Resets time.Time
	// RetryAfter is how long that is, or how soon a call under way may end; 0
	// is unknown.
	RetryAfter time.Duration
	// Unavailable says that the limit can not be counted now, and that what can
	// not be counted is refused.
	Unavailable bool
}

// Standing is how a limit of an admitted request stands.
type Standing struct {
	Limit *limits.Limit
	// Remaining is what is left of Max as far as this replica knows.
	Max, Remaining int64
	Resets         time.Time
}

// Grant is what one request holds. Its zero value holds nothing. It is for one
// goroutine at a time.
type Grant struct {
	engine *Engine
	claims []claim
}

type claim struct {
	limit *limits.Limit
	c     *counter // nil for a slot
	n     int64    // missing until it is taken
	start int64    // of the window that it was taken in
	later int64    // to be taken in windows that follow
	slot  slot.Slot
}

// missing marks a claim that is not met yet.
const missing = -1

// Fresh returns an empty grant that uses g's memory again. g must hold nothing.
func (g *Grant) Fresh() Grant {
	clear(g.claims[:cap(g.claims)])
	return Grant{claims: g.claims[:0]}
}

// Settle says what was really used: the difference is given back or charged,
// and slots are free again. The first call counts, others do nothing. It does
// not block.
func (g *Grant) Settle(used Cost) {
	if len(g.claims) == 0 {
		return
	}
	now := g.engine.now()
	for i := range g.claims {
		cl := &g.claims[i]
		switch {
		case cl.n == missing:
		case cl.c == nil:
			cl.slot.Release()
		default:
			g.engine.settle(cl, used.of(cl.limit.Unit), now)
		}
	}
	clear(g.claims)
	g.claims = g.claims[:0]
}

// Cancel gives everything back: nothing was used.
func (g *Grant) Cancel() { g.Settle(Cost{}) }

// Empty reports whether nothing is held.
func (g *Grant) Empty() bool { return len(g.claims) == 0 }

// Standings yields how the limits stand that the request was admitted under.
func (g *Grant) Standings() iter.Seq[Standing] {
	return func(yield func(Standing) bool) {
		if len(g.claims) == 0 {
			return
		}
		now := g.engine.now()
		for i := range g.claims {
			if !yield(g.engine.standing(&g.claims[i], now)) {
				return
			}
		}
	}
}
