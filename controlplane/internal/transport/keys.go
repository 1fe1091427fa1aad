package transport

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/key"
)

// maxPage keeps page times size inside an int32.
const maxPage = 1_000_000

func (s *server) keyGenerate(c echo.Context) error {
	var r key.Request
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.Keys.Generate(c.Request().Context(), callerOf(c), &r)
	return reply(c, out, err)
}

func (s *server) keyUpdate(c echo.Context) error {
	var r key.Request
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.Keys.Update(c.Request().Context(), callerOf(c), &r)
	return reply(c, out, err)
}

func (s *server) keyDelete(c echo.Context) error {
	var r struct {
		Keys       []string `json:"keys"`
		KeyAliases []string `json:"key_aliases"`
	}
	if err := decode(c, &r); err != nil {
		return err
	}
	deleted, err := s.Keys.Delete(c.Request().Context(), callerOf(c), r.Keys, r.KeyAliases)
	return reply(c, map[string]any{"deleted_keys": deleted}, err)
}

func (s *server) keyBlock(blocked bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		var r struct {
			Key string `json:"key"`
		}
		if err := decode(c, &r); err != nil {
			return err
		}
		row, err := s.Keys.SetBlocked(c.Request().Context(), callerOf(c), r.Key, blocked)
		return reply(c, row, err)
	}
}

func (s *server) keyRegenerate(c echo.Context) error {
	var r key.Request
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.Keys.Regenerate(c.Request().Context(), callerOf(c), r.Key.Or(c.Param("key")), &r)
	return reply(c, out, err)
}

func (s *server) keyInfo(c echo.Context) error {
	sent, info, err := s.Keys.Info(c.Request().Context(), callerOf(c), c.QueryParam("key"))
	return reply(c, map[string]any{"key": sent, "info": info}, err)
}

func (s *server) keyList(c echo.Context) error {
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "size", 10, 1, 100)
	if err != nil {
		return err
	}
	out, err := s.Keys.List(c.Request().Context(), callerOf(c), key.ListQuery{
		Page: page, Size: size, UserID: optional(c, "user_id"), TeamID: optional(c, "team_id"), OrganizationID: optional(c, "organization_id"),
		KeyHash: optional(c, "key_hash"), KeyAlias: optional(c, "key_alias"), SortBy: c.QueryParam("sort_by"), SortOrder: c.QueryParam("sort_order"),
		Full: c.QueryParam("return_full_object") == "true", Status: c.QueryParam("status"),
	})
	return reply(c, out, err)
}

// reply answers with out, or with the error.
func reply(c echo.Context, out any, err error) error {
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}
