package quota

import (
	"math/rand/v2"
	"time"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// reclaimTimeout is how long the others may take to answer. They answer from
// memory.
const reclaimTimeout = 25 * time.Millisecond

const (
	// reclaimRounds is how often the others are asked in a row while they give.
	reclaimRounds = 4
	reclaimPause  = time.Millisecond
)

// reclaim asks the others for units, when the pool has none, and finds out
// whether there are any at all.
func (e *Engine) reclaim(c *counter) {
	for round := range reclaimRounds {
		ask, lacking := e.wanted(c)
		if !lacking {
			return
		}
		given, dry := e.askPeers(c, &ask)
		c.mu.Lock()
		if now := e.now(); c.start/int64(time.Second) == ask.Start {
			c.deny(now, dry && given == 0)
			if given > 0 {
				c.block, c.blockAt = given, now
			}
		}
		c.mu.Unlock()
		if given > 0 {
			continue
		}
		// Somebody who is about to get the rest of a budget will soon give it
		// away; nobody is to be refused meanwhile.
		if dry || !ask.All || !lifecycle.Sleep(e.ctx, reclaimPause<<round) {
			return
		}
	}
}

// wanted says what to ask the others for, if anything.
func (e *Engine) wanted(c *counter) (ask contract.Reclaim, lacking bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lack, now := c.waiting-max(0, c.tokens), e.now()
	if !c.empty || lack <= 0 || now >= c.end {
		return ask, false
	}
	c.settleLease(now)
	c.want = max(c.want, lack, c.least(int64(e.opts.Plan.Replicas())))
	return contract.Reclaim{
		V: contract.SchemaVersion, Replica: e.opts.Replica, Key: c.key, Start: c.start / int64(time.Second),
		Max: c.ceiling, Want: max(lack, min(c.want, c.ceiling/4)), All: c.unit == limits.Money,
	}, true
}

// askPeers returns what the others gave, and whether they have nothing more.
func (e *Engine) askPeers(c *counter, ask *contract.Reclaim) (given int64, dry bool) {
	peers := len(e.opts.Plan.Peers())
	if peers == 0 {
		return 0, true
	}
	answers := e.ears.asker.ask(e.ctx, c, ask, peers)
	dry = len(answers) >= peers
	for _, a := range answers {
		given += a.Given
		dry = dry && !a.Holds
	}
	return given, dry
}

// deny notes for how long nobody need be asked again. c is locked.
func (c *counter) deny(now int64, dry bool) {
	c.dry = dry
	if c.waiting <= c.tokens {
		c.pause = 0
		return
	}
	switch {
	case dry && c.unit == limits.Requests && !c.returns():
		c.denied = c.end
	case dry:
		c.denied = min(c.end, now+int64(dryPause))
	default:
		c.pause = min(max(2*c.pause, firstPause), longPause)
		// Not after the same time everywhere: those who ask at one time keep each
		// other from knowing that there is nothing left.
		c.denied = min(c.end, now+int64(c.pause)/2+rand.Int64N(int64(c.pause))) //nolint:gosec // not a secret
	}
}

// yield gives away what another asks for and this replica does not need. The
// units are gone here before they are promised: an answer that is lost loses
// them, and does not double them.
func (c *counter) yield(r *contract.Reclaim, now int64) contract.Reclaimed {
	var a contract.Reclaimed
	if c.start/int64(time.Second) != r.Start {
		return a
	}
	if !c.current {
		c.setCeiling(r.Max)
	}
	if !c.returns() && r.Max >= c.ceiling {
		c.empty = true // or nobody would ask
	}
	spare := max(0, c.tokens)
	if !r.All && now-c.used < int64(activeTime) {
		spare -= spare / 2 // the last one, too: who asks needs it now
	}
	a.Given = min(spare, max(r.Want, 0))
	c.tokens -= a.Given
	a.Holds = c.tokens > 0 || c.flight != nil || !c.known
	return a
}
