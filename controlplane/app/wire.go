package app

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/accessgroup"
	"github.com/tianjillm/tianjillm/controlplane/internal/audit/trail"
	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/credential"
	"github.com/tianjillm/tianjillm/controlplane/internal/customer"
	"github.com/tianjillm/tianjillm/controlplane/internal/fallback"
	"github.com/tianjillm/tianjillm/controlplane/internal/jwtmapping"
	"github.com/tianjillm/tianjillm/controlplane/internal/leader"
	"github.com/tianjillm/tianjillm/controlplane/internal/ledger"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/masterkey"
	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/organization"
	"github.com/tianjillm/tianjillm/controlplane/internal/passthrough"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/pricebook"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/report"
	"github.com/tianjillm/tianjillm/controlplane/internal/scim"
	"github.com/tianjillm/tianjillm/controlplane/internal/spend"
	"github.com/tianjillm/tianjillm/controlplane/internal/standing"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/tag"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/controlplane/internal/transport"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/member"
	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/shared/telemetry"
)

// wire makes what a control plane consists of, from the database up.
func (a *App) wire(ctx context.Context, cfg *proxyconfig.Config) error {
	if err := a.openStore(ctx, cfg); err != nil {
		return err
	}
	if err := a.connect(); err != nil {
		return err
	}
	told, err := a.openConfiguration(cfg)
	if err != nil {
		return err
	}
	if err := a.openLedger(cfg); err != nil {
		return err
	}
	handler, err := a.handler(cfg, told)
	if err != nil {
		return err
	}
	return a.listen(ctx, handler)
}

func (a *App) openStore(ctx context.Context, cfg *proxyconfig.Config) error {
	err := a.migrate(ctx)
	if err != nil {
		return err
	}
	if a.store, err = store.Open(ctx, a.opts.DatabaseURL.Reveal(), 0); err != nil {
		return err
	}
	a.stack.PushFunc("database pool", a.store.Close)
	return a.keepAudit(cfg)
}

// told is what data planes are told of, as far as the API changes and shows it.
type told struct {
	box       *seal.Box
	models    *model.Service
	fallbacks *fallback.Service
	settings  publish.Settings
	counters  *pool.Pool
}

// openConfiguration makes what brings the configuration to the data planes.
func (a *App) openConfiguration(cfg *proxyconfig.Config) (*told, error) {
	if len(cfg.Models) > 0 {
		a.example = cfg.Models[0].Name
	}
	box, err := seal.New(a.opts.SaltKey.Reveal())
	if err != nil {
		return nil, err
	}
	t := &told{box: box, models: model.New(a.store, box, cfg, a.opts.Lookup, a.log), settings: a.settings(cfg), counters: pool.New(a.js, a.names)}
	s := &t.settings
	t.fallbacks = fallback.New(a.store, t.models, s.Router)
	s.Route = t.fallbacks.Route
	if id := limit.CustomerBudgetID(cfg); id != "" {
		tiers := tier.New(a.store)
		s.CustomerLimits = func(ctx context.Context) (*contract.Limits, error) { return tiers.Limits(ctx, id) }
	}
	s.PassThrough = passthrough.New(cfg, box, a.opts.Lookup, a.log).Settings
	a.budgets = budget.NewOpener(a.store, t.counters, budget.NewConfig(a.js, a.names))
	a.reconciler = budget.NewReconciler(budget.Options{
		Store: a.store, Pool: t.counters, JS: a.js, Names: a.names, Logger: a.log, Registry: a.registry,
	})
	s.Open = a.budgets.Open
	a.publisher = publish.New(a.store, t.models, *s, a.js, a.names, a.log, a.registry)
	a.store.OnCommit(a.publisher.Changes)
	sources, err := pricebook.FromConfig(cfg, a.opts.Lookup)
	if err != nil {
		return nil, fmt.Errorf("price files: %w", err)
	}
	a.prices = pricebook.New(pricebook.Options{Sources: sources, JS: a.js, Names: a.names, Logger: a.log, Registry: a.registry})
	t.models.UsePrices(a.prices.Book)
	return t, nil
}

// openLedger makes what books usage and keeps it for a while.
func (a *App) openLedger(cfg *proxyconfig.Config) error {
	var err error
	if a.spendLogs, err = spendRetention(cfg, a.store, a.log); err != nil {
		return err
	}
	if err := a.keepTranscripts(cfg); err != nil {
		return err
	}
	a.ledger = ledger.New(a.store, a.js, a.names, a.log, a.registry)
	a.ledger.OnBooked(a.reconciler.Note)
	a.election = leader.New(a.opts.DatabaseURL.Reveal(), a.log)
	return nil
}

// handler makes the API.
func (a *App) handler(cfg *proxyconfig.Config, t *told) (http.Handler, error) {
	keys, err := a.keys(cfg)
	if err != nil {
		return nil, err
	}
	users, teams := user.NewWithRules(a.store, keys, user.NewRules(cfg)), team.NewWithRules(a.store, t.box, team.NewRules(cfg))
	tokens, logins, err := a.openIdentities(cfg, t.settings.Auth.JWT, t.box, users, teams)
	if err != nil {
		return nil, err
	}
	models := t.models
	handler, err := transport.New(transport.Options{
		Keys: keys, Teams: teams, Users: users, Organizations: organization.New(a.store), Customers: customer.New(a.store, models),
		Tiers: tier.New(a.store), Tags: tag.New(a.store, models), Limits: standing.New(a.js, a.names, t.counters),
		Models: models, Credentials: credential.New(a.store, models.Vault(), models), AccessGroups: accessgroup.New(a.store), Fallbacks: t.fallbacks,
		Spend: spend.New(a.store), Reports: report.New(a.store, t.settings.Limits), Prices: a.prices, Costs: spend.NewCalculator(models, a.prices.Book),
		Trail:  trail.New(a.store),
		Tokens: tokens, SSO: logins, Mappings: jwtmapping.New(a.store), SCIM: scim.New(a.store, users, teams),
		Invitations: a.invitations(cfg), Logins: a.logins(cfg), BaseURL: a.baseURL(cfg),
		MasterKeys: masterkey.New(a.store, a.opts.MasterKey, a.opts.SaltKey, models, models.Vault(), teams),
		MasterKey:  a.opts.MasterKey, KeyHeader: cfg.General.KeyHeaderName, Health: a.health,
		Rules:    policy.NewRules(cfg.General.AllowedRoutes, cfg.General.AdminOnlyRoutes),
		Members:  func(ctx context.Context) ([]contract.Member, error) { return member.List(ctx, a.js, a.names) },
		Registry: a.registry, Version: telemetry.Version(), Logger: a.log,
	})
	if err != nil {
		return nil, fmt.Errorf("build routes: %w", err)
	}
	return handler, nil
}
