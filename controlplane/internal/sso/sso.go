// Package sso logs people in with an identity provider: it sends their browser
// there, takes what the provider says of them when it comes back (OpenID Connect,
// authorization code with PKCE), makes or changes their user, and opens a session.
//
// What has to be known between the two steps is in a cookie that only this
// installation can read and make, so that any replica answers either. It owns no
// goroutine.
package sso

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/seal"
)

const (
	// attempt is how long somebody may take at the provider.
	attempt = 10 * time.Minute
	// purpose is what the cookie is bound to.
	purpose = "sso/attempt"
	// maxCode bounds what the provider sends back.
	maxCode = 4096
)

// Options are what a Service is made of.
type Options struct {
	Store     *store.Store
	Users     *user.Service
	Sessions  *session.Service
	Providers []Provider
	Box       *seal.Box
	// Client reaches the providers.
	Client *http.Client
	// AdminID is the user who is proxy admin: by the id of the user, or that at the
	// provider. "" is nobody.
	AdminID string
	// Domains are those whose addresses are let in; none lets all in.
	Domains []string
	Logger  *slog.Logger
}

// Service logs people in. It is safe for concurrent use.
type Service struct {
	Options

	providers []*provider
}

// New returns a service. Providers need not be up.
func New(o Options) *Service {
	s := &Service{Options: o}
	for i := range o.Providers {
		s.providers = append(s.providers, &provider{Provider: o.Providers[i]})
	}
	return s
}

// pending is a login under way.
type pending struct {
	Provider string    `json:"p"`
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Redirect string    `json:"r"`
	Ends     time.Time `json:"e"`
}

// Begin returns where a browser is sent, and the cookie that it has to bring back
// within Lifetime. name chooses a provider; "" takes the first. base is the
// address of the installation.
func (s *Service) Begin(ctx context.Context, name, base string) (location, cookie string, err error) {
	p := s.provider(name)
	if p == nil {
		return "", "", apierr.Detail(http.StatusNotFound, "No such identity provider is configured: set GENERIC_CLIENT_ID, GOOGLE_CLIENT_ID or MICROSOFT_CLIENT_ID.")
	}
	config, _, err := p.open(ctx, s.Client)
	if err != nil {
		return "", "", s.away(ctx, p, err)
	}
	state := pending{
		Provider: p.Name, State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(),
		Redirect: base + "/sso/callback", Ends: time.Now().Add(attempt),
	}
	config.RedirectURL = state.Redirect
	location = config.AuthCodeURL(state.State, oidc.Nonce(state.Nonce), oauth2.S256ChallengeOption(state.Verifier))
	plain, err := json.Marshal(state)
	if err != nil {
		return "", "", fmt.Errorf("encode login: %w", err)
	}
	return location, base64.RawURLEncoding.EncodeToString(s.Box.Seal(string(plain), purpose)), nil
}

// Lifetime is how long the cookie of Begin is good for.
func Lifetime() time.Duration { return attempt }

func (s *Service) provider(name string) *provider {
	for _, p := range s.providers {
		if name == "" || p.Name == name {
			return p
		}
	}
	return nil
}

// Returned is what a browser brings back from the provider.
type Returned struct {
	// Cookie is that of Begin.
	Cookie      string
	State, Code string
	// Failure is the provider's word for why there is no code.
	Failure string
}

// Opened is a session.
type Opened struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
	UserID  string    `json:"user_id"`
	Role    string    `json:"user_role"`
}

// Finish opens the session of whoever has come back.
func (s *Service) Finish(ctx context.Context, r Returned) (Opened, error) {
	state, err := s.opened(&r)
	if err != nil {
		return Opened{}, err
	}
	p := s.provider(state.Provider)
	if p == nil {
		return Opened{}, refused("The identity provider of this login is not configured any more.")
	}
	who, err := s.ask(ctx, p, state, r.Code)
	if err != nil {
		return Opened{}, err
	}
	u, err := s.admit(ctx, &p.Provider, who)
	if err != nil {
		return Opened{}, err
	}
	key, expires, err := s.Sessions.Open(ctx, u)
	if err != nil {
		return Opened{}, fmt.Errorf("open session: %w", err)
	}
	out := Opened{Token: key, Expires: expires, UserID: u.UserID}
	if u.UserRole != nil {
		out.Role = *u.UserRole
	}
	return out, nil
}

// opened reads the cookie, and refuses what does not belong to it: a login that
// somebody else began, or one that is over.
func (s *Service) opened(r *Returned) (*pending, error) {
	var state pending
	sealed, err := base64.RawURLEncoding.DecodeString(r.Cookie)
	if err == nil {
		var plain string
		if plain, err = s.Box.Open(sealed, purpose); err == nil {
			err = json.Unmarshal([]byte(plain), &state)
		}
	}
	switch {
	case r.Cookie == "" || err != nil || time.Now().After(state.Ends):
		return nil, refused("This login is over, or was begun in another browser. Start again at /sso/key/generate.")
	case subtle.ConstantTimeCompare([]byte(state.State), []byte(r.State)) != 1:
		return nil, refused("This login was not begun here: state differs. Start again at /sso/key/generate.")
	case r.Failure != "":
		return nil, refused("The identity provider has refused: " + word(r.Failure))
	case r.Code == "" || len(r.Code) > maxCode:
		return nil, refused("The identity provider has sent no code.")
	}
	return &state, nil
}

// word is a code of RFC 6749, 4.1.2.1, and nothing else that somebody may put
// into a link.
func word(s string) string {
	for i := range len(s) {
		if c := s[i]; i >= 64 || (c < 'a' || c > 'z') && c != '_' {
			return "unknown error"
		}
	}
	return s
}

func refused(message string) *apierr.Error { return apierr.Auth(message) }

// away is the answer while a provider can not be asked.
func (s *Service) away(ctx context.Context, p *provider, err error) error {
	s.Logger.LogAttrs(ctx, slog.LevelError, "identity provider not reached", slog.String("provider", p.Name), slog.Any("error", err))
	return apierr.Unavailable(apierr.TypeUnavailable, "The identity provider can not be reached. Please retry shortly.", time.Second).Because(err)
}

var errNonce = errors.New("the nonce of the token is another login's")
