// Package transport is the control plane's HTTP face: routes, authentication,
// decoding and error shapes. The rules are in the packages of the nouns. Echo
// stays in here.
package transport

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tianjillm/tianjillm/controlplane/internal/accessgroup"
	"github.com/tianjillm/tianjillm/controlplane/internal/audit/trail"
	"github.com/tianjillm/tianjillm/controlplane/internal/bearer"
	"github.com/tianjillm/tianjillm/controlplane/internal/credential"
	"github.com/tianjillm/tianjillm/controlplane/internal/customer"
	"github.com/tianjillm/tianjillm/controlplane/internal/fallback"
	"github.com/tianjillm/tianjillm/controlplane/internal/invitation"
	"github.com/tianjillm/tianjillm/controlplane/internal/jwtmapping"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/login"
	"github.com/tianjillm/tianjillm/controlplane/internal/masterkey"
	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/organization"
	"github.com/tianjillm/tianjillm/controlplane/internal/pricebook"
	"github.com/tianjillm/tianjillm/controlplane/internal/report"
	"github.com/tianjillm/tianjillm/controlplane/internal/scim"
	"github.com/tianjillm/tianjillm/controlplane/internal/spend"
	"github.com/tianjillm/tianjillm/controlplane/internal/sso"
	"github.com/tianjillm/tianjillm/controlplane/internal/standing"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/tag"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/route"
	"github.com/tianjillm/tianjillm/shared/secret"
)

const (
	// requestTimeout bounds a management call; a database that is away must
	// not pile up callers.
	requestTimeout = 10 * time.Second
	maxBody        = 4 << 20
)

// Health is what the probes show.
type Health struct {
	Ready    bool
	Degraded []string
}

// Options are what the handler is made of.
type Options struct {
	Keys          *key.Service
	MasterKeys    *masterkey.Service
	Teams         *team.Service
	Users         *user.Service
	Invitations   *invitation.Service
	Logins        *login.Service
	Tiers         *tier.Service
	Customers     *customer.Service
	Organizations *organization.Service
	Tags          *tag.Service
	Models        *model.Service
	Credentials   *credential.Service
	AccessGroups  *accessgroup.Service
	Fallbacks     *fallback.Service
	Prices        *pricebook.Keeper
	Spend         *spend.Service
	Reports       *report.Service
	Trail         *trail.Service
	Costs         *spend.Calculator
	SCIM          *scim.Service
	Limits        *standing.Service
	Mappings      *jwtmapping.Service
	// Tokens may be nil: then keys are the only credentials. SSO may be nil: then
	// nobody logs in by an identity provider.
	Tokens    *bearer.Service
	SSO       *sso.Service
	MasterKey secret.String
	KeyHeader string
	// BaseURL is where people reach the installation, "" for where they did.
	BaseURL string
	// Rules are what the settings say about routes.
	Rules    policy.Rules
	Health   func(context.Context) Health
	Members  func(context.Context) ([]contract.Member, error)
	Registry *prometheus.Registry
	Version  string
	Logger   *slog.Logger
}

type server struct {
	Options

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// New returns the handler of every route in the table that this plane serves.
func New(o Options) (http.Handler, error) {
	s := &server{
		Options:  o,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tianji_controlplane_requests_total", Help: "Management requests by route and status."}, []string{"route", "status"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tianji_controlplane_request_duration_seconds", Help: "Duration of management requests."}, []string{"route"}),
	}
	o.Registry.MustRegister(s.requests, s.seconds)
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.answerError
	e.Use(s.observe)
	own := s.handlers()
	maps.Copy(own, s.keyring())
	maps.Copy(own, s.principals())
	maps.Copy(own, s.teams())
	maps.Copy(own, s.models())
	maps.Copy(own, s.users())
	maps.Copy(own, s.entrance())
	maps.Copy(own, s.identities())
	maps.Copy(own, s.provisioning())
	maps.Copy(own, s.spending())
	for _, r := range route.Table() {
		if r.Plane&route.Control == 0 {
			continue
		}
		handler := own[r.Method+" "+r.Path]
		if handler == nil {
			return nil, &missingError{r}
		}
		if r.Access != route.Public {
			handler = s.authenticated(r, handler)
		}
		if r.Access == route.Provision {
			handler = s.inSCIM(handler)
		}
		e.Add(r.Method, r.Path, handler)
	}
	return e, nil
}

type missingError struct{ route route.Route }

func (e *missingError) Error() string { return "no handler for " + e.route.Method + " " + e.route.Path }

func (s *server) handlers() map[string]echo.HandlerFunc {
	return map[string]echo.HandlerFunc{
		"POST /key/generate":                 s.keyGenerate,
		"POST /key/service-account/generate": with(s.Keys.GenerateServiceAccount),
		"POST /key/update":                   s.keyUpdate,
		"POST /key/delete":                   s.keyDelete,
		"POST /key/block":                    s.keyBlock(true),
		"POST /key/unblock":                  s.keyBlock(false),
		"POST /key/regenerate":               s.keyRegenerate,
		"POST /key/:key/regenerate":          s.keyRegenerate,
		"GET /key/info":                      s.keyInfo,
		"GET /key/list":                      s.keyList,
		"POST /team/new":                     s.teamNew,
		"GET /team/info":                     s.teamInfo,
		"GET /team/list":                     s.teamList,
		"GET /limits/:kind/:id":              s.limits,
		"GET /audit":                         s.auditList,
		"GET /audit/:id":                     s.auditGet,
		"GET /health":                        s.health,
		"GET /health/liveliness":             alive,
		"GET /health/liveness":               alive,
		"GET /health/readiness":              s.readiness,
		"GET /metrics":                       echo.WrapHandler(promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{})),
		"GET /routes":                        routes,
		"GET /":                              s.root,
	}
}

// observe bounds, counts and times a request.
func (s *server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		begin := time.Now()
		id := requestID(c, begin)
		c.Response().Header().Set(requestIDHeader, id)
		ctx, cancel := context.WithTimeout(c.Request().Context(), requestTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, maxBody)
		if err := next(c); err != nil {
			s.answerError(err, c)
		}
		path := c.Path()
		if path == "" {
			path = "unknown"
		}
		status := c.Response().Status
		s.requests.WithLabelValues(path, strconv.Itoa(status)).Inc()
		s.seconds.WithLabelValues(path).Observe(time.Since(begin).Seconds())
		level := slog.LevelInfo
		if quiet(path) {
			level = slog.LevelDebug
		}
		s.Logger.LogAttrs(ctx, level, "request", slog.String("request_id", id), slog.String("method", c.Request().Method),
			slog.String("route", path), slog.Int("status", status), slog.Duration("took", time.Since(begin)))
		return nil
	}
}

// quiet are the routes that machines call every few seconds.
func quiet(path string) bool {
	return path == "/metrics" || strings.HasPrefix(path, "/health/")
}

// answerError sends whatever went wrong in the error shape.
func (s *server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	public := store.Public(err)
	if he, ok := err.(*echo.HTTPError); ok { //nolint:errorlint // echo returns it unwrapped
		public = apierr.RouteNotFound()
		if he.Code == http.StatusMethodNotAllowed {
			public = apierr.MethodNotAllowed()
		}
	}
	if public.Status >= http.StatusInternalServerError {
		s.Logger.LogAttrs(c.Request().Context(), slog.LevelError, "management request failed",
			slog.String("route", c.Path()), slog.String("request_id", c.Request().Header.Get(requestIDHeader)), slog.Int("status", public.Status), slog.Any("error", public))
	}
	public.Write(c.Response())
}

const requestIDHeader = "X-Request-Id"

// requestID is the id that a data plane or a client gave the request, or a new
// one. It is kept in the request, for log lines further down.
func requestID(c echo.Context, now time.Time) string {
	id := c.Request().Header.Get(requestIDHeader)
	if id == "" || len(id) > 128 {
		id = ident.NewUUID(now).String()
		c.Request().Header.Set(requestIDHeader, id)
	}
	return id
}
