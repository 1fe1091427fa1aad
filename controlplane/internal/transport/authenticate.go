package transport

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/credential"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/route"
)

const callerKey = "caller"

// authenticated finds out who calls, and refuses whom the policy does not let in.
func (s *server) authenticated(r route.Route, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := s.who(c)
		if err != nil {
			return err
		}
		may, path := who.May(), c.Request().URL.Path
		if err := s.Rules.Check(path, may.Admin()); err != nil {
			return err
		}
		if err := may.Gate(&r, path); err != nil {
			return err
		}
		who.ChangedBy = changedBy(c.Request().Header)
		c.Set(callerKey, who)
		return next(c)
	}
}

// maxActor bounds what a client can put into the audit trail.
const maxActor = 256

// changedBy is whom a client says that it acts for.
func changedBy(h http.Header) string {
	for _, name := range [...]string{"X-Tianji-Changed-By", "Litellm-Changed-By"} {
		if v := h.Get(name); v != "" {
			return strings.ToValidUTF8(v[:min(len(v), maxActor)], "")
		}
	}
	return ""
}

func callerOf(c echo.Context) caller.Caller {
	who, _ := c.Get(callerKey).(caller.Caller)
	return who
}

func (s *server) who(c echo.Context) (caller.Caller, error) {
	var none caller.Caller
	text, present := credential.Find(c.Request().Header, s.KeyHeader)
	if s.Tokens != nil && present && s.Tokens.Takes(text) {
		return s.bearer(c, text)
	}
	plain, err := credential.Check(text, present)
	if err != nil {
		return none, err
	}
	sum, master := sha256.Sum256([]byte(plain)), sha256.Sum256([]byte(s.MasterKey.Reveal()))
	if subtle.ConstantTimeCompare(sum[:], master[:]) == 1 {
		return caller.Caller{Master: true, UserID: caller.AdminUserID}, nil
	}
	return s.keyOf(c, ident.HashKey(plain), plain)
}

// bearer is who calls with a token of an identity provider: somebody by themselves,
// or the virtual key that the token stands for.
func (s *server) bearer(c echo.Context, token string) (caller.Caller, error) {
	r := c.Request()
	found, err := s.Tokens.Identify(r.Context(), token, r.Header, r.URL.Path)
	if err != nil || found.KeyHash == "" {
		return found.Caller, err
	}
	return s.keyOf(c, found.KeyHash, ident.KeyPrefix)
}

// keyOf is who has a key. plain is the key as messages may mask it.
func (s *server) keyOf(c echo.Context, hash, plain string) (caller.Caller, error) {
	var none caller.Caller
	row, err := s.Keys.Caller(c.Request().Context(), hash)
	if errors.Is(err, store.ErrNotFound) {
		return none, credential.Unknown(plain)
	}
	if err != nil {
		return none, fmt.Errorf("look up key: %w", err)
	}
	key, path, now := &row.VerificationToken, c.Request().URL.Path, time.Now()
	routes := policy.NewRoutes(key.AllowedRoutes)
	switch {
	case key.Blocked != nil && *key.Blocked:
		return none, credential.Blocked()
	case key.Expires != nil && !now.Before(*key.Expires):
		return none, credential.Expired(plain, *key.Expires, now)
	case row.TeamBlocked:
		return none, credential.TeamBlocked(*key.TeamID)
	case row.UserDeactivated:
		return none, credential.Deactivated()
	case !routes.Allow(path):
		return none, credential.RouteDenied(path)
	}
	return caller.Of(&row), nil
}
