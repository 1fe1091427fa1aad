package quota

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/shared/limits"
)

// gauge is what operators see of an engine.
type gauge struct {
	refusals   *prometheus.CounterVec
	operations *Operations
	aloneTotal prometheus.Counter
	degraded   prometheus.Counter
	reg        prometheus.Registerer

	mu   sync.Mutex
	held totals
}

// Operations counts the messages that limits cost.
type Operations struct{ vec *prometheus.CounterVec }

// NewOperations returns a counter; reg may be nil.
func NewOperations(reg prometheus.Registerer) *Operations {
	o := &Operations{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tianji_dataplane_limit_nats_operations_total",
		Help: "Messages sent for limits: leases taken from the pool, questions to other replicas, what got no answer, and what slots cost.",
	}, []string{"operation"})}
	if reg != nil {
		reg.MustRegister(o.vec)
	}
	return o
}

func (o *Operations) count(name string) { o.vec.WithLabelValues(name).Inc() }

// Slot counts a message of package slot.
func (o *Operations) Slot(name string) { o.count("slot_" + name) }

func newGauge(reg prometheus.Registerer, operations *Operations) *gauge {
	const ns = "tianji_dataplane_limit_"
	if operations == nil {
		operations = NewOperations(nil)
	}
	g := &gauge{
		reg: reg, operations: operations,
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: ns + "refusals_total", Help: "Requests refused because a limit was reached, by whose and of what.",
		}, []string{"scope", "unit"}),
		aloneTotal: prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "local_admissions_total", Help: "Limits that a replica decided about alone, because NATS did not answer."}),
		degraded:   prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "degraded_seconds_total", Help: "For how long limits were counted by this replica alone, once it was over."}),
	}
	if reg != nil {
		reg.MustRegister(g.refusals, g.aloneTotal, g.degraded)
	}
	return g
}

// watch adds what is read when metrics are.
func (g *gauge) watch(e *Engine) {
	if g.reg == nil {
		return
	}
	const ns = "tianji_dataplane_limit_"
	g.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: ns + "degraded", Help: "1 while limits are counted by this replica alone."}, func() float64 {
		if e.Degraded() {
			return 1
		}
		return 0
	}), prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: ns + "counters", Help: "Limits that were used lately."}, func() float64 {
		g.mu.Lock()
		defer g.mu.Unlock()
		return float64(g.held.counters)
	}))
	for _, unit := range []limits.Unit{limits.Requests, limits.Tokens, limits.Money} {
		for _, one := range []struct {
			name, help string
			of         func(*totals) int64
		}{
			{"leased", "Units that this replica may give out, of all limits; money in nano-dollars.", func(t *totals) int64 { return t.leased[unit] }},
			{"reserved", "Units reserved by calls under way, of all limits.", func(t *totals) int64 { return t.reserved[unit] }},
			{"debt", "Units used that the pool does not know of yet, of all limits.", func(t *totals) int64 { return t.unpaid[unit] }},
		} {
			g.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: ns + one.name + "_units", Help: one.help, ConstLabels: prometheus.Labels{"unit": unit.String()},
			}, func() float64 {
				g.mu.Lock()
				defer g.mu.Unlock()
				return float64(one.of(&g.held))
			}))
		}
	}
}

func (g *gauge) refused(l *limits.Limit) {
	g.refusals.WithLabelValues(string(l.Scope), l.Unit.String()).Inc()
}

func (g *gauge) operation(name string)       { g.operations.count(name) }
func (g *gauge) alone()                      { g.aloneTotal.Inc() }
func (g *gauge) degradedFor(d time.Duration) { g.degraded.Add(d.Seconds()) }

func (g *gauge) hold(t *totals) {
	g.mu.Lock()
	g.held = *t
	g.mu.Unlock()
}
