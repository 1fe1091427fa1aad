// Package bearer takes tokens of identity providers (JWT) as the credentials of
// management calls, and makes the users and teams that tokens name where the
// settings say so: for its own callers, and for data planes that ask over the bus.
//
// A token is verified here too when a data plane asks: what it wants to have made
// is what the identity provider has signed, not what the data plane says. A
// Service owns the goroutines of the requests that it answers; Stop ends them.
package bearer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/credential"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Options are what a Service is made of.
type Options struct {
	Store     *store.Store
	Users     *user.Service
	Teams     *team.Service
	Authority *jwtauth.Authority
	Logger    *slog.Logger
}

// Service takes tokens. It is safe for concurrent use.
type Service struct {
	Options

	settings *contract.JWTSettings
	admins   policy.Routes
	teams    policy.Routes
}

// New returns a service.
func New(o Options) *Service {
	set := o.Authority.Settings()
	return &Service{Options: o, settings: set, admins: policy.NewRoutes(set.AdminRoutes), teams: policy.NewRoutes(set.TeamRoutes)}
}

// Takes reports whether a credential is a token that the service would look at.
func (s *Service) Takes(text string) bool { return jwtauth.IsToken(text) }

// Found is who calls with a token: somebody by themselves, or a virtual key.
type Found struct {
	Caller caller.Caller
	// KeyHash is of the virtual key that the token stands for, or "".
	KeyHash string
}

// Identify returns who calls with a token. path is the route that is called.
func (s *Service) Identify(ctx context.Context, text string, h http.Header, path string) (Found, error) {
	claims, _, err := s.Authority.Verify(ctx, text)
	if err != nil {
		return Found{}, fmt.Errorf("verify token: %w", err)
	}
	subject, err := s.Authority.Subject(claims)
	if err != nil {
		return Found{}, fmt.Errorf("read token: %w", err)
	}
	if !subject.Admin && s.settings.KeyClaim != "" {
		hash, err := s.mapped(ctx, subject.KeyClaim)
		if hash != "" || err != nil {
			return Found{KeyHash: hash}, err
		}
	}
	if subject.Refusal != nil {
		return Found{}, subject.Refusal
	}
	sum := sha256.Sum256([]byte(text))
	who, err := s.caller(ctx, &subject, h, path)
	who.KeyHash = "hashed-jwt-" + hex.EncodeToString(sum[:])
	return Found{Caller: who}, err
}

// mapped returns the hash of the key that a value of the claim stands for, or "".
func (s *Service) mapped(ctx context.Context, value string) (string, error) {
	claim := s.settings.KeyClaim
	refused := jwtauth.Unmapped(claim, value)
	if value == "" {
		if s.settings.RejectUnmapped {
			return "", refused
		}
		return "", nil
	}
	m, err := s.Store.JWTMappingByClaim(ctx, s.Store.DB(), db.JWTMappingByClaimParams{JwtClaimName: claim, JwtClaimValue: value})
	switch {
	case errors.Is(err, store.ErrNotFound) && !s.settings.RejectUnmapped:
		return "", nil
	case errors.Is(err, store.ErrNotFound):
		return "", refused
	case err != nil:
		return "", fmt.Errorf("read mapping: %w", err)
	case m.Token == nil || !m.IsActive:
		return "", refused
	}
	return *m.Token, nil
}

// caller looks up whom a token names.
func (s *Service) caller(ctx context.Context, subject *jwtauth.Subject, h http.Header, path string) (caller.Caller, error) {
	if subject.Admin {
		if !s.admins.Allow(path) {
			return caller.Caller{}, jwtauth.RouteDenied("Admin", path)
		}
		return caller.Caller{Role: policy.ProxyAdmin, UserID: subject.UserID, Email: subject.Email}, nil
	}
	if err := s.resolve(ctx, subject); err != nil {
		return caller.Caller{}, err
	}
	teamID, row, err := s.inTeam(ctx, subject, h)
	if err != nil {
		return caller.Caller{}, err
	}
	switch {
	case teamID != "" && !row.TeamKnown:
		return caller.Caller{}, jwtauth.UnknownTeam(teamID)
	case row.TeamBlocked:
		return caller.Caller{}, credential.TeamBlocked(teamID)
	case row.UserDeactivated:
		return caller.Caller{}, credential.Deactivated()
	}
	if routes := policy.NewRoutes(subject.Routes); !routes.Allow(path) {
		return caller.Caller{}, jwtauth.RouteDenied("Scope", path)
	}
	if teamID != "" && subject.UserID == "" && len(subject.Routes) == 0 && !s.teams.Allow(path) {
		return caller.Caller{}, jwtauth.RouteDenied("Team", path)
	}
	who := caller.Of(&db.CallerByTokenRow{
		VerificationToken: db.VerificationToken{UserID: optional(subject.UserID), TeamID: optional(teamID), Permissions: json.RawMessage("{}")},
		UserKnown:         row.UserKnown, UserRole: row.UserRole, UserEmail: row.UserEmail, Administers: row.Administers, Joined: row.Joined,
	})
	switch {
	case subject.Role != policy.NoRole:
		who.Role = subject.Role
	case who.UserID == "" && teamID != "":
		who.Role = policy.TeamToken
	}
	return who, nil
}

// inTeam reads whom a token names, in the team that the call chooses or else in
// the first that there is.
func (s *Service) inTeam(ctx context.Context, subject *jwtauth.Subject, h http.Header) (string, db.CallerByIdentityRow, error) {
	teams := subject.Teams
	for _, name := range [...]string{"X-Tianji-Team-Id", "X-Litellm-Team-Id"} {
		chosen := h.Get(name)
		if chosen == "" || len(teams) == 0 {
			continue
		}
		if !slices.Contains(teams, chosen) {
			return "", db.CallerByIdentityRow{}, jwtauth.ForeignTeam(chosen)
		}
		teams = []string{chosen}
		break
	}
	if len(teams) == 0 {
		teams = []string{""}
	}
	var row db.CallerByIdentityRow
	var err error
	for _, id := range teams {
		row, err = s.Store.CallerByIdentity(ctx, s.Store.DB(), db.CallerByIdentityParams{UserID: subject.UserID, TeamID: id})
		if err != nil {
			return "", row, fmt.Errorf("read caller: %w", err)
		}
		if id == "" || row.TeamKnown && !row.TeamBlocked {
			return id, row, nil
		}
	}
	return teams[len(teams)-1], row, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
