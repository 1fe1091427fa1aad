package app

import (
	"github.com/tianjillm/tianjillm/controlplane/internal/invitation"
	"github.com/tianjillm/tianjillm/controlplane/internal/login"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/shared/secret"
)

func (a *App) invitations(cfg *proxyconfig.Config) *invitation.Service {
	return invitation.New(invitation.Options{
		Store: a.store, Sessions: session.New(a.store), MasterKey: a.opts.MasterKey, KeyHeader: cfg.General.KeyHeaderName,
	})
}

func (a *App) logins(cfg *proxyconfig.Config) *login.Service {
	password := a.opts.AdminPassword
	if password.IsZero() {
		password = a.variable(cfg, "UI_PASSWORD")
	}
	name := a.opts.AdminName
	if name == "" {
		name = a.variable(cfg, "UI_USERNAME").Reveal()
	}
	return login.New(login.Options{
		Store: a.store, Sessions: session.New(a.store), Admin: name, Password: password, MasterKey: a.opts.MasterKey, Logger: a.log,
	})
}

// baseURL is where people reach the installation.
func (a *App) baseURL(cfg *proxyconfig.Config) string {
	if a.opts.BaseURL != "" {
		return a.opts.BaseURL
	}
	return a.variable(cfg, "PROXY_BASE_URL").Reveal()
}

// variable is an environment variable, or what the config file sets for it.
func (a *App) variable(cfg *proxyconfig.Config, name string) secret.String {
	if a.opts.Lookup != nil {
		if v, ok := a.opts.Lookup(name); ok && v != "" {
			return secret.New(v)
		}
	}
	return cfg.Environment[name]
}
