// Package transport is the data plane's HTTP face: it maps routes to the
// pipeline and forwards what the control plane owns. Echo stays in here.
package transport

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tianjillm/tianjillm/dataplane/internal/passthrough"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/route"
)

// Health is what the probes show.
type Health struct {
	// Ready is false while requests can not be answered or should go elsewhere.
	Ready bool
	// Degraded names the parts that are away.
	Degraded []string
}

// Options are what the handler is made of.
type Options struct {
	Pipeline *pipeline.Pipeline
	// Vendors serve the pass-through routes, and Routes returns those of the
	// config file, which may change.
	Vendors *passthrough.Vendors
	Routes  func() *passthrough.Routes
	// Cache is the cache of answers.
	Cache Cache
	// ControlPlane is where management routes are forwarded; nil answers 503.
	ControlPlane *url.URL
	Health       func() Health
	Members      func(context.Context) ([]contract.Member, error)
	Registry     *prometheus.Registry
	Version      string
	Logger       *slog.Logger
}

// New returns the handler of every route in the table that this plane serves,
// and of those that it forwards.
func New(o Options) (http.Handler, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = o.notServed
	forward := newForwarder(o.ControlPlane, o.Logger)
	own := o.handlers()
	for _, r := range route.Table() {
		handler := own[r.Method+" "+r.Path]
		switch {
		case r.Plane&route.Data == 0:
			handler = echo.WrapHandler(forward)
		case handler == nil:
			return nil, &missingError{r}
		case r.Access != route.Public && r.Access != route.AnyKey && r.Access != route.LLM: // of these the pipeline finds out itself who asks
			handler = o.gated(r, handler)
		}
		e.Add(r.Method, r.Path, handler)
	}
	return e, nil
}

// gated lets in whom the policy lets in.
func (o Options) gated(r route.Route, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := o.Pipeline.Check(c.Request(), &r); err != nil {
			apierr.Public(err).Write(c.Response())
			return nil
		}
		return next(c)
	}
}

type missingError struct{ route route.Route }

func (e *missingError) Error() string {
	return "no handler for " + e.route.Method + " " + e.route.Path
}

func (o Options) handlers() map[string]echo.HandlerFunc {
	h := map[string]echo.HandlerFunc{}
	o.modelRoutes(h)
	o.anthropicRoutes(h)
	o.geminiRoutes(h)
	o.passRoutes(h)
	o.resourceRoutes(h)
	o.cacheRoutes(h)
	h["GET /health/liveliness"] = alive
	h["GET /health/liveness"] = alive
	h["GET /health/readiness"] = o.readiness
	h["GET /health"] = o.health
	h["GET /routes"] = routes
	h["GET /"] = o.root
	h["GET /metrics"] = echo.WrapHandler(promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{}))
	return h
}

// notServed answers what no handler took: the routes of the config file do, or
// else it is an error.
func (o Options) notServed(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	if he, ok := err.(*echo.HTTPError); ok && (he.Code == http.StatusNotFound || he.Code == http.StatusMethodNotAllowed) { //nolint:errorlint // echo returns it unwrapped
		if o.configured(c) {
			return
		}
	}
	public := apierr.RouteNotFound()
	if he, ok := err.(*echo.HTTPError); !ok { //nolint:errorlint // echo returns it unwrapped
		public = apierr.Public(err)
	} else if he.Code == http.StatusMethodNotAllowed {
		public = apierr.MethodNotAllowed()
	}
	public.Write(c.Response())
}
