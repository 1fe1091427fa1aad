package bucket

import "github.com/prometheus/client_golang/prometheus"

// Operations, as metrics show them.
const (
	opRead   = "read"
	opWrite  = "write"
	opDelete = "delete"
)

// Metrics count what goes wrong with the bus and what is brought to it.
type Metrics struct {
	errors  *prometheus.CounterVec
	dropped prometheus.Counter
	stored  prometheus.Counter
}

// NewMetrics registers the metrics of a bucket.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	const ns = "tianji_dataplane_cache_bus_"
	m := &Metrics{
		errors:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: ns + "errors_total", Help: "Operations of the shared cache tier that failed or took too long."}, []string{"operation"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "dropped_total", Help: "Answers that were not shared because too many waited to be written."}),
		stored:  prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "stored_bytes_total", Help: "Bytes written to the shared cache tier."}),
	}
	for _, op := range []string{opRead, opWrite, opDelete} {
		m.errors.WithLabelValues(op)
	}
	reg.MustRegister(m.errors, m.dropped, m.stored)
	return m
}
