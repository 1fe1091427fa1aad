package sso

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tianjillm/tianjillm/shared/secret"
)

// Provider is an identity provider: by its issuer, where it tells the rest, or by
// its addresses.
type Provider struct {
	// Name is google, microsoft or generic.
	Name         string
	ClientID     string
	ClientSecret secret.String
	Scopes       []string
	// Issuer is where the discovery document is. Without one, the addresses are
	// used; without Keys no id_token is taken, and UserInfo says who it is.
	Issuer                     string
	Authorize, Token, UserInfo string
	Keys                       string
	IDClaim, EmailClaim        string
	NameClaim, RoleClaim       string
	// OwnsAddresses says that the provider gives people their addresses, so that
	// one needs no email_verified.
	OwnsAddresses bool
}

// provider is one that is asked for its addresses when it is first used.
type provider struct {
	Provider

	mu    sync.Mutex
	found *oidc.Provider
}

// open returns how to log in with the provider, and what verifies its tokens; nil
// where it has no keys.
func (p *provider) open(ctx context.Context, client *http.Client) (*oauth2.Config, *oidc.IDTokenVerifier, error) {
	found, err := p.discover(ctx, client)
	if err != nil {
		return nil, nil, err
	}
	config := &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Endpoint: found.Endpoint(), Scopes: p.Scopes}
	if p.Issuer == "" && p.Keys == "" {
		return config, nil, nil
	}
	return config, found.Verifier(&oidc.Config{ClientID: p.ClientID, SkipIssuerCheck: p.Issuer == ""}), nil
}

// discover asks the provider once it is needed, and again until it answers.
func (p *provider) discover(ctx context.Context, client *http.Client) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	ctx = oidc.ClientContext(ctx, client) // what is found keeps the client, and nothing else of it
	if p.Issuer == "" {
		config := oidc.ProviderConfig{AuthURL: p.Authorize, TokenURL: p.Token, UserInfoURL: p.UserInfo, JWKSURL: p.Keys}
		p.found = config.NewProvider(ctx)
		return p.found, nil
	}
	found, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("read discovery document: %w", err)
	}
	p.found = found
	return found, nil
}

// claims are what a provider says of somebody.
type claims map[string]any

// text reads a claim by its path.
func (c claims) text(path string) string {
	if path == "" {
		return ""
	}
	var value any = map[string]any(c)
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	s, _ := value.(string)
	return s
}

// words reads a claim that may be a list.
func (c claims) words(path string) []string {
	if one := c.text(path); one != "" {
		return []string{one}
	}
	list, _ := c[path].([]any)
	var all []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// ask exchanges the code, and reads who somebody is from the token, and from the
// provider itself where the token says too little.
func (s *Service) ask(ctx context.Context, p *provider, state *pending, code string) (claims, error) {
	config, verifier, err := p.open(ctx, s.Client)
	if err != nil {
		return nil, s.away(ctx, p, err)
	}
	ctx = oidc.ClientContext(ctx, s.Client)
	config.RedirectURL = state.Redirect
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(state.Verifier))
	if err != nil {
		if _, answered := errors.AsType[*oauth2.RetrieveError](err); answered {
			return nil, refused("The identity provider does not take the code.").Because(err)
		}
		return nil, s.away(ctx, p, err)
	}
	who := claims{}
	if verifier != nil {
		if who, err = verified(ctx, verifier, token, state.Nonce); err != nil {
			return nil, refused("The token of the identity provider is not valid.").Because(err)
		}
	}
	if verifier == nil || who.text(p.EmailClaim) == "" && p.found.UserInfoEndpoint() != "" {
		if err := s.more(ctx, p, token, who); err != nil {
			return nil, err
		}
	}
	return who, nil
}

func verified(ctx context.Context, v *oidc.IDTokenVerifier, token *oauth2.Token, nonce string) (claims, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, errors.New("there is no id_token")
	}
	id, err := v.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("verify id_token: %w", err)
	}
	if id.Nonce != nonce {
		return nil, errNonce
	}
	who := claims{}
	if err := id.Claims(&who); err != nil {
		return nil, fmt.Errorf("read id_token: %w", err)
	}
	return who, nil
}

// more adds what the provider says of whoever has the token. It must be the one
// whom the id_token names.
func (s *Service) more(ctx context.Context, p *provider, token *oauth2.Token, who claims) error {
	info, err := p.found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return s.away(ctx, p, err)
	}
	all := claims{}
	if err := info.Claims(&all); err != nil {
		return s.away(ctx, p, err)
	}
	if subject := who.text("sub"); subject != "" && subject != all.text("sub") {
		return refused("The identity provider speaks of somebody else than its token.")
	}
	for name, value := range all {
		if _, said := who[name]; !said {
			who[name] = value
		}
	}
	return nil
}

// verifiedAddress returns the address of somebody where it is proved to be theirs.
func (p *Provider) verifiedAddress(who claims) string {
	email := who.text(p.EmailClaim)
	switch proved := who["email_verified"].(type) {
	case bool:
		if proved {
			return email
		}
		return ""
	case string:
		if proved == "true" {
			return email
		}
		return ""
	case json.Number, float64:
		return ""
	}
	if p.OwnsAddresses {
		return email
	}
	return ""
}
