package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/http/httpproxy"

	"github.com/tianjillm/tianjillm/dataplane/internal/bearer"
	"github.com/tianjillm/tianjillm/dataplane/internal/brought"
	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/dataplane/internal/conversation"
	"github.com/tianjillm/tianjillm/dataplane/internal/counting"
	"github.com/tianjillm/tianjillm/dataplane/internal/feed"
	"github.com/tianjillm/tianjillm/dataplane/internal/passthrough"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/dataplane/internal/priority"
	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/dataplane/internal/transcript"
	"github.com/tianjillm/tianjillm/dataplane/internal/transport"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/dataplane/internal/usage"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/guarded"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/member"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/shared/secret"
	"github.com/tianjillm/tianjillm/shared/server"
	"github.com/tianjillm/tianjillm/shared/telemetry"
)

// beaconPatience is how long the control plane's leader may be silent before
// it counts as away.
const beaconPatience = 5 * time.Second

// App is one data plane. Its goroutines end with Stop.
type App struct {
	opts     Options
	names    contract.Names
	log      *slog.Logger
	registry *prometheus.Registry
	stack    *lifecycle.Stack
	started  time.Time

	ctl, bulk  *nats.Conn
	ctlJS      jetstream.JetStream
	bulkJS     jetstream.JetStream
	signal     *natsx.Signal
	pipeline   *pipeline.Pipeline
	snapshots  *snapshot.Store
	principals *principal.Cache
	tokens     *bearer.Desk
	cache      *cache.Cache
	quota      *quota.Engine
	shares     *priority.Limiter
	changes    *feed.Feed
	recorder   *usage.Recorder
	texts      *transcript.Keeper
	providers  providers
	guarded    providers // which reach public addresses only
	brought    *brought.Backends
	router     *route.Router
	routes     atomic.Pointer[passthrough.Routes]
	server     *server.Server
	draining   atomic.Bool
}

// New wires a data plane and opens its files and listener. It does not need
// NATS or the control plane to be up. When it fails, everything it opened is
// closed again.
func New(ctx context.Context, o Options) (*App, error) {
	control, err := o.complete()
	if err != nil {
		return nil, err
	}
	names, err := contract.NewNames(o.Prefix)
	if err != nil {
		return nil, err
	}
	a := &App{
		opts: o, names: names, log: o.Logger.With(slog.String("plane", string(contract.DataPlane)), slog.String("replica", o.Replica)),
		registry: telemetry.NewRegistry(), started: time.Now(), signal: &natsx.Signal{},
	}
	a.stack = lifecycle.NewStack(a.log)
	if err := a.wire(ctx, control); err != nil {
		return nil, errors.Join(err, a.stack.Stop(context.WithoutCancel(ctx)))
	}
	return a, nil
}

// wire builds the parts in the order in which they need each other.
func (a *App) wire(ctx context.Context, control *url.URL) error {
	for _, step := range []func() error{a.connect, a.openUsage, a.openTranscripts, a.openUpstream, a.openCache, a.openLimits, a.openPrincipals, a.openConfig} {
		if err := step(); err != nil {
			return err
		}
	}
	a.registerBus()
	handler, err := transport.New(transport.Options{
		Pipeline: a.pipeline, Vendors: passthrough.NewVendors(a.providers, a.opts.Getenv), Routes: a.routes.Load, ControlPlane: control, Health: a.health,
		Members:  func(ctx context.Context) ([]contract.Member, error) { return member.List(ctx, a.ctlJS, a.names) },
		Cache:    a.cache,
		Registry: a.registry, Version: telemetry.Version(), Logger: a.log,
	})
	if err != nil {
		return fmt.Errorf("build routes: %w", err)
	}
	return a.listen(ctx, handler)
}

func (a *App) connect() error {
	o := natsx.Options{
		URLs: a.opts.NATSURL.Reveal(), InProcess: a.opts.InProcess, CAFile: a.opts.NATSCAFile, CertFile: a.opts.NATSCertFile, KeyFile: a.opts.NATSKeyFile,
		NKeyFile: a.opts.NATSNKeyFile, CredsFile: a.opts.NATSCreds, Names: a.names, Plane: contract.DataPlane, Replica: a.opts.Replica, Logger: a.log,
	}
	var err error
	if a.bulk, err = natsx.Connect(o, natsx.Bulk); err != nil {
		return err
	}
	a.stack.PushFunc("nats bulk connection", a.bulk.Close)
	o.Connected = a.signal
	if a.ctl, err = natsx.Connect(o, natsx.Control); err != nil {
		return err
	}
	a.stack.PushFunc("nats control connection", a.ctl.Close)
	if a.bulkJS, err = jetstream.New(a.bulk); err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	if a.ctlJS, err = jetstream.New(a.ctl); err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	return nil
}

func (a *App) openUsage() error {
	var err error
	a.recorder, err = usage.Open(usage.Options{
		Dir: filepath.Join(a.opts.DataDir, "usage"), Sink: usage.NewStream(a.bulkJS, a.names, a.opts.Replica), Logger: a.log, Registry: a.registry,
	})
	if err != nil {
		return err
	}
	a.stack.Push("usage spool", a.recorder.Close)
	return nil
}

// openTranscripts makes what keeps the texts of requests, where the settings ask
// for that. It does nothing else.
func (a *App) openTranscripts() error {
	a.texts = transcript.Start(transcript.NewStream(a.bulkJS, a.names, a.opts.Replica), a.log, a.registry)
	a.stack.Push("transcripts", func(ctx context.Context) error {
		if err := a.texts.Close(ctx); err != nil {
			a.log.LogAttrs(ctx, slog.LevelWarn, "transcripts dropped", slog.Any("error", err))
		}
		return nil
	})
	return nil
}

// openUpstream makes what leads to the vendors.
func (a *App) openUpstream() error {
	proxy := httpproxy.Config{
		HTTPProxy: a.opts.Getenv("HTTP_PROXY"), HTTPSProxy: a.opts.Getenv("HTTPS_PROXY"), NoProxy: a.opts.Getenv("NO_PROXY"),
	}
	client, err := upstream.New(upstream.Options{UserAgent: "tianjillm/" + telemetry.Version(), Proxy: proxy.ProxyFunc()})
	if err != nil {
		return fmt.Errorf("make upstream client: %w", err)
	}
	a.stack.PushFunc("upstream connections", client.Close)
	registerUpstream(a.registry, client)
	allow, err := guarded.ParseNetworks(a.opts.FetchAllow)
	if err != nil {
		return fmt.Errorf("option fetch-allow: %w", err)
	}
	fetch := guarded.New(guarded.Options{UserAgent: "tianjillm/" + telemetry.Version(), Allow: allow})
	a.stack.PushFunc("guarded connections", fetch.Close)
	foreign, err := upstream.New(upstream.Options{UserAgent: "tianjillm/" + telemetry.Version(), Control: fetch.Control}) // a proxy would do the dialing
	if err != nil {
		return fmt.Errorf("make upstream client: %w", err)
	}
	a.stack.PushFunc("connections to hosts that requests name", foreign.Close)
	a.providers = providers{client, fetch}
	a.guarded = providers{foreign, fetch}
	a.brought = brought.New(a.providers, a.guarded)
	a.router = route.New(route.Options{Logger: a.log, Registry: a.registry, Clock: time.Now, Conn: a.ctl, Names: a.names, Replica: a.opts.Replica})
	a.stack.PushFunc("router", a.router.Close)
	return nil
}

func (a *App) openPrincipals() error {
	bucket := principal.NewBucket(a.ctl, a.ctlJS, a.names, func() bool {
		c := a.snapshots.Current()
		return c != nil && c.PrincipalsComplete && a.snapshots.Fresh()
	})
	a.stack.PushFunc("principal reads", bucket.Close)
	a.principals = principal.New(principal.Options{Source: bucket, Logger: a.log, Registry: a.registry, Clock: time.Now})
	a.stack.PushFunc("principals", a.principals.Close)
	a.tokens = bearer.New(bearer.Options{
		Principals: a.principals, Enroller: bearer.NewBus(a.ctl, a.names), Registry: a.registry,
		Authority: jwtauth.Options{UserAgent: "tianjillm/" + telemetry.Version(), Logger: a.log},
	})
	a.stack.PushFunc("keys of identity providers", a.tokens.Close)
	var ids *conversation.IDs
	if salt := a.opts.SaltKey.Reveal(); salt != "" {
		var err error
		if ids, err = conversation.NewIDs(salt); err != nil {
			return err
		}
	}
	a.pipeline = pipeline.New(pipeline.Options{
		Principals: a.principals, Tokens: a.tokens, Recorder: a.recorder, Cache: a.cache, Router: a.router, Quota: a.quota, Shares: a.shares, Counter: counting.New(),
		Transcripts: a.texts, Conversations: conversation.NewStore(a.ctl, a.ctlJS, a.names), IDs: ids, Brought: a.brought, Replica: a.opts.Replica, Version: telemetry.Version(), Logger: a.log, Registry: a.registry,
	})
	var err error
	a.changes, err = feed.Start(a.ctl, a.names, a.names.PrincipalChanges(), func(b *contract.Beacon) uint64 { return b.Principals }, a.principals, a.log)
	if err != nil {
		return err
	}
	a.stack.PushFunc("principal changes", a.changes.Stop)
	a.signal.Listen(a.changes.Reconnected)
	return nil
}

func (a *App) openConfig() error {
	env := route.Environment{Builder: a.providers, Guarded: a.guarded, Opener: opener{a.opts.SaltKey}, Getenv: a.opts.Getenv, Logger: a.log, Router: a.router}
	var err error
	a.snapshots, err = snapshot.Start(snapshot.Options{
		Conn: a.ctl, JS: a.ctlJS, Names: a.names, Dir: a.opts.DataDir, Logger: a.log,
		Changed: func(c *snapshot.Config) {
			a.tokens.Configure(c.Auth.JWT)
			a.cache.Configure(&c.Cache)
			a.quota.Configure(c.Limits.FailClosed)
			a.shares.Configure(c.Limits.Priorities, c.Deployments)
			env := env
			appraise(&env, c.Prices)
			a.routes.Store(passthrough.NewRoutes(&c.PassThrough, a.providers.client, env.Opener, a.opts.Getenv, a.log))
			env.ClientCredentials = c.General.ClientCredentials
			a.pipeline.Configure(c, route.Build(env, c.Deployments, &c.Router, a.pipeline.Table()))
		},
	})
	if err != nil {
		return err
	}
	a.stack.PushFunc("configuration", a.snapshots.Stop)
	a.signal.Listen(a.snapshots.Reconnected)
	return nil
}

// embed turns a text into a vector with one of the installation's own models.
func (a *App) embed(ctx context.Context, model, text string) ([]float32, error) {
	return a.pipeline.Embed(ctx, model, text)
}

// opener opens credentials, and says what is missing when there is no salt.
type opener struct{ salt secret.String }

func (o opener) Open(sealed []byte, purpose string) (string, error) {
	box, err := seal.New(o.salt.Reveal())
	if err != nil {
		return "", err
	}
	return box.Open(sealed, purpose)
}

func (a *App) listen(ctx context.Context, handler http.Handler) error {
	var err error
	if a.server, err = server.Listen(ctx, a.opts.Listen, handler, server.Options{Logger: a.log}); err != nil {
		return err
	}
	a.stack.PushFunc("listener", a.server.Close)
	return nil
}

// Addr is the address of the API.
func (a *App) Addr() string { return a.server.Addr() }

// Start begins to serve. It does not block.
func (a *App) Start(ctx context.Context) error {
	if a.opts.DebugListen != "" {
		addr, stop, err := telemetry.StartDebug(ctx, a.opts.DebugListen, a.log)
		if err != nil {
			return err
		}
		a.stack.PushFunc("debug server", stop)
		a.log.LogAttrs(ctx, slog.LevelInfo, "pprof", slog.String("listen", addr))
	}
	a.stack.PushFunc("heartbeat", lifecycle.Loop(func(ctx context.Context) { member.Beat(ctx, a.ctl, a.names, a.member) }))
	a.server.Serve()
	a.stack.Push("requests", func(ctx context.Context) error {
		a.draining.Store(true)
		err := a.server.Drain(ctx, a.opts.DrainTimeout)
		a.pipeline.EndSessions()
		return err
	})
	a.log.LogAttrs(ctx, slog.LevelInfo, "data plane serves", slog.String("listen", a.Addr()))
	return nil
}

// Stop drains requests, brings usage to the bus, and closes everything.
func (a *App) Stop(ctx context.Context) error {
	return a.stack.Stop(ctx)
}

// health says what is degraded.
func (a *App) health() transport.Health {
	h := transport.Health{Ready: a.pipeline.Table() != nil && !a.draining.Load()}
	if !a.ctl.IsConnected() || !a.bulk.IsConnected() {
		h.Degraded = append(h.Degraded, "nats")
	}
	if a.quota.Degraded() {
		h.Degraded = append(h.Degraded, "limits")
	}
	if time.Since(a.snapshots.Heard()) > beaconPatience {
		h.Degraded = append(h.Degraded, "control_plane")
	}
	if !a.snapshots.Fresh() {
		h.Degraded = append(h.Degraded, "config_from_disk")
	}
	return h
}

// Healthy reports whether the data plane is ready and nothing is degraded.
func (a *App) Healthy() bool {
	h := a.health()
	return h.Ready && len(h.Degraded) == 0
}

func (a *App) member() contract.Member {
	return contract.Member{
		Replica: a.opts.Replica, Plane: contract.DataPlane, Version: telemetry.Version(), Listen: a.Addr(), StartedMS: a.started.UnixMilli(),
		Config: a.snapshots.Sequence(), Principals: a.changes.Last(), Spooled: a.recorder.Spooled(), Degraded: a.health().Degraded,
	}
}

// registerBus shows how far the bus is away.
func (a *App) registerBus() {
	const ns = "tianji_dataplane_"
	a.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: ns + "nats_connected", Help: "1 while both connections to NATS are up."}, func() float64 {
			if a.ctl.IsConnected() && a.bulk.IsConnected() {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: ns + "beacon_age_seconds", Help: "Since the last sign of life of the control plane's leader."}, func() float64 {
			return min(time.Since(a.snapshots.Heard()).Seconds(), time.Since(a.started).Seconds())
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: ns + "config_sequence", Help: "Last change of the configuration that was applied."}, func() float64 { return float64(a.snapshots.Sequence()) }),
	)
}

func registerUpstream(reg prometheus.Registerer, client *upstream.Client) {
	const ns = "tianji_dataplane_upstream_"
	counter := func(name, help string, read func(upstream.Stats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: ns + name, Help: help}, func() float64 { return float64(read(client.Stats())) })
	}
	reg.MustRegister(
		counter("dials_total", "Connections made to providers.", func(s upstream.Stats) uint64 { return s.Dials }),
		counter("dial_errors_total", "Connections to providers that failed.", func(s upstream.Stats) uint64 { return s.DialErrors }),
		counter("reuses_total", "Exchanges that began on a pooled connection.", func(s upstream.Stats) uint64 { return s.Reuses }),
		counter("stale_retries_total", "Exchanges repeated because a pooled connection had been closed.", func(s upstream.Stats) uint64 { return s.StaleRetries }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: ns + "idle_connections", Help: "Connections to providers in the pool."}, func() float64 { return float64(client.Stats().Idle) }),
	)
}
