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
	"github.com/tianjillm/tianjillm/shared/access"
	"github.com/tianjillm/tianjillm/shared/credential"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/route"
)

const callerKey = "caller"

// authenticated finds out who calls, and refuses whom the table does not let in.
func (s *server) authenticated(r route.Route, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := s.who(c)
		if err != nil {
			return err
		}
		if r.Access == route.Master {
			if err := who.RequireMaster(r.Path); err != nil {
				return err
			}
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
	plain, err := credential.Key(c.Request().Header, s.KeyHeader)
	if err != nil {
		return none, err
	}
	sum, master := sha256.Sum256([]byte(plain)), sha256.Sum256([]byte(s.MasterKey.Reveal()))
	if subtle.ConstantTimeCompare(sum[:], master[:]) == 1 {
		return caller.Caller{Master: true, UserID: caller.AdminUserID}, nil
	}
	row, err := s.Keys.ByHash(c.Request().Context(), ident.HashKey(plain))
	if errors.Is(err, store.ErrNotFound) {
		return none, credential.Unknown(plain)
	}
	if err != nil {
		return none, fmt.Errorf("look up key: %w", err)
	}
	switch path := c.Request().URL.Path; {
	case row.Blocked != nil && *row.Blocked:
		return none, credential.Blocked()
	case row.Expires != nil && !time.Now().Before(*row.Expires):
		return none, credential.Expired(plain, *row.Expires, time.Now())
	case !access.Route(row.AllowedRoutes, path):
		return none, credential.RouteDenied(path)
	}
	who := caller.Caller{KeyHash: row.Token}
	if row.UserID != nil {
		who.UserID = *row.UserID
	}
	if row.TeamID != nil {
		who.TeamID = *row.TeamID
		blocked, err := s.Teams.Blocked(c.Request().Context(), who.TeamID)
		if err != nil {
			return none, err
		}
		if blocked {
			return none, credential.TeamBlocked(who.TeamID)
		}
	}
	return who, nil
}
