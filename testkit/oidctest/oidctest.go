// Package oidctest is a small OpenID Connect provider for tests: real keys, real
// signatures, an authorization code flow with PKCE. It can change its keys, and
// it can be down. It is for tests only and ends with them.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// Client is who may log people in at the provider.
const (
	ClientID     = "the-client"
	ClientSecret = "the-client's-secret"
)

// Provider is an identity provider at an address of its own.
type Provider struct {
	// URL is the address, which is the issuer too.
	URL string

	tb     testing.TB
	server *httptest.Server

	mu      sync.Mutex
	keys    []key
	down    bool
	fetched int
	person  jwt.MapClaims
	codes   map[string]login
}

type key struct {
	id      string
	private crypto.Signer
	method  jwt.SigningMethod
}

// login is a code that was given out.
type login struct {
	nonce, challenge, redirect string
	person                     jwt.MapClaims
}

// Start runs a provider with an RSA and an EC key.
func Start(tb testing.TB) *Provider {
	tb.Helper()
	p := &Provider{tb: tb, codes: map[string]login{}, person: jwt.MapClaims{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.jwks)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userinfo)
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		down := p.down
		p.mu.Unlock()
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	tb.Cleanup(p.server.Close)
	p.URL = p.server.URL
	p.Rotate()
	return p
}

// KeysURL is where the key set is.
func (p *Provider) KeysURL() string { return p.URL + "/keys" }

// DiscoveryURL is where the discovery document is.
func (p *Provider) DiscoveryURL() string { return p.URL + "/.well-known/openid-configuration" }

// Rotate replaces the keys: what was signed with those before is worth nothing any
// more, once that is known.
func (p *Provider) Rotate() {
	p.tb.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(p.tb, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(p.tb, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []key{
		{"rsa-" + rand.Text()[:8], rsaKey, jwt.SigningMethodRS256},
		{"ec-" + rand.Text()[:8], ecKey, jwt.SigningMethodES256},
	}
}

// SetDown takes the provider down, or up again.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Fetched is how often the key set was asked for.
func (p *Provider) Fetched() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetched
}

// Claims are those of a good token, with more laid over them; nil takes one out.
func (p *Provider) Claims(more map[string]any) jwt.MapClaims {
	c := jwt.MapClaims{"iss": p.URL, "aud": "tianji", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(c, more)
	for name, value := range c {
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

// Token signs claims as Claims has them, with RS256.
func (p *Provider) Token(more map[string]any) string { return p.Sign("RS256", p.Claims(more), nil) }

// Sign signs claims with the present key for an algorithm. header is laid over
// the token's own.
func (p *Provider) Sign(algorithm string, claims jwt.MapClaims, header map[string]any) string {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.keys {
		if k.method.Alg() != algorithm {
			continue
		}
		t := jwt.NewWithClaims(k.method, claims)
		t.Header["kid"] = k.id
		maps.Copy(t.Header, header)
		signed, err := t.SignedString(k.private)
		require.NoError(p.tb, err)
		return signed
	}
	require.FailNow(p.tb, "no key for "+algorithm)
	return ""
}

// PublicKey returns the present RSA key and its id, to be misused.
func (p *Provider) PublicKey() (id string, public *rsa.PublicKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	public, _ = p.keys[0].private.Public().(*rsa.PublicKey)
	return p.keys[0].id, public
}

// Person is who sits at the browser from now on, by their claims.
func (p *Provider) Person(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.person = maps.Clone(jwt.MapClaims(claims))
}

func answer(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "not to be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // the client may have gone
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.KeysURL(),
		"userinfo_endpoint": p.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"RS256", "ES256"},
	})
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetched++
	var all []map[string]string
	for _, k := range p.keys {
		all = append(all, public(k))
	}
	answer(w, map[string]any{"keys": all})
}

func public(k key) map[string]string {
	j := map[string]string{"kid": k.id, "use": "sig", "alg": k.method.Alg()}
	switch pub := k.private.Public().(type) {
	case *rsa.PublicKey:
		j["kty"], j["n"], j["e"] = "RSA", number(pub.N.Bytes()), number(big.NewInt(int64(pub.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		if err == nil {
			j["kty"], j["crv"], j["x"], j["y"] = "EC", "P-256", number(point[1:33]), number(point[33:])
		}
	}
	return j
}

func number(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// authorize logs the person at the browser in without asking.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	redirect, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = login{q.Get("nonce"), q.Get("code_challenge"), redirect.String(), maps.Clone(p.person)}
	p.mu.Unlock()
	redirect.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, redirect.String(), http.StatusFound) //nolint:gosec // a provider of tests sends everybody where they ask
}

// token gives the tokens for a code, once.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	p.mu.Lock()
	l, known := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	secret, _ = url.QueryUnescape(secret)
	if !known || id != ClientID || secret != ClientSecret || l.redirect != r.PostFormValue("redirect_uri") || l.challenge != number(sum[:]) {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := p.Claims(l.person)
	claims["aud"], claims["nonce"] = ClientID, l.nonce
	maps.Copy(claims, l.person)
	access := rand.Text()
	p.mu.Lock()
	p.codes[access] = l
	p.mu.Unlock()
	answer(w, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600, "id_token": p.Sign("RS256", claims, nil)})
}

func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	var access string
	_, _ = fmt.Sscanf(r.Header.Get("Authorization"), "Bearer %s", &access) // what is not there is no code
	p.mu.Lock()
	l, known := p.codes[access]
	p.mu.Unlock()
	if !known {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	answer(w, l.person)
}
