package jwtauth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
)

// vendor is an identity provider: it signs, and publishes what it signs with.
type vendor struct {
	mu      sync.Mutex
	sets    map[string]any // by URL
	fetched int
	down    bool
}

const keysURL = "https://idp.example.com/keys"

// Fetch implements the Fetcher of jwtauth.Options.
func (v *vendor) Fetch(_ context.Context, url string) ([]byte, string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fetched++
	if v.down {
		return nil, "", errors.New("answered 503")
	}
	b, err := json.Marshal(v.sets[url])
	return b, "application/json", err
}

func (v *vendor) publish(url string, document any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sets == nil {
		v.sets = map[string]any{}
	}
	v.sets[url] = document
}

func (v *vendor) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fetched
}

type signer struct {
	id      string
	private crypto.Signer
	method  jwt.SigningMethod
}

func newSigners(tb testing.TB) map[string]signer {
	tb.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(tb, err)
	all := map[string]signer{"RS256": {"rsa", rsaKey, jwt.SigningMethodRS256}, "PS384": {"rsa", rsaKey, jwt.SigningMethodPS384}}
	for name, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		require.NoError(tb, err)
		all[name] = signer{name, key, jwt.GetSigningMethod(name)}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(tb, err)
	all["EdDSA"] = signer{"ed", ed, jwt.SigningMethodEdDSA}
	return all
}

func keySet(signers map[string]signer) map[string]any {
	var keys []map[string]string
	for _, s := range signers {
		j := map[string]string{"kid": s.id, "use": "sig"}
		switch pub := s.private.Public().(type) {
		case *rsa.PublicKey:
			j["kty"], j["n"], j["e"] = "RSA", number(pub.N.Bytes()), number(big.NewInt(int64(pub.E)).Bytes())
		case *ecdsa.PublicKey:
			point, _ := pub.Bytes()
			size := (len(point) - 1) / 2
			j["kty"], j["crv"], j["x"], j["y"] = "EC", pub.Params().Name, number(point[1:1+size]), number(point[1+size:])
		case ed25519.PublicKey:
			j["kty"], j["crv"], j["x"] = "OKP", "Ed25519", number(pub)
		}
		keys = append(keys, j)
	}
	return map[string]any{"keys": keys}
}

func number(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (s signer) sign(tb testing.TB, claims, header map[string]any) string {
	tb.Helper()
	t := jwt.NewWithClaims(s.method, jwt.MapClaims(claims))
	t.Header["kid"] = s.id
	maps.Copy(t.Header, header)
	text, err := t.SignedString(s.private)
	require.NoError(tb, err)
	return text
}

func good(more map[string]any) map[string]any {
	c := map[string]any{"sub": "u", "iss": "https://idp.example.com", "aud": []string{"other", "tianji"}, "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(c, more)
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
	return c
}

func open(tb testing.TB, v *vendor, s contract.JWTSettings) *jwtauth.Authority {
	tb.Helper()
	if s.URLs == nil {
		s.URLs = []string{keysURL}
	}
	a, err := jwtauth.Open(&s, jwtauth.Options{Fetcher: v, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(tb, err)
	tb.Cleanup(a.Close)
	return a
}
