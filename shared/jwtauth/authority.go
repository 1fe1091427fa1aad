package jwtauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/guarded"
	"github.com/tianjillm/tianjillm/shared/ident"
)

const (
	// MaxToken bounds a token in bytes.
	MaxToken = 16 << 10
	// leeway is how far clocks may be apart.
	leeway = 30 * time.Second
	// defaultTTL is LiteLLM's public_key_ttl.
	defaultTTL = 10 * time.Minute
	minTTL     = 10 * time.Second
	maxURLs    = 16
	// maxDocument bounds a key set.
	maxDocument = 1 << 20
)

// IsToken reports whether a credential is a token rather than a virtual key.
func IsToken(credential string) bool {
	return strings.Count(credential, ".") == 2 && !strings.HasPrefix(credential, ident.KeyPrefix)
}

// Options configure an Authority.
type Options struct {
	UserAgent string
	// Allow are networks that are reached although they are not public: those that
	// a discovery document of the configuration may lead to.
	Allow  []netip.Prefix
	Logger *slog.Logger
	// Fetcher replaces the client that fetches keys.
	Fetcher interface {
		Fetch(ctx context.Context, url string) (content []byte, mediaType string, err error)
	}
}

// Authority verifies tokens by one configuration. It is safe for concurrent use.
type Authority struct {
	settings *contract.JWTSettings
	keys     *keys
	client   *guarded.Client
	parser   *jwt.Parser
	rules    rules
	ttl      time.Duration
}

// Open begins to fetch keys. Providers need not be up.
func Open(s *contract.JWTSettings, o Options) (*Authority, error) {
	hosts, err := hostsOf(s.URLs)
	if err != nil {
		return nil, err
	}
	a := &Authority{settings: s, rules: newRules(s), ttl: defaultTTL}
	if s.KeySeconds > 0 {
		a.ttl = max(minTTL, time.Duration(s.KeySeconds)*time.Second)
	}
	fetch := o.Fetcher
	if fetch == nil {
		a.client = guarded.New(guarded.Options{Hosts: hosts, Allow: o.Allow, MaxBytes: maxDocument, UserAgent: o.UserAgent})
		fetch = a.client
	}
	options := []jwt.ParserOption{jwt.WithValidMethods(algorithms()), jwt.WithLeeway(leeway), jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithJSONNumber()}
	if len(s.Audiences) > 0 {
		options = append(options, jwt.WithAudience(s.Audiences...))
	}
	a.parser = jwt.NewParser(options...)
	a.keys = openKeys(s.URLs, a.ttl, fetch, o.Logger)
	return a, nil
}

// hostsOf checks the URLs and returns their hosts.
func hostsOf(urls []string) ([]string, error) {
	if len(urls) == 0 || len(urls) > maxURLs {
		return nil, fmt.Errorf("want 1 to %d URLs of public keys: set JWT_PUBLIC_KEY_URL", maxURLs)
	}
	var hosts []string
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, errors.New("a URL of public keys must be an absolute http or https URL: check JWT_PUBLIC_KEY_URL")
		}
		hosts = append(hosts, guarded.HostOf(u))
	}
	return hosts, nil
}

// Close ends the goroutine and its connections.
func (a *Authority) Close() {
	a.keys.stop()
	if a.client != nil {
		a.client.Close()
	}
}

// Settings are those that the authority was opened with.
func (a *Authority) Settings() *contract.JWTSettings { return a.settings }

// TTL is how long a token that was verified may be taken without verifying it
// again: a key that a provider withdraws is out of use after that.
func (a *Authority) TTL() time.Duration { return a.ttl }

// Verify returns what a token says and when it ends. What is wrong with it is an
// apierr.Error.
func (a *Authority) Verify(ctx context.Context, token string) (Claims, time.Time, error) {
	var none time.Time
	if len(token) > MaxToken {
		return nil, none, refuse("the token is too long")
	}
	claims := jwt.MapClaims{}
	_, err := a.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) { return a.keysOf(ctx, t) })
	if err != nil {
		return nil, none, public(ctx, err)
	}
	if err := a.issued(claims); err != nil {
		return nil, none, err
	}
	ends, err := claims.GetExpirationTime()
	if err != nil || ends == nil {
		return nil, none, refuse("the token does not say when it ends")
	}
	return Claims(claims), ends.Add(leeway), nil
}

// errHeader is a header that asks for what is not understood: RFC 7515, 4.1.11.
var errHeader = errors.New("the token has a header that must be understood and is not")

func (a *Authority) keysOf(ctx context.Context, t *jwt.Token) (any, error) {
	if _, critical := t.Header["crit"]; critical {
		return nil, errHeader
	}
	id, _ := t.Header["kid"].(string)
	if len(id) > maxText {
		return nil, errNoKey
	}
	found, err := a.keys.find(ctx, id, t.Method.Alg())
	if err != nil {
		return nil, err
	}
	set := jwt.VerificationKeySet{Keys: make([]jwt.VerificationKey, len(found))}
	for i, key := range found {
		set.Keys[i] = key
	}
	return set, nil
}

// issued refuses tokens of other providers.
func (a *Authority) issued(claims jwt.MapClaims) error {
	wanted := a.settings.Issuers
	if len(wanted) == 0 {
		wanted = a.keys.issuers()
	}
	if len(wanted) == 0 {
		return nil
	}
	if issuer, err := claims.GetIssuer(); err != nil || !slices.Contains(wanted, issuer) {
		return refuse("Invalid issuer")
	}
	return nil
}
