package jwtauth_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
)

func TestVerify_takes_what_is_signed_by_a_public_key(t *testing.T) {
	t.Parallel()
	signers, v := newSigners(t), &vendor{}
	v.publish(keysURL, keySet(signers))
	a := open(t, v, contract.JWTSettings{Audiences: []string{"tianji"}, Issuers: []string{"https://idp.example.com"}})
	for name, s := range signers {
		for _, header := range []map[string]any{nil, {"kid": ""}} { // by its id, and without one
			claims, ends, err := a.Verify(t.Context(), s.sign(t, good(nil), header))
			require.NoError(t, err, name)
			require.Equal(t, "u", claims["sub"])
			require.WithinDuration(t, time.Now().Add(time.Hour), ends, 2*time.Minute)
		}
	}
}

func TestVerify_refuses(t *testing.T) {
	t.Parallel()
	signers, v := newSigners(t), &vendor{}
	v.publish(keysURL, keySet(signers))
	a := open(t, v, contract.JWTSettings{Audiences: []string{"tianji"}, Issuers: []string{"https://idp.example.com"}})
	rs, other := signers["RS256"], newSigners(t)["RS256"]
	text := rs.sign(t, good(nil), nil)
	parts := strings.Split(text, ".")
	public, _ := rs.private.Public().(*rsa.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	symmetric := func(secret []byte) string {
		j := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(good(nil)))
		j.Header["kid"] = "rsa"
		text, err := j.SignedString(secret)
		require.NoError(t, err)
		return text
	}
	none := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims(good(nil)))
	none.Header["kid"] = "rsa"
	unsigned, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)
	past, future := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Minute).Unix()
	for name, tc := range map[string]struct{ token, want string }{
		"none":                      {unsigned, "Signature verification failed"},
		"HS with the public key":    {symmetric(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "Signature verification failed"},
		"HS with its DER":           {symmetric(der), "Signature verification failed"},
		"HS with nothing":           {symmetric([]byte{}), "Signature verification failed"},
		"another's key":             {other.sign(t, good(nil), nil), "Signature verification failed"},
		"another algorithm's key":   {rs.sign(t, good(nil), map[string]any{"kid": "ES256"}), "No matching public key"},
		"an unknown key":            {other.sign(t, good(nil), map[string]any{"kid": "new"}), "No matching public key"},
		"a changed claim":           {parts[0] + "." + number([]byte(`{"sub":"boss","exp":9999999999,"aud":"tianji","iss":"https://idp.example.com"}`)) + "." + parts[2], "Signature verification failed"},
		"no signature":              {parts[0] + "." + parts[1] + ".", "Signature verification failed"},
		"rubbish":                   {"a.b.c", "Not enough segments"},
		"expired":                   {rs.sign(t, good(map[string]any{"exp": past}), nil), "Token Expired"},
		"no end":                    {rs.sign(t, good(map[string]any{"exp": nil}), nil), "required claim"},
		"not yet":                   {rs.sign(t, good(map[string]any{"nbf": future}), nil), "not yet valid"},
		"another audience":          {rs.sign(t, good(map[string]any{"aud": "other"}), nil), "Invalid audience"},
		"no audience":               {rs.sign(t, good(map[string]any{"aud": nil}), nil), "required claim"},
		"another issuer":            {rs.sign(t, good(map[string]any{"iss": "https://evil.example.com"}), nil), "Invalid issuer"},
		"no issuer":                 {rs.sign(t, good(map[string]any{"iss": nil}), nil), "Invalid issuer"},
		"a header to be understood": {rs.sign(t, good(nil), map[string]any{"crit": []string{"x"}}), "header that must be understood"},
		"keys of its own":           {other.sign(t, good(nil), map[string]any{"kid": "rsa", "jku": "https://evil.example.com/keys"}), "Signature verification failed"},
		"too long":                  {rs.sign(t, good(map[string]any{"x": strings.Repeat("x", jwtauth.MaxToken)}), nil), "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := a.Verify(t.Context(), tc.token)
			var public *apierr.Error
			require.ErrorAs(t, err, &public)
			require.Equal(t, 401, public.Status, public.Message)
			require.Contains(t, public.Message, tc.want)
			require.NotContains(t, public.Message, parts[2])
		})
	}
}

// Keys are fetched again in the background, once they are old; when a token has
// one that nobody knows, though not often; and those before stay in use while the
// provider is away.
func TestKeys(t *testing.T) {
	t.Parallel()
	before, after, v := newSigners(t), newSigners(t), &vendor{}
	old, young := before["ES256"], after["ES256"]
	young.id = "young"
	after["ES256"] = young
	synctest.Test(t, func(t *testing.T) {
		v.publish(keysURL, keySet(before))
		a := open(t, v, contract.JWTSettings{KeySeconds: 600})
		takes := func(s signer) bool {
			_, _, err := a.Verify(t.Context(), s.sign(t, good(nil), nil))
			return err == nil
		}
		require.True(t, takes(old))
		require.Equal(t, 1, v.count())

		v.publish(keysURL, keySet(after))
		require.True(t, takes(old), "what was fetched is used until it is old")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { takes(young) })
		}
		wg.Wait()
		require.True(t, takes(young), "an unknown key is asked for")
		require.Equal(t, 2, v.count(), "once for all who wait")
		unknown := young
		unknown.id = "made up"
		for range 50 {
			require.False(t, takes(unknown))
		}
		require.Equal(t, 2, v.count(), "made-up keys do not reach the provider")
		time.Sleep(6 * time.Second)
		require.False(t, takes(unknown))
		require.Equal(t, 3, v.count(), "but every few seconds")
		require.False(t, takes(old), "a withdrawn key is out of use")

		v.mu.Lock()
		v.down = true
		v.mu.Unlock()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		require.Greater(t, v.count(), 100, "it is tried again")
		_, _, err := a.Verify(t.Context(), young.sign(t, good(map[string]any{"exp": time.Now().Add(time.Hour).Unix()}), nil))
		require.NoError(t, err, "a provider that is away locks nobody out")
		a.Close()
	})
}

func TestKeys_never_reached(t *testing.T) {
	t.Parallel()
	signers, v := newSigners(t), &vendor{down: true}
	synctest.Test(t, func(t *testing.T) {
		a := open(t, v, contract.JWTSettings{})
		_, _, err := a.Verify(t.Context(), signers["RS256"].sign(t, good(nil), nil))
		var public *apierr.Error
		require.ErrorAs(t, err, &public)
		require.Equal(t, 503, public.Status, "who is asked knows nothing, which is not the token's fault")
		v.mu.Lock()
		v.down = false
		v.mu.Unlock()
		v.publish(keysURL, keySet(signers))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		_, _, err = a.Verify(t.Context(), signers["RS256"].sign(t, good(nil), nil))
		require.NoError(t, err)
		a.Close()
	})
}

// A discovery document leads to the keys, and says whose they are.
func TestKeys_by_discovery(t *testing.T) {
	t.Parallel()
	signers, v := newSigners(t), &vendor{}
	v.publish(keysURL, keySet(signers))
	const discovery = "https://idp.example.com/.well-known/openid-configuration"
	v.publish(discovery, map[string]string{"issuer": "https://idp.example.com", "jwks_uri": keysURL})
	a := open(t, v, contract.JWTSettings{URLs: []string{discovery}})
	_, _, err := a.Verify(t.Context(), signers["EdDSA"].sign(t, good(nil), nil))
	require.NoError(t, err)
	_, _, err = a.Verify(t.Context(), signers["EdDSA"].sign(t, good(map[string]any{"iss": "https://evil.example.com"}), nil))
	require.ErrorContains(t, err, "Invalid issuer")
}

func TestOpen_checks_its_addresses(t *testing.T) {
	t.Parallel()
	for _, urls := range [][]string{nil, {"idp.example.com/keys"}, {"file:///etc/passwd"}, make([]string, 17)} {
		_, err := jwtauth.Open(&contract.JWTSettings{URLs: urls}, jwtauth.Options{})
		require.ErrorContains(t, err, "JWT_PUBLIC_KEY_URL")
	}
}

func TestIsToken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"a.b.c": true, "a.b": false, "a.b.c.d": false, "sk-a.b.c": false, "": false} {
		require.Equal(t, want, jwtauth.IsToken(text), text)
	}
}

func FuzzVerify(f *testing.F) {
	signers, v := newSigners(f), &vendor{}
	v.publish(keysURL, keySet(signers))
	a := open(f, v, contract.JWTSettings{TeamsClaim: "groups", RolesClaim: "roles", UserClaim: "sub"})
	text := signers["RS256"].sign(f, good(nil), nil)
	parts := strings.Split(text, ".")
	for _, seed := range []string{text, "..", "a.b.c", parts[0] + ".e30." + parts[2], "eyJhbGciOiJub25lIn0.e30.", parts[0] + "." + parts[1] + ".", strings.Repeat("e30.", 3)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		claims, ends, err := a.Verify(t.Context(), token)
		if err != nil {
			return
		}
		if token != text {
			t.Fatalf("taken: %q", token)
		}
		if ends.IsZero() || len(claims) == 0 {
			t.Fatal("a token that says nothing")
		}
	})
}
