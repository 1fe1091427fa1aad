package quota

import (
	"math"
	"sync"
	"time"

	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	// leaseTime is for how long a lease ought to last: longer ones need fewer
	// messages, shorter ones leave less behind when a replica dies.
	leaseTime = 2 * time.Second
	// activeTime is how lately a counter must have been used for its replica to
	// keep half of what another asks for.
	activeTime = 250 * time.Millisecond
	firstPause = 20 * time.Millisecond
	longPause  = 320 * time.Millisecond
	never      = math.MaxInt64
)

// counter is this replica's part in one limit, in the window that it was last
// used in. Times are Unix nanoseconds.
type counter struct {
	key    string
	window limits.Window
	unit   limits.Unit
	shared bool // half of it is divided beforehand

	mu         sync.Mutex
	start, end int64
	// ceiling is the limit; current says that somebody was held to it in this
	// window. Until then it may have been changed.
	ceiling int64
	current bool
	// tokens are what may be given out here. Below zero they are a debt: units
	// that were used and that the pool does not know of yet.
	tokens int64
	// overdrawn is what the pool was told of that was used beyond the limit.
	// What is given back makes up for that first, and is surplus then: it is
	// not there to be given out.
	overdrawn, surplus int64
	// seats and share are how the window is divided beforehand; known says that
	// this is certain.
	seats, share int64
	known        bool
	// seen is the greatest total of the pool that was heard of in this window,
	// at seenAt.
	seen, seenAt int64
	// empty says that the pool has nothing left, dry that nobody else had
	// anything left either when it was last asked. Until denied, nobody need be
	// asked again.
	empty, dry bool
	denied     int64
	pause      time.Duration
	// want is the size of the next lease, block that of the present one.
	want, block, blockAt int64
	flight               *flight
	waiting              int64 // units that waiters of the flight need
	indebted             bool  // in the engine's list of debtors
	used                 int64 // when it was last asked for anything
	reserved, refused    int64
	pins                 int64 // claims that will be settled
	gone                 bool  // out of the engine's map
	// later is what large claims take from windows to come.
	later int64
}

// flight is a conversation with the pool or with the others, which any number
// of requests wait for.
type flight struct{ done chan struct{} }

// roll begins a new window when the old one is over. A clock that is set back
// stays in the window that it was in: an old one is not used again.
func (c *counter) roll(now int64, plan Plan) {
	if now < c.end {
		return
	}
	start, end := c.window.Bounds(time.Unix(0, now))
	c.start, c.end = start.UnixNano(), never
	if !end.IsZero() {
		c.end = end.UnixNano()
	}
	c.current = false
	c.overdrawn, c.surplus = 0, 0
	c.tokens, c.seen, c.seenAt = 0, 0, 0
	c.empty, c.dry, c.denied, c.pause = false, false, 0, 0
	c.block, c.blockAt, c.reserved, c.refused = 0, 0, 0, 0
	c.seats, c.share, c.known = 0, 0, !c.shared
	c.learn(plan)
	if c.later > 0 {
		part := min(c.later, c.half())
		c.later -= part
		c.tokens -= part
	}
}

// half of a window is the most that one claim may spread over several.
func (c *counter) half() int64 { return max(1, c.ceiling/2) }

// learn takes this replica's part of what is divided beforehand, once it is
// certain how it is divided.
func (c *counter) learn(plan Plan) bool {
	if c.known {
		return true
	}
	seats, mine, known := plan.Share(time.Unix(0, c.start))
	if !known {
		return false
	}
	c.known, c.seats = true, int64(seats)
	if mine {
		c.share = c.part()
		c.tokens += c.share
	} else {
		c.share = -1
	}
	return true
}

// part is one seat's part of the half that is divided beforehand.
func (c *counter) part() int64 {
	if c.seats == 0 {
		return 0
	}
	return max(c.ceiling, 0) / 2 / c.seats
}

// pool is how much of the limit is in the pool.
func (c *counter) pool() int64 { return c.ceiling - c.seats*c.part() }

// setCeiling follows a limit that was changed.
func (c *counter) setCeiling(ceiling int64) {
	c.current = true
	if c.ceiling == ceiling {
		return
	}
	c.ceiling = ceiling
	if c.known && c.share >= 0 {
		part := c.part()
		c.tokens += part - c.share
		c.share = part
		c.makeUp()                                 // the pool was told of what a lower limit took away
		if n := min(-c.tokens, c.surplus); n > 0 { // once is enough
			c.tokens += n
			c.overdrawn += n
			c.surplus -= n
		}
	}
	c.empty, c.dry, c.denied, c.pause = false, false, 0, 0
}

// verdict is what a counter says to a request.
type verdict uint8

const (
	verdictTaken   verdict = iota
	verdictShort           // ask again after a flight
	verdictRefused         // the limit is reached
)

// take takes n units. Of money, the rest is taken where less is left.
func (c *counter) take(now, n int64, track bool) (got int64, v verdict) {
	c.used = now
	switch {
	case n == 0 || track || c.tokens >= n:
		got = n
	case c.unit == limits.Money && c.tokens > 0 && c.dry && now < c.denied:
		got = c.tokens
	case c.ceiling <= 0 || now < c.denied:
		return 0, verdictRefused
	default:
		return 0, verdictShort
	}
	c.tokens -= got
	c.reserved += got
	c.pins++
	return got, verdictTaken
}

// low reports whether it is time to ask for the next lease before this one is
// used up.
func (c *counter) low() bool { return c.flight == nil && !c.empty && c.running() && c.tokens >= 0 }

// running reports whether a lease is running out.
func (c *counter) running() bool { return c.block > 3 && c.tokens < c.block/4 }

// give takes back a claim and charges what was used instead.
func (c *counter) give(cl *claim, used, now int64, plan Plan) {
	c.pins--
	c.roll(now, plan)
	if cl.later > 0 { // what was to be taken from later windows is given back first
		back := max(0, min(cl.n+cl.later-used, cl.later, c.later))
		c.later -= back
		used -= min(used, cl.later-back)
	}
	if c.start == cl.start {
		c.reserved -= cl.n
		c.tokens += cl.n - used
		c.makeUp()
		return
	}
	// The window of the claim is over. Money belongs to the period in which the
	// call ended, as in the ledger. What more than was reserved of anything else
	// is used now.
	if c.unit != limits.Money {
		used = max(0, used-cl.n)
	}
	c.tokens -= used
}

// makeUp uses what is here for what was used beyond the limit.
func (c *counter) makeUp() {
	if n := min(c.tokens, c.overdrawn); n > 0 {
		c.tokens -= n
		c.overdrawn -= n
		c.surplus += n
	}
}

// owes reports whether the pool must be told of something: of what was used, or
// of what was not used after all, where it wants to know that.
func (c *counter) owes() bool { return c.tokens < 0 || c.returns() && c.surplus > 0 }

// left is what remains as far as this replica knows. What the others own
// beforehand counts as unused until the pool is empty and they were asked, so
// the sum may say more than there is.
func (c *counter) left() int64 {
	n := max(0, c.pool()-c.seen) + c.tokens
	if !c.empty {
		n += c.seats * c.part()
		if c.share > 0 {
			n -= c.share
		}
	}
	return min(max(0, n), max(0, c.ceiling))
}

// settleLease sizes the next lease by how long the last one lasted.
func (c *counter) settleLease(now int64) {
	if c.block == 0 {
		return
	}
	switch lasted := time.Duration(now - c.blockAt); {
	case lasted < leaseTime/4:
		c.want *= 4
	case lasted < leaseTime:
		c.want *= 2
	case lasted > 2*leaseTime:
		c.want /= 2
	}
	c.want = min(max(c.want, 1), math.MaxInt64/16)
}
