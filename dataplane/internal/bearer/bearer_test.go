package bearer_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/bearer"
	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
)

const keysURL = "https://idp.example.com/keys"

// vendor signs tokens, and publishes its key.
type vendor struct{ key *ecdsa.PrivateKey }

func newVendor(tb testing.TB) *vendor {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return &vendor{key}
}

func (v *vendor) Fetch(context.Context, string) ([]byte, string, error) {
	point, err := v.key.PublicKey.Bytes()
	if err != nil {
		return nil, "", err
	}
	number := base64.RawURLEncoding.EncodeToString
	b, err := json.Marshal(map[string]any{"keys": []any{map[string]string{"kty": "EC", "crv": "P-256", "kid": "k", "x": number(point[1:33]), "y": number(point[33:])}}})
	return b, "", err
}

func (v *vendor) token(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	all := jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	t := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	t.Header["kid"] = "k"
	text, err := t.SignedString(v.key)
	require.NoError(tb, err)
	return text
}

// bucket is the principals bucket: records by their key.
type bucket struct {
	mu      sync.Mutex
	records map[string]any
}

func (b *bucket) Read(_ context.Context, key string, _ uint64) (any, uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.records[key], 1, nil
}

// office answers as the control plane does.
type office struct {
	asked  atomic.Int64
	answer func() (*contract.Enrolment, error)
}

func (o *office) Enrol(context.Context, string) (*contract.Enrolment, error) {
	o.asked.Add(1)
	return o.answer()
}

func newDesk(tb testing.TB, v *vendor, b *bucket, o *office, s *contract.JWTSettings) (*bearer.Desk, *principal.Cache) {
	tb.Helper()
	cache := principal.New(principal.Options{Source: b, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Clock: time.Now})
	tb.Cleanup(cache.Close)
	d := bearer.New(bearer.Options{
		Principals: cache, Enroller: o, Registry: prometheus.NewRegistry(),
		Authority: jwtauth.Options{Fetcher: v, Logger: slog.New(slog.DiscardHandler)},
	})
	tb.Cleanup(d.Close)
	s.URLs = []string{keysURL}
	d.Configure(s)
	return d, cache
}

func request(tb testing.TB, header ...string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/v1/chat/completions", http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func user(id string) *principal.User { return &principal.User{User: contract.User{ID: id}} }
func team(id string) *principal.Team { return &principal.Team{Team: contract.Team{ID: id}} }

func refusedWith(t *testing.T, status int, err error) {
	t.Helper()
	var e *apierr.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, status, e.Status, e.Message)
}

func TestIdentify_remembers_a_token_and_looks_its_owners_up(t *testing.T) {
	t.Parallel()
	v, b, o := newVendor(t), &bucket{records: map[string]any{contract.UserKey("u"): user("u"), contract.TeamKey("t"): team("t")}}, &office{}
	d, cache := newDesk(t, v, b, o, &contract.JWTSettings{UserClaim: "sub", NeedUser: true, TeamsClaim: "groups", NeedTeam: true, EndUserClaim: "customer"})
	text := v.token(t, map[string]any{"sub": "u", "groups": []string{"gone", "t"}, "customer": "c"})
	require.True(t, d.Takes(text))
	require.False(t, d.Takes("sk-1.2.3"))
	for range 3 {
		id, err := d.Identify(request(t), text)
		require.NoError(t, err)
		sum := sha256.Sum256([]byte(text))
		require.Equal(t, fmt.Sprintf("hashed-jwt-%x", sum), id.Key.Hash)
		require.Equal(t, "t", id.Key.TeamID)
		require.Equal(t, "u", id.User.ID)
		require.Equal(t, "c", id.Named())
	}
	require.Zero(t, o.asked.Load(), "everybody is known")
	_, err := d.Identify(request(t, "X-Litellm-Team-Id", "other"), text)
	refusedWith(t, 403, err)

	b.mu.Lock()
	delete(b.records, contract.UserKey("u"))
	b.mu.Unlock()
	cache.Changed(contract.UserKey("u"), 2, nil)
	_, err = d.Identify(request(t), text)
	refusedWith(t, 401, err)
	d.Configure(nil)
	require.False(t, d.Takes(text))
	_, err = d.Identify(request(t), text)
	refusedWith(t, 401, err)
}

func TestIdentify_has_users_made(t *testing.T) {
	t.Parallel()
	v, b := newVendor(t), &bucket{records: map[string]any{}}
	o := &office{}
	o.answer = func() (*contract.Enrolment, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.records[contract.UserKey("made")], b.records[contract.TeamKey("crew")] = user("made"), team("crew")
		return &contract.Enrolment{UserID: "made", Teams: []string{"crew"}}, nil
	}
	d, _ := newDesk(t, v, b, o, &contract.JWTSettings{UserClaim: "sub", NeedUser: true, UpsertUsers: true, TeamsClaim: "groups", UpsertTeams: true})
	// The token may name them as they are made: that they were not there a moment
	// ago is no answer any more, though the bucket has not told of a change yet.
	text := v.token(t, map[string]any{"sub": "made", "groups": []string{"crew"}})
	for range 3 {
		id, err := d.Identify(request(t), text)
		require.NoError(t, err)
		require.Equal(t, "made", id.User.ID)
		require.Equal(t, "crew", id.Team.ID)
	}
	require.EqualValues(t, 1, o.asked.Load())

	o.answer = func() (*contract.Enrolment, error) { return &contract.Enrolment{Status: 401, Message: "no"}, nil }
	_, err := d.Identify(request(t), v.token(t, map[string]any{"sub": "x"}))
	refusedWith(t, 401, err)
	o.answer = func() (*contract.Enrolment, error) { return nil, errors.New("nobody answers") }
	_, err = d.Identify(request(t), v.token(t, map[string]any{"sub": "y"}))
	refusedWith(t, 503, err)
}

func TestIdentify_by_a_mapping(t *testing.T) {
	t.Parallel()
	v, b := newVendor(t), &bucket{records: map[string]any{}}
	d, cache := newDesk(t, v, b, &office{}, &contract.JWTSettings{UserClaim: "sub", KeyClaim: "azp", RejectUnmapped: true})
	text := v.token(t, map[string]any{"sub": "u", "azp": "robot"})
	_, err := d.Identify(request(t), text)
	refusedWith(t, 403, err)
	_, err = d.Identify(request(t), v.token(t, map[string]any{"sub": "u"}))
	refusedWith(t, 403, err)

	hash := strings.Repeat("ab", 32)
	at := contract.PrefixJWTMapping + contract.JWTMappingID("azp", "robot")
	b.mu.Lock()
	b.records[at] = principal.NewMapping(contract.JWTMapping{KeyHash: hash})
	b.records[contract.VirtualKeyKey(hash)] = principal.NewTokenKey(contract.VirtualKey{Hash: hash}, "")
	b.mu.Unlock()
	cache.Changed(at, 2, nil)
	cache.Changed(contract.VirtualKeyKey(hash), 3, nil)
	id, err := d.Identify(request(t), text)
	require.NoError(t, err)
	require.Equal(t, hash, id.Key.Hash)
	require.Nil(t, id.Token, "it is the key")
}

// The tokens that are remembered are bounded.
func TestIdentify_forgets(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	d, _ := newDesk(t, v, &bucket{records: map[string]any{}}, &office{}, &contract.JWTSettings{UserClaim: "sub"})
	m := bearer.NewMemory(64)
	for i := range 1000 {
		m.Put(sha256.Sum256(fmt.Append(nil, i)), time.Now().Add(time.Hour).UnixNano())
	}
	require.LessOrEqual(t, m.Size(), 64)
	text := v.token(t, map[string]any{"sub": "u", "exp": time.Now().Add(-time.Second).Unix()})
	_, err := d.Identify(request(t), text)
	require.NoError(t, err, "clocks may be apart")
}

func TestIdentify_allocates_nothing_for_a_known_token(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	v, b := newVendor(t), &bucket{records: map[string]any{contract.UserKey("u"): user("u"), contract.TeamKey("t"): team("t")}}
	d, _ := newDesk(t, v, b, &office{}, &contract.JWTSettings{UserClaim: "sub", TeamsClaim: "groups", NeedTeam: true})
	text, r := v.token(t, map[string]any{"sub": "u", "groups": "t"}), request(t)
	_, err := d.Identify(r, text)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = d.Identify(r, text) }))
}

// BenchmarkIdentify holds a token that is known against a virtual key.
func BenchmarkIdentify(b *testing.B) {
	hash := sha256.Sum256([]byte("sk-key"))
	hexed := fmt.Sprintf("%x", hash)
	records := &bucket{records: map[string]any{
		contract.UserKey("u"): user("u"), contract.TeamKey("t"): team("t"),
		contract.VirtualKeyKey(hexed): principal.NewTokenKey(contract.VirtualKey{Hash: hexed, UserID: "u", TeamID: "t"}, ""),
	}}
	v := newVendor(b)
	d, cache := newDesk(b, v, records, &office{}, &contract.JWTSettings{UserClaim: "sub", TeamsClaim: "groups", NeedTeam: true})
	text, r := v.token(b, map[string]any{"sub": "u", "groups": "t", "email": "somebody@example.com", "name": "Some Body", "scope": "openid email profile"}), request(b)
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if id, err := cache.Resolve(r.Context(), sha256.Sum256([]byte("sk-key"))); err != nil || id.Team == nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("token", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if id, err := d.Identify(r, text); err != nil || id.Team == nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("token_verified_each_time", func(b *testing.B) {
		a, err := jwtauth.Open(&contract.JWTSettings{URLs: []string{keysURL}}, jwtauth.Options{Fetcher: v, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(b, err)
		defer a.Close()
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := a.Verify(b.Context(), text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
