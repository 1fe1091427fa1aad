package transport

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
)

// keyring are the handlers of keys beside making, changing and showing one.
func (s *server) keyring() map[string]echo.HandlerFunc {
	return map[string]echo.HandlerFunc{
		"GET /key/aliases":           s.keyAliases,
		"POST /v2/key/info":          s.keyInfos,
		"POST /key/health":           plain(s.Keys.Health),
		"POST /key/bulk_update":      with(s.Keys.BulkUpdate),
		"POST /key/:key/reset_spend": s.keyResetSpend,
	}
}

func (s *server) keyAliases(c echo.Context) error {
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "size", 50, 1, 100)
	if err != nil {
		return err
	}
	out, err := s.Keys.Aliases(c.Request().Context(), callerOf(c), key.AliasQuery{Page: page, Size: size, Search: c.QueryParam("search")})
	return reply(c, out, err)
}

func (s *server) keyInfos(c echo.Context) error {
	var r struct {
		Keys []string `json:"keys"`
	}
	if err := decode(c, &r); err != nil {
		return err
	}
	if r.Keys == nil {
		return c.JSON(http.StatusUnprocessableEntity, map[string]any{"detail": map[string]string{"message": "Malformed request. No keys passed in."}})
	}
	out, err := s.Keys.Infos(c.Request().Context(), callerOf(c), r.Keys)
	return reply(c, out, err)
}

func (s *server) keyResetSpend(c echo.Context) error {
	var r struct {
		To field.Of[float64] `json:"reset_to"`
	}
	if err := decode(c, &r); err != nil {
		return err
	}
	if r.To.Ptr() == nil {
		return missing("reset_to")
	}
	out, err := s.Keys.ResetSpend(c.Request().Context(), callerOf(c), c.Param("key"), r.To.Value)
	return reply(c, out, err)
}
