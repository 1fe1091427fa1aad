// Package bearer takes tokens of identity providers (JWT) as the credentials of
// requests: a token becomes the same identity that a virtual key leads to, with
// the user, the teams and the organisation that it names.
//
// A token is verified when it is first seen, and remembered by its SHA-256 until
// it ends or the keys of the providers are due again. Who it is for is looked up
// for each request, as with keys: what an admin changes is obeyed at once. Those
// who are not known yet are made by the control plane, which verifies the token
// for itself.
//
// A Desk owns the goroutine of the authority that it verifies with; Close ends it.
package bearer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/credential"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
	"github.com/tianjillm/tianjillm/shared/policy"
)

const (
	// rememberedTokens bounds the tokens that are remembered.
	rememberedTokens = 50_000
	// usualToken is the length to which a token is hashed without an allocation.
	usualToken = 2 << 10
	// enrolling bounds the requests to the control plane that are under way.
	enrolling = 32
)

// Principals finds whom a token is for. Cache in package principal is one.
type Principals interface {
	Resolve(ctx context.Context, sum [32]byte) (principal.Identity, error)
	Owned(ctx context.Context, k *principal.Key) (principal.Identity, error)
	Mapped(ctx context.Context, key []byte) (*principal.Mapping, error)
	Known(ctx context.Context, user string, teams []string) (userKnown bool, teamsKnown []string, err error)
	Renewed(user string, teams []string)
}

// Enroller asks the control plane to make whom a token is for.
type Enroller interface {
	Enrol(ctx context.Context, token string) (*contract.Enrolment, error)
}

// Options are what a Desk is made of.
type Options struct {
	Principals Principals
	Enroller   Enroller
	Authority  jwtauth.Options
	Registry   prometheus.Registerer
}

// Desk takes tokens. It is safe for concurrent use; until it is configured it
// takes none.
type Desk struct {
	opts    Options
	current atomic.Pointer[office]
	slots   chan struct{}
	mu      sync.Mutex // held while an authority is replaced

	verified, refused, enrolled prometheus.Counter
}

// office is a desk under one configuration.
type office struct {
	authority *jwtauth.Authority
	settings  *contract.JWTSettings
	tokens    *memory
}

// New returns a desk that takes no token yet.
func New(o Options) *Desk {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "tianji_dataplane_tokens_" + name + "_total", Help: help})
	}
	d := &Desk{
		opts: o, slots: make(chan struct{}, enrolling),
		verified: counter("verified", "Tokens of identity providers that were verified; those that are remembered are not."),
		refused:  counter("refused", "Tokens of identity providers that were refused."),
		enrolled: counter("enrolled", "Tokens whose users or teams the control plane was asked for."),
	}
	o.Registry.MustRegister(d.verified, d.refused, d.enrolled)
	return d
}

// Configure takes tokens by other settings; nil takes none.
func (d *Desk) Configure(s *contract.JWTSettings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.current.Load()
	if old != nil && s != nil && same(old.settings, s) {
		return
	}
	d.current.Store(d.open(s))
	if old != nil {
		old.authority.Close()
	}
}

func (d *Desk) open(s *contract.JWTSettings) *office {
	if s == nil {
		return nil
	}
	authority, err := jwtauth.Open(s, d.opts.Authority)
	if err != nil {
		d.opts.Authority.Logger.LogAttrs(context.Background(), slog.LevelError, "tokens are not taken", slog.Any("error", err))
		return nil
	}
	return &office{authority: authority, settings: s, tokens: newMemory(rememberedTokens)}
}

// Close takes no more tokens and ends what was begun for them.
func (d *Desk) Close() { d.Configure(nil) }

// Takes reports whether a credential is a token that the desk would look at.
func (d *Desk) Takes(text string) bool { return d.current.Load() != nil && jwtauth.IsToken(text) }

// Identify returns who a token is for. Refusals are apierr.Errors, and
// principal.ErrUnavailable says that the bus can not be asked.
func (d *Desk) Identify(r *http.Request, text string) (principal.Identity, error) {
	var none principal.Identity
	o := d.current.Load()
	if o == nil {
		_, err := credential.Check(text, true)
		return none, err
	}
	ctx := r.Context()
	var space [usualToken]byte
	sum := sha256.Sum256(append(space[:0], text...))
	p := o.tokens.get(sum, time.Now().UnixNano())
	if p == nil {
		var err error
		if p, err = d.admit(ctx, o, text, sum); err != nil {
			d.refused.Inc()
			return none, err
		}
	}
	if p.mapping != nil {
		if id, mapped, err := d.mapped(ctx, o, p); mapped || err != nil {
			return id, err
		}
	}
	if p.refusal != nil {
		return none, p.refusal
	}
	return d.owned(r, p)
}

// mapped follows a token to its virtual key.
func (d *Desk) mapped(ctx context.Context, o *office, p *pass) (id principal.Identity, mapped bool, err error) {
	m, err := d.opts.Principals.Mapped(ctx, p.mapping)
	if err != nil {
		return id, true, err
	}
	if m == nil {
		if o.settings.RejectUnmapped {
			return id, true, jwtauth.Unmapped(o.settings.KeyClaim, p.claim)
		}
		return id, false, nil
	}
	if sum, ok := m.Key(); ok {
		if id, err = d.opts.Principals.Resolve(ctx, sum); err != nil || id.Key != nil {
			return id, true, err
		}
	}
	return id, true, jwtauth.Unmapped(o.settings.KeyClaim, p.claim)
}

// teamHeaders choose one of the teams of a token.
func teamHeaders() [2]string { return [...]string{"X-Tianji-Team-Id", "X-Litellm-Team-Id"} }

// owned looks up whom a token is for, in the team that the request chooses, or
// else in the first that there is.
func (d *Desk) owned(r *http.Request, p *pass) (principal.Identity, error) {
	keys, chosen := p.token.Keys, false
	for _, name := range teamHeaders() {
		v := r.Header[name]
		if len(v) == 0 || v[0] == "" || keys[0].TeamID == "" {
			continue
		}
		at := slices.IndexFunc(keys, func(k *principal.Key) bool { return k.TeamID == v[0] })
		if at < 0 {
			return principal.Identity{}, jwtauth.ForeignTeam(v[0])
		}
		keys, chosen = keys[at:at+1], true
		break
	}
	var id principal.Identity
	var err error
	for _, k := range keys {
		if id, err = d.opts.Principals.Owned(r.Context(), k); err != nil {
			return id, err
		}
		if id.Team != nil && !id.Team.Blocked {
			break
		}
	}
	switch {
	case p.needUser && id.User == nil:
		return id, jwtauth.UnknownUser(id.Key.UserID)
	case id.Team == nil && id.Key.TeamID != "":
		return id, jwtauth.UnknownTeam(id.Key.TeamID)
	}
	if id.Token = p.token; chosen {
		id.Token = p.alone[id.Key]
	}
	return id, nil
}

// In returns the identity of a token in another of its teams, and whether there
// is that team and it may be used.
func (d *Desk) In(ctx context.Context, id *principal.Identity, key *principal.Key) (principal.Identity, bool, error) {
	other, err := d.opts.Principals.Owned(ctx, key)
	other.Token = id.Token
	return other, err == nil && other.Team != nil && !other.Team.Blocked, err
}

// hashOf is what spend is booked to: LiteLLM's name for a token.
func hashOf(sum [32]byte) string { return "hashed-jwt-" + hex.EncodeToString(sum[:]) }

// keysOf are what a token is as a key, in each of its teams.
func keysOf(s *jwtauth.Subject, settings *contract.JWTSettings, sum [32]byte, ends time.Time) (*principal.Token, map[*principal.Key]*principal.Token) {
	base := contract.VirtualKey{
		Hash: hashOf(sum), UserID: s.UserID, OrgID: s.OrgID, Models: s.Models, AllowedRoutes: s.Routes, Expires: ends,
	}
	token := &principal.Token{EndUser: s.EndUser}
	if s.Admin {
		base.AllowedRoutes, token.Acts = settings.AdminRoutes, "Admin"
	}
	rank := s.Role
	if s.Admin {
		rank = policy.ProxyAdmin
	}
	if s.Admin || len(s.Teams) == 0 {
		token.Keys = []*principal.Key{principal.NewTokenKey(base, rank)}
		return token, nil
	}
	if len(base.AllowedRoutes) == 0 {
		base.AllowedRoutes, token.Acts = settings.TeamRoutes, "Team"
	}
	alone := map[*principal.Key]*principal.Token{}
	for _, team := range s.Teams {
		base.TeamID = team
		key := principal.NewTokenKey(base, rank)
		token.Keys = append(token.Keys, key)
		alone[key] = &principal.Token{EndUser: token.EndUser, Keys: []*principal.Key{key}, Acts: token.Acts}
	}
	return token, alone
}
