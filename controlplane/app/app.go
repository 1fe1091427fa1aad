package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit/trail"
	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/leader"
	"github.com/tianjillm/tianjillm/controlplane/internal/ledger"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/pricebook"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/rescache"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/transcript"
	"github.com/tianjillm/tianjillm/controlplane/internal/transport"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/member"
	"github.com/tianjillm/tianjillm/shared/natsx"
	"github.com/tianjillm/tianjillm/shared/server"
	"github.com/tianjillm/tianjillm/shared/telemetry"
)

const (
	provisionTimeout = 10 * time.Second
	retryPause       = 500 * time.Millisecond
	pingTimeout      = 2 * time.Second
	// reconcileEvery repairs what nobody noticed.
	reconcileEvery = 6 * time.Hour
	migrateTimeout = 5 * time.Minute
	// databasePatience is how long a start waits for the database.
	databasePatience = time.Minute
)

// App is one control plane. Its goroutines end with Stop.
type App struct {
	opts     Options
	names    contract.Names
	log      *slog.Logger
	registry *prometheus.Registry
	stack    *lifecycle.Stack
	started  time.Time

	nc            *nats.Conn
	js            jetstream.JetStream
	store         *store.Store
	publisher     *publish.Publisher
	prices        *pricebook.Keeper
	ledger        *ledger.Ledger
	budgets       *budget.Opener
	reconciler    *budget.Reconciler
	retention     *trail.Retention
	spendLogs     *ledger.Retention
	transcripts   *transcript.Writer
	transcriptAge *transcript.Retention
	rotator       *key.Rotator
	election      *leader.Election
	server        *server.Server
	example       string
}

// New wires a control plane: it migrates the database, which must be up, and
// opens its listener. It does not need NATS to be up. When it fails, everything
// it opened is closed again.
func New(ctx context.Context, o Options) (*App, error) {
	cfg, warnings, err := o.load()
	for _, w := range warnings {
		o.Logger.LogAttrs(ctx, slog.LevelWarn, "config file", slog.String("warning", w.String()))
	}
	if err != nil {
		return nil, err
	}
	names, err := contract.NewNames(o.Prefix)
	if err != nil {
		return nil, err
	}
	a := &App{
		opts: o, names: names, log: o.Logger.With(slog.String("plane", string(contract.ControlPlane)), slog.String("replica", o.Replica)),
		registry: telemetry.NewRegistry(), started: time.Now(),
	}
	a.stack = lifecycle.NewStack(a.log)
	if err := a.wire(ctx, cfg); err != nil {
		return nil, errors.Join(err, a.stack.Stop(context.WithoutCancel(ctx)))
	}
	return a, nil
}

// migrate waits for the database, which may be starting beside us, and brings
// its schema up to date.
func (a *App) migrate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	waiting := time.Now()
	for {
		err := store.Migrate(ctx, a.opts.DatabaseURL.Reveal(), migrations.FS, store.Progress(a.opts.Progress))
		if err == nil || !store.Unavailable(err) || time.Since(waiting) > databasePatience {
			return err
		}
		a.opts.Progress("waiting for the database: %v", err)
		if !lifecycle.Sleep(ctx, 2*time.Second) {
			return fmt.Errorf("wait for the database: %w", context.Cause(ctx))
		}
	}
}

func (a *App) settings(cfg *proxyconfig.Config) publish.Settings {
	s := publish.Settings{
		Auth: contract.AuthSettings{
			MasterKeySHA256: ident.HashKey(a.opts.MasterKey.Reveal()), KeyHeader: cfg.General.KeyHeaderName,
			AllowedRoutes: cfg.General.AllowedRoutes, AdminOnlyRoutes: cfg.General.AdminOnlyRoutes, JWT: a.jwt(cfg),
		},
		General: contract.GeneralSettings{
			LitellmHeaders: cfg.General.LitellmHeaders, LitellmCompat: cfg.General.LitellmCompat, ClientCredentials: cfg.General.ClientCredentials,
			OpenResponses: cfg.General.OpenResponses, ForeignResponses: cfg.General.ForeignResponses, HideLimits: cfg.General.HideLimits,
			Transcripts: cfg.General.StorePrompts && !cfg.Settings.NoMessageLogging, NoOptOut: cfg.Settings.NoLogIgnored,
			CustomerHeaders: cfg.General.CustomerHeaders, UserHeader: cfg.General.UserHeader,
		},
		Router: model.RouterSettings(cfg),
		Cache:  rescache.Settings(cfg),
		Limits: limit.Settings(cfg),
	}
	if mb := cfg.General.MaxRequestSizeMB; mb != nil && *mb > 0 {
		s.General.MaxRequestBytes = int64(*mb * (1 << 20))
	}
	if d := cfg.Settings.RequestTimeout; d != nil {
		s.General.TimeoutMS = d.Milliseconds()
	}
	return s
}

func (a *App) connect() error {
	var err error
	a.nc, err = natsx.Connect(natsx.Options{
		URLs: a.opts.NATSURL.Reveal(), InProcess: a.opts.InProcess, CAFile: a.opts.NATSCAFile, CertFile: a.opts.NATSCertFile, KeyFile: a.opts.NATSKeyFile,
		NKeyFile: a.opts.NATSNKeyFile, CredsFile: a.opts.NATSCreds, Names: a.names, Plane: contract.ControlPlane, Replica: a.opts.Replica, Logger: a.log,
	}, natsx.Control)
	if err != nil {
		return err
	}
	a.stack.PushFunc("nats connection", a.nc.Close)
	if a.js, err = jetstream.New(a.nc); err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	return nil
}

func (a *App) listen(ctx context.Context, handler http.Handler) error {
	var err error
	if a.server, err = server.Listen(ctx, a.opts.Listen, handler, server.Options{ReadTimeout: time.Minute, WriteTimeout: time.Minute, Logger: a.log}); err != nil {
		return err
	}
	a.stack.PushFunc("listener", a.server.Close)
	return nil
}

// Addr is the address of the management API.
func (a *App) Addr() string { return a.server.Addr() }

// Start begins to serve and to take part in the background work. It does not
// block.
func (a *App) Start(ctx context.Context) error {
	if a.opts.DebugListen != "" {
		addr, stop, err := telemetry.StartDebug(ctx, a.opts.DebugListen, a.log)
		if err != nil {
			return err
		}
		a.stack.PushFunc("debug server", stop)
		a.log.LogAttrs(ctx, slog.LevelInfo, "pprof", slog.String("listen", addr))
	}
	a.stack.PushFunc("heartbeat", lifecycle.Loop(func(ctx context.Context) { member.Beat(ctx, a.nc, a.names, a.member) }))
	a.stack.PushFunc("price files", lifecycle.Loop(a.prices.Run))
	a.stack.PushFunc("background work", lifecycle.Loop(func(ctx context.Context) { a.election.Run(ctx, a.lead) }))
	a.server.Serve()
	a.stack.Push("requests", func(ctx context.Context) error {
		return a.server.Drain(ctx, a.opts.DrainTimeout)
	})
	a.log.LogAttrs(ctx, slog.LevelInfo, "control plane serves", slog.String("listen", a.Addr()))
	return nil
}

// lead is the work of the leader: make sure that the bus holds what the
// database says, then keep it so, and book usage.
func (a *App) lead(ctx context.Context) {
	var stops []func()
	defer func() {
		for _, stop := range stops {
			stop()
		}
	}()
	if !a.prepare(ctx) {
		return
	}
	for _, work := range []func(context.Context){a.publisher.Relay, a.publisher.Beacon, a.ledger.Run, a.reconciler.Run, a.prices.PublishChanges, a.retention.Run, a.spendLogs.Run, a.rotator.Run, a.transcripts.Run, a.transcriptAge.Run} {
		stops = append(stops, lifecycle.Loop(work))
	}
	reconnected := a.nc.StatusChanged(nats.CONNECTED)
	defer a.nc.RemoveStatusListener(reconnected)
	timer := time.NewTicker(reconcileEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-reconnected: // the server may have lost what it held
		case <-timer.C:
		}
		if !a.prepare(ctx) {
			return
		}
	}
}

// prepare provisions, brings the counters of budgets to what is booked,
// reconciles, and repeats it until it succeeds or ctx
// ends.
func (a *App) prepare(ctx context.Context) bool {
	for ctx.Err() == nil {
		err := a.provision(ctx)
		if err == nil {
			err = a.budgets.Seed(ctx)
		}
		if err == nil {
			err = a.publisher.Reconcile(ctx)
		}
		if err == nil {
			err = a.prices.Publish(ctx)
		}
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			a.log.LogAttrs(ctx, slog.LevelWarn, "bus not ready", slog.Any("error", err))
		}
		lifecycle.Sleep(ctx, retryPause)
	}
	return false
}

func (a *App) provision(ctx context.Context) error {
	if !a.nc.IsConnected() {
		return nats.ErrDisconnected
	}
	ctx, cancel := context.WithTimeout(ctx, provisionTimeout)
	defer cancel()
	return publish.Provision(ctx, a.js, a.names, a.opts.NATSReplicas)
}

// Stop drains requests, ends the background work and closes everything.
func (a *App) Stop(ctx context.Context) error {
	return a.stack.Stop(ctx)
}

// health is not ready while the database is away: nothing can be managed
// without it.
func (a *App) health(ctx context.Context) transport.Health {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	h := transport.Health{Ready: true}
	if err := a.store.Ping(ctx); err != nil {
		h.Ready = false
		h.Degraded = append(h.Degraded, "database")
	}
	if !a.nc.IsConnected() {
		h.Degraded = append(h.Degraded, "nats")
	}
	return h
}

// PublicKey reports whether the public key of the quick start is in use.
func (a *App) PublicKey() bool { return a.opts.MasterKey.Reveal() == QuickStartKey }

// ExampleModel is the first model of the config file, or "".
func (a *App) ExampleModel() string { return a.example }

// Leading reports whether this control plane does the background work.
func (a *App) Leading() bool { return a.election.Leading() }

func (a *App) member() contract.Member {
	ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
	defer cancel()
	return contract.Member{
		Replica: a.opts.Replica, Plane: contract.ControlPlane, Version: telemetry.Version(), Listen: a.Addr(), StartedMS: a.started.UnixMilli(),
		Leader: a.election.Leading(), Degraded: a.health(ctx).Degraded,
	}
}
