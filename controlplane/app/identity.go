package app

import (
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/bearer"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/sso"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/guarded"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/shared/secret"
	"github.com/tianjillm/tianjillm/shared/telemetry"
)

// maxAnswer bounds what an identity provider sends.
const maxAnswer = 1 << 20

// jwt are the settings of tokens, with what the environment says of them. Nil is
// none.
func (a *App) jwt(cfg *proxyconfig.Config) *contract.JWTSettings {
	if cfg.General.JWT == nil {
		return nil
	}
	s := *cfg.General.JWT
	s.URLs = items(a.variable(cfg, "JWT_PUBLIC_KEY_URL").Reveal())
	s.Audiences = items(a.variable(cfg, "JWT_AUDIENCE").Reveal())
	s.Issuers = items(a.variable(cfg, "JWT_ISSUER").Reveal())
	return &s
}

// items are those of a list that is separated by commas.
func items(list string) []string {
	var all []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// openIdentities makes what takes tokens, and what logs people in.
func (a *App) openIdentities(
	cfg *proxyconfig.Config, s *contract.JWTSettings, box *seal.Box, users *user.Service, teams *team.Service,
) (*bearer.Service, *sso.Service, error) {
	tokens, err := a.openTokens(s, users, teams)
	if err != nil {
		return nil, nil, err
	}
	logins, err := a.openSSO(cfg, box, users)
	return tokens, logins, err
}

// openTokens makes what takes tokens, where the settings say so: nil otherwise.
func (a *App) openTokens(s *contract.JWTSettings, users *user.Service, teams *team.Service) (*bearer.Service, error) {
	if s == nil {
		return nil, nil //nolint:nilnil // see above
	}
	authority, err := jwtauth.Open(s, jwtauth.Options{UserAgent: userAgent(), Logger: a.log})
	if err != nil {
		return nil, fmt.Errorf("general_settings.enable_jwt_auth: %w", err)
	}
	a.stack.PushFunc("keys of identity providers", authority.Close)
	service := bearer.New(bearer.Options{Store: a.store, Users: users, Teams: teams, Authority: authority, Logger: a.log})
	stop, err := service.Serve(a.nc, a.names)
	if err != nil {
		return nil, err
	}
	a.stack.PushFunc("tokens of data planes", stop)
	return service, nil
}

// openSSO makes what logs people in by their identity provider, where the
// environment names one: nil otherwise.
func (a *App) openSSO(cfg *proxyconfig.Config, box *seal.Box, users *user.Service) (*sso.Service, error) {
	providers, err := sso.FromEnvironment(func(name string) secret.String { return a.variable(cfg, name) })
	if err != nil || len(providers) == 0 {
		return nil, err
	}
	client := guarded.New(guarded.Options{Hosts: sso.Hosts(providers), MaxBytes: maxAnswer, UserAgent: userAgent()})
	a.stack.PushFunc("connections to identity providers", client.Close)
	return sso.New(sso.Options{
		Store: a.store, Users: users, Sessions: session.New(a.store), Providers: providers, Box: box, Client: client.HTTP(),
		AdminID: a.variable(cfg, "PROXY_ADMIN_ID").Reveal(), Domains: items(a.variable(cfg, "ALLOWED_EMAIL_DOMAINS").Reveal()), Logger: a.log,
	}), nil
}

func userAgent() string { return "tianjillm/" + telemetry.Version() }
