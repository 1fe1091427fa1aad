// Package strategy picks one of several deployments: at random by weight, the
// least busy, the fastest, the least used or the cheapest.
//
// It is given candidates that may all be used, in any number from one, and
// returns the index of one. Among equals it picks at random, so that a crowd
// that comes at once is spread. It keeps nothing and starts no goroutine.
package strategy

import (
	"math"
	"math/rand/v2"
	"sync/atomic"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
)

// Member is what the strategies look at.
type Member struct {
	Weight   float64
	RPM, TPM int64
	// Cost is that of an input and an output token together, in any unit;
	// negative means unknown. Prices change while calls are under way.
	Cost  atomic.Int64
	State *health.State
}

// Candidate is a deployment.
type Candidate interface {
	Member() *Member
}

// Kind is a strategy.
type Kind uint8

// The strategies.
const (
	SimpleShuffle Kind = iota
	LeastBusy
	Latency
	Usage
	Cost
)

// Parse returns the strategy that LiteLLM calls by a name, and whether there is
// one.
func Parse(name string) (Kind, bool) {
	switch name {
	case "", "simple-shuffle":
		return SimpleShuffle, true
	case "least-busy":
		return LeastBusy, true
	case "latency-based-routing":
		return Latency, true
	case "usage-based-routing", "usage-based-routing-v2":
		return Usage, true
	case "cost-based-routing":
		return Cost, true
	}
	return SimpleShuffle, false
}

// Limited reports whether the strategy leaves out deployments that are over
// their rpm or tpm.
func (k Kind) Limited() bool { return k == Latency || k == Usage || k == Cost }

// Ask is what a pick depends on.
type Ask struct {
	Now    int64 // Unix nanoseconds
	Minute int64 // Unix minute
	Stream bool
	// Buffer is how much slower than the fastest one may be, as a fraction.
	Buffer float64
}

// Pick returns the index of one candidate. There must be at least one.
func Pick[C Candidate](k Kind, cs []C, ask *Ask) int {
	if len(cs) == 1 {
		return 0
	}
	switch k {
	case LeastBusy:
		return lowest(cs, func(m *Member) int64 { return m.State.InFlight() })
	case Latency:
		return fastest(cs, ask)
	case Usage:
		return lowest(cs, func(m *Member) int64 { return m.State.Usage.Tokens(ask.Minute) })
	case Cost:
		return cheapest(cs)
	default:
		return shuffle(cs)
	}
}

func random(n int) int { return rand.IntN(n) } //nolint:gosec // spreads load, guards nothing

// shuffle picks by weight where any candidate has one, else by rpm, else by
// tpm, else all alike.
func shuffle[C Candidate](cs []C) int {
	var weight float64
	var rpm, tpm int64
	for _, c := range cs {
		m := c.Member()
		weight += m.Weight
		rpm += m.RPM
		tpm += m.TPM
	}
	switch {
	case weight > 0:
		return weighted(cs, weight, func(m *Member) float64 { return m.Weight })
	case rpm > 0:
		return weighted(cs, float64(rpm), func(m *Member) float64 { return float64(m.RPM) })
	case tpm > 0:
		return weighted(cs, float64(tpm), func(m *Member) float64 { return float64(m.TPM) })
	}
	return random(len(cs))
}

func weighted[C Candidate](cs []C, sum float64, weight func(*Member) float64) int {
	at := rand.Float64() * sum //nolint:gosec // spreads load, guards nothing
	last := 0
	for i, c := range cs {
		w := weight(c.Member())
		if w <= 0 {
			continue
		}
		if at < w {
			return i
		}
		at -= w
		last = i // rounding may leave a trifle
	}
	return last
}

// draw picks one of equals as they come, each as likely as the others. It asks
// for one random number and makes the others from it: there may be many equals.
type draw struct {
	seen, index int
	seed        uint64
}

func newDraw() draw { return draw{seed: rand.Uint64() | 1} } //nolint:gosec // spreads load, guards nothing

func (d *draw) first(i int) { d.seen, d.index = 1, i }

func (d *draw) another(i int) {
	d.seen++
	// xorshift64 (Marsaglia, 2003), whose upper half is scaled to what was seen.
	d.seed ^= d.seed << 13
	d.seed ^= d.seed >> 7
	d.seed ^= d.seed << 17
	if (d.seed>>32)*uint64(d.seen)>>32 == 0 { //nolint:gosec // not negative
		d.index = i
	}
}

func lowest[C Candidate](cs []C, value func(*Member) int64) int {
	d := newDraw()
	best := int64(0)
	for i, c := range cs {
		switch v := value(c.Member()); {
		case i == 0 || v < best:
			best = v
			d.first(i)
		case v == best:
			d.another(i)
		}
	}
	return d.index
}

// cheapest leaves out those whose price is unknown, unless all are.
func cheapest[C Candidate](cs []C) int {
	return lowest(cs, func(m *Member) int64 {
		if cost := m.Cost.Load(); cost >= 0 {
			return cost
		}
		return math.MaxInt64
	})
}

// fastest picks one of those near the fastest. One that was not measured yet
// is tried first, by one call at a time: a crowd would find out together that
// it is slow.
func fastest[C Candidate](cs []C, ask *Ask) int {
	untried, near := newDraw(), newDraw()
	best := 0.0
	measured := false
	for i, c := range cs {
		s := c.Member().State
		seconds, known := s.Latency(ask.Now, ask.Stream)
		switch {
		case known && (!measured || seconds < best):
			best, measured = seconds, true
		case !known && s.InFlight() == 0:
			untried.another(i)
		}
	}
	if untried.seen > 0 {
		return untried.index
	}
	if !measured {
		return random(len(cs))
	}
	limit := best + best*ask.Buffer
	for i, c := range cs {
		if seconds, known := c.Member().State.Latency(ask.Now, ask.Stream); known && seconds <= limit {
			near.another(i)
		}
	}
	return near.index
}
