package pipeline

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the numbers of the request path. The children of one model are
// looked up once and kept, because looking them up costs more than counting.
type metrics struct {
	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	tokens     *prometheus.CounterVec
	spend      *prometheus.CounterVec
	failed     *prometheus.CounterVec
	firstByte  prometheus.Histogram
	inFlight   prometheus.Gauge
	broken     prometheus.Counter
	unresolved prometheus.Counter
	cached     prometheus.Counter
	unpriced   prometheus.Counter
	children   sync.Map // childKey → *children
}

type childKey struct {
	route, model, provider string
	status                 int
}

type children struct {
	requests             prometheus.Counter
	seconds              prometheus.Observer
	input, output, spend prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	const ns = "tianji_dataplane_"
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: ns + "requests_total", Help: "LLM requests that reached a deployment, by how they ended."},
			[]string{"route", "model_group", "provider", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: ns + "request_duration_seconds", Help: "From the request's head to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"route", "model_group"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{Name: ns + "tokens_total", Help: "Tokens used."}, []string{"model_group", "kind"}),
		spend:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: ns + "spend_usd_total", Help: "Spend in US dollars, before it is booked."}, []string{"model_group"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: ns + "request_errors_total", Help: "LLM requests that were not answered with a success, by status."}, []string{"route", "status"}),
		firstByte: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: ns + "stream_first_byte_seconds", Help: "From the request's head to the first byte of a stream.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		inFlight:   prometheus.NewGauge(prometheus.GaugeOpts{Name: ns + "requests_in_flight", Help: "LLM requests under way."}),
		broken:     prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "streams_broken_total", Help: "Streams that a provider broke off."}),
		cached:     prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "requests_cached_total", Help: "LLM requests that were answered from the cache."}),
		unpriced:   prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "requests_unpriced_total", Help: "LLM requests that were answered at a price that nobody knows: they are booked as free."}),
		unresolved: prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "keys_unresolved_total", Help: "Requests whose key could not be looked up."}),
	}
	reg.MustRegister(m.requests, m.seconds, m.tokens, m.spend, m.failed, m.firstByte, m.inFlight, m.broken, m.unresolved, m.cached, m.unpriced)
	return m
}

func (m *metrics) of(k childKey) *children {
	if c, ok := m.children.Load(k); ok {
		found, _ := c.(*children)
		return found
	}
	c := &children{
		requests: m.requests.WithLabelValues(k.route, k.model, k.provider, strconv.Itoa(k.status)),
		seconds:  m.seconds.WithLabelValues(k.route, k.model),
		input:    m.tokens.WithLabelValues(k.model, "input"), output: m.tokens.WithLabelValues(k.model, "output"),
		spend: m.spend.WithLabelValues(k.model),
	}
	m.children.Store(k, c)
	return c
}

// settled counts a request that reached a deployment.
func (m *metrics) settled(x *exchange, status int, took time.Duration) {
	c := m.of(childKey{x.endpoint.Name, x.usage.ModelGroup, x.usage.Provider, status})
	c.requests.Inc()
	c.seconds.Observe(took.Seconds())
	c.input.Add(float64(x.tokens.Input))
	c.output.Add(float64(x.tokens.Output))
	if x.usage.CostNano > 0 {
		c.spend.Add(float64(x.usage.CostNano) / 1e9)
	}
}

// ended counts a request that was not answered with a success.
func (m *metrics) ended(x *exchange, status int) {
	m.failed.WithLabelValues(x.endpoint.Name, strconv.Itoa(status)).Inc()
}
