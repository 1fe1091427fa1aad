package slot

// What the tests of the package look at from outside.
type (
	Holders = holders
	Plan    = plan
	Give    = give
)

var (
	ParseRecord = parseRecord
	ParseHint   = parseHint
	ParseBeat   = parseBeat
	Portion     = portion
)

func (h holders) Sum() int64              { return h.sum() }
func (h holders) Encode() ([]byte, error) { return h.encode() }

// NewPlan returns a plan of the holder me.
func NewPlan(me string, formers []string, gives map[string]int64, drop, use, limit, replicas int64, more bool) *Plan {
	p := &plan{me: me, formers: formers, drop: drop, use: use, limit: limit, replicas: replicas}
	for to, n := range gives {
		p.gives = append(p.gives, give{to: to, n: n})
	}
	if more {
		p.growth = oneMore
	}
	return p
}

func (p *plan) Apply(rec holders, dead func(string) bool) holders { return p.apply(rec, dead) }

// Entries is how many limits the table knows.
func (t *Table) Entries() int {
	n := 0
	for range t.entries.all() {
		n++
	}
	return n
}
