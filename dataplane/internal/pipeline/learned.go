package pipeline

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/price"
)

// learned is what past calls of a model group tell of the next one. It outlives
// configurations.
type learned struct {
	// output is the tokens of an answer, density the tokens of a byte of a
	// prompt, spend the nano-dollars of a call.
	output, density, spend average
	// failures counts those of the present minute, in the low half; the minute
	// is in the high one.
	failures atomic.Uint64
}

// average is a mean in which what is new counts more. Its zero value knows
// nothing.
type average struct{ bits atomic.Uint64 }

// inertia is how slowly an average follows: one value in so many.
const inertia = 16

func (a *average) add(v float64) {
	v = max(v, math.SmallestNonzeroFloat64) // zero is unknown
	for {
		old := a.bits.Load()
		mean := v
		if old != 0 {
			mean = math.Float64frombits(old)
			mean += (v - mean) / inertia
		}
		if a.bits.CompareAndSwap(old, math.Float64bits(mean)) {
			return
		}
	}
}

func (a *average) load() (mean float64, ok bool) {
	bits := a.bits.Load()
	return math.Float64frombits(bits), bits != 0
}

// fail counts a failure of a deployment.
func (l *learned) fail(minute uint32) {
	for {
		old := l.failures.Load()
		next := uint64(minute)<<32 | 1
		if uint32(old>>32) == minute {
			next = old + 1
		}
		if l.failures.CompareAndSwap(old, next) {
			return
		}
	}
}

func (l *learned) failed(minute uint32) uint32 {
	word := l.failures.Load()
	if uint32(word>>32) != minute {
		return 0
	}
	return uint32(word) //nolint:gosec // its low half
}

// memory keeps what is learned by the name of the group.
type memory struct {
	mu     sync.Mutex
	groups map[string]*learned
}

func (m *memory) of(name string) *learned {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.groups[name]
	if l == nil {
		l = &learned{}
		if m.groups == nil || len(m.groups) >= maxLearned {
			m.groups = map[string]*learned{}
		}
		m.groups[name] = l
	}
	return l
}

// maxLearned bounds the groups that are remembered. Their names are the
// configuration's, so there are few, unless it changes very often.
const maxLearned = 10_000

// groups knows the model groups of one configuration.
type groups struct {
	memory *memory
	rates  *rates
	known  sync.Map // *route.Group → *group
}

// group is what calls of a model group are expected to be like.
type group struct {
	*learned
	prices

	// wild is a group whose models clients choose: it has no prices.
	wild bool
}

// prices are those of a million tokens.
type prices struct {
	in, out money.Nano
	// known says that there are any; free that there are, and they are nothing.
	known, free bool
}

func (gs *groups) of(g *route.Group) *group {
	if found, ok := gs.known.Load(g); ok {
		known, _ := found.(*group)
		return known
	}
	made := &group{learned: gs.memory.of(g.Name), wild: strings.Contains(g.Name, "*")}
	if !made.wild {
		for i, d := range g.Deployments {
			made.dearer(pricesOf(gs.rates.of(d, "")), i == 0)
		}
	}
	found, _ := gs.known.LoadOrStore(g, made)
	known, _ := found.(*group)
	return known
}

// dearer takes the prices of a deployment that is dearer than those before: any
// of them may be called.
func (g *group) dearer(p prices, first bool) {
	free := p.free && (first || g.free)
	if first || p.in+p.out > g.in+g.out {
		g.prices = p
	}
	g.free = free
	g.known = g.known || p.known
}

func pricesOf(r *price.Rate) prices {
	in, out, ok := r.Tokens()
	return prices{in: in, out: out, known: ok, free: ok && r.Free()}
}

// cost prices tokens.
func (p *prices) cost(in, out int64) int64 {
	return int64(money.Add(money.PerMillion(in, p.in), money.PerMillion(out, p.out)))
}
