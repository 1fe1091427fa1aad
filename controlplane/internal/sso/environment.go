package sso

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/shared/guarded"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// Variables looks up an environment variable; "" is not set.
type Variables func(name string) secret.String

// scopes are what is asked for where nothing else is said.
const scopes = "openid email profile"

// FromEnvironment reads the providers that LiteLLM's variables describe, in the
// order in which it prefers them.
func FromEnvironment(get Variables) ([]Provider, error) {
	text := func(name, def string) string {
		if v := get(name).Reveal(); v != "" {
			return v
		}
		return def
	}
	var all []Provider
	if id := text("MICROSOFT_CLIENT_ID", ""); id != "" {
		tenant := text("MICROSOFT_TENANT", "")
		if tenant == "" || strings.ContainsAny(tenant, "/?#") {
			return nil, errors.New("MICROSOFT_CLIENT_ID is set without MICROSOFT_TENANT, the tenant whose people log in")
		}
		shared := tenant == "common" || tenant == "organizations" || tenant == "consumers"
		if shared {
			return nil, errors.New("MICROSOFT_TENANT must be one tenant: everybody could log in with the shared ones")
		}
		all = append(all, Provider{
			Name: "microsoft", ClientID: id, ClientSecret: get("MICROSOFT_CLIENT_SECRET"), Scopes: strings.Fields(scopes),
			Issuer:  "https://login.microsoftonline.com/" + tenant + "/v2.0",
			IDClaim: text("MICROSOFT_USER_ID_ATTRIBUTE", "oid"), EmailClaim: text("MICROSOFT_USER_EMAIL_ATTRIBUTE", "preferred_username"), OwnsAddresses: true,
			NameClaim: text("MICROSOFT_USER_DISPLAY_NAME_ATTRIBUTE", "name"), RoleClaim: "roles",
		})
	}
	if id := text("GOOGLE_CLIENT_ID", ""); id != "" {
		all = append(all, Provider{
			Name: "google", ClientID: id, ClientSecret: get("GOOGLE_CLIENT_SECRET"), Scopes: strings.Fields(scopes),
			Issuer: "https://accounts.google.com", IDClaim: "sub", EmailClaim: "email", NameClaim: "name",
		})
	}
	if id := text("GENERIC_CLIENT_ID", ""); id != "" {
		all = append(all, Provider{
			Name: "generic", ClientID: id, ClientSecret: get("GENERIC_CLIENT_SECRET"), Scopes: strings.Fields(text("GENERIC_SCOPE", scopes)),
			Issuer: text("GENERIC_ISSUER", ""), Authorize: text("GENERIC_AUTHORIZATION_ENDPOINT", ""), Token: text("GENERIC_TOKEN_ENDPOINT", ""),
			UserInfo: text("GENERIC_USERINFO_ENDPOINT", ""), Keys: text("GENERIC_JWKS_ENDPOINT", ""),
			IDClaim: text("GENERIC_USER_ID_ATTRIBUTE", "sub"), EmailClaim: text("GENERIC_USER_EMAIL_ATTRIBUTE", "email"),
			NameClaim: text("GENERIC_USER_DISPLAY_NAME_ATTRIBUTE", "name"), RoleClaim: text("GENERIC_USER_ROLE_ATTRIBUTE", "role"),
		})
	}
	for i := range all {
		if err := all[i].check(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (p *Provider) check() error {
	if p.Issuer == "" && (p.Authorize == "" || p.Token == "" || p.UserInfo == "" && p.Keys == "") {
		return errors.New("GENERIC_CLIENT_ID is set: set GENERIC_ISSUER too, or GENERIC_AUTHORIZATION_ENDPOINT, GENERIC_TOKEN_ENDPOINT and GENERIC_USERINFO_ENDPOINT")
	}
	for _, raw := range p.addresses() {
		if u, err := url.Parse(raw); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("an address of the identity provider %s is no absolute http or https URL", p.Name)
		}
	}
	return nil
}

func (p *Provider) addresses() []string {
	var all []string
	for _, raw := range []string{p.Issuer, p.Authorize, p.Token, p.UserInfo, p.Keys} {
		if raw != "" {
			all = append(all, raw)
		}
	}
	return all
}

// Hosts are those of the addresses of providers, for guarded.Options.
func Hosts(providers []Provider) []string {
	var hosts []string
	for i := range providers {
		for _, raw := range providers[i].addresses() {
			if u, err := url.Parse(raw); err == nil {
				hosts = append(hosts, guarded.HostOf(u))
			}
		}
	}
	return hosts
}
