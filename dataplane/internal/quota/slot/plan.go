package slot

import "slices"

// give are slots on their way to another holder.
type give struct {
	to, replica string
	n           int64
}

// growth says what may be taken of the free slots.
type growth uint8

const (
	// coverUse takes what calls use without having it, after a time without
	// NATS or without a lease.
	coverUse growth = iota
	// oneMore takes a part, so that at least one more call can begin.
	oneMore
)

// plan is what one holder wants changed in a record.
type plan struct {
	me string
	// formers were this process before it lost its lease. What records still
	// say of them is its own.
	formers []string
	gives   []give
	drop    int64
	// use is how many calls are under way here.
	use             int64
	limit, replicas int64
	growth          growth
}

// apply returns the record as wanted, which may be equal to rec.
func (p *plan) apply(rec holders, dead func(string) bool) holders {
	next := make(holders, len(rec)+1)
	for id, n := range rec {
		switch {
		case id == p.me || slices.Contains(p.formers, id):
			next.add(p.me, n)
		case !dead(id):
			next.add(id, n)
		}
	}
	for _, g := range p.gives {
		n := min(g.n, next[p.me])
		next.add(p.me, -n)
		next.add(g.to, n)
	}
	next.add(p.me, -min(p.drop, next[p.me]))
	next.add(p.me, p.more(next))
	return next
}

// more is how many free slots to take: at first a replica's even part of the
// limit, so that a limit that is not contended costs nothing from then on, and
// later a part of what is left.
func (p *plan) more(h holders) int64 {
	free, mine := p.limit-h.sum(), h[p.me]
	need := p.use - mine
	if p.growth == oneMore {
		need++
	}
	if free <= 0 || need <= 0 {
		return 0
	}
	if p.growth == coverUse {
		return min(free, need)
	}
	part := share(free, p.replicas)
	if mine == 0 {
		part = share(p.limit, p.replicas)
	}
	return min(free, max(need, part))
}

// share is an even part of n, rounded up.
func share(n, replicas int64) int64 { return (n + replicas - 1) / replicas }

// portion is how many of deficit slots the holder me should hand over, when all
// that have more than floor do so in proportion to what they have above it. The
// holders' portions add up to deficit, or to all there is. The remainders of the
// division fall to another holder at each revision.
func portion(rec holders, rev uint64, asker, me string, floor, deficit int64) int64 {
	ids := make([]string, 0, len(rec))
	excess := int64(0)
	for id, n := range rec {
		if id != asker && n > floor {
			ids = append(ids, id)
			excess += n - floor
		}
	}
	if rec[me] <= floor || me == asker || deficit <= 0 {
		return 0
	}
	if deficit >= excess {
		return rec[me] - floor
	}
	slices.Sort(ids)
	first := int(rev % uint64(len(ids))) //nolint:gosec // less than the number of ids
	before := int64(0)
	for i := range ids {
		id := ids[(first+i)%len(ids)]
		after := before + rec[id] - floor
		if id == me {
			return deficit*after/excess - deficit*before/excess
		}
		before = after
	}
	return 0
}
