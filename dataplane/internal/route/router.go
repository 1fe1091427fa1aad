package route

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/dataplane/internal/route/peer"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Options configure a Router.
type Options struct {
	Logger   *slog.Logger
	Registry prometheus.Registerer
	Clock    func() time.Time
	// Conn leads to the other replicas; without one, this is the only one.
	Conn    peer.Conn
	Names   contract.Names
	Replica string
}

// Router holds what outlives a configuration: calls under way, use, latencies
// and cooldowns. It is safe for concurrent use. It owns one goroutine, which
// Close ends.
type Router struct {
	log      *slog.Logger
	clock    func() time.Time
	registry *health.Registry
	link     *peer.Link
	metrics  *metrics
}

// New returns a router. It needs no NATS to be up.
func New(o Options) *Router {
	r := &Router{log: o.Logger, clock: o.Clock, registry: health.NewRegistry()}
	r.metrics = newMetrics(o.Registry, r.cooling)
	if o.Conn == nil {
		return r
	}
	link, err := peer.Open(peer.Options{
		Conn: o.Conn, Names: o.Names, Replica: o.Replica, Registry: r.registry, Clock: o.Clock, Logger: o.Logger, Cooled: r.heard,
	})
	if err != nil { // the connection is closed: the process ends
		o.Logger.LogAttrs(context.Background(), slog.LevelError, "cooldowns are not shared with other replicas", slog.Any("error", err))
		return r
	}
	r.link = link
	return r
}

// Close ends the talk with other replicas.
func (r *Router) Close() {
	if r.link != nil {
		r.link.Close()
	}
}

// cool keeps a deployment out of use for a while, on all replicas.
func (r *Router) cool(d *Deployment, now time.Time, left time.Duration, status int) {
	if !d.member.State.Cool(now, left, status, true) {
		return
	}
	r.metrics.cooldowns.WithLabelValues("own").Inc()
	r.log.LogAttrs(context.Background(), slog.LevelWarn, "deployment cools down", slog.String("deployment", d.ID), slog.String("model_name", d.ModelName),
		slog.Int("status", status), slog.Duration("for", left))
	if r.link != nil {
		r.link.Wake()
	}
}

// heard is called when another replica has cooled a deployment down.
func (r *Router) heard(id string) {
	r.metrics.cooldowns.WithLabelValues("peer").Inc()
	r.log.LogAttrs(context.Background(), slog.LevelDebug, "deployment cools down, as another replica says", slog.String("deployment", id))
}

func (r *Router) cooling() float64 {
	now := r.clock().UnixNano()
	n := 0.0
	for _, s := range r.registry.All(nil) {
		if s.Cooling(now) {
			n++
		}
	}
	return n
}

type metrics struct {
	cooldowns *prometheus.CounterVec
	retries   *prometheus.CounterVec
	fallbacks *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, cooling func() float64) *metrics {
	m := &metrics{
		cooldowns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tianji_dataplane_router_cooldowns_total", Help: "Cooldowns of deployments that began, by who decided it.",
		}, []string{"by"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tianji_dataplane_router_retries_total", Help: "Calls that were repeated, by the status that caused it.",
		}, []string{"status"}),
		fallbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tianji_dataplane_router_fallbacks_total", Help: "Calls that were made with something else after a failure, by the kind of fallback.",
		}, []string{"kind"}),
	}
	reg.MustRegister(m.cooldowns, m.retries, m.fallbacks, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tianji_dataplane_router_cooling_deployments", Help: "Deployments that are left out because they failed.",
	}, cooling))
	return m
}

// retried counts a retry. Vendors may answer any number; only those that mean
// something become a label.
func (m *metrics) retried(status int) {
	label := "other"
	if http.StatusText(status) != "" {
		label = strconv.Itoa(status)
	}
	m.retries.WithLabelValues(label).Inc()
}
