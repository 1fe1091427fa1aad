package transport

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/shared/apierr"
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
	sent := r.Key.Or(c.Param("key"))
	if sent != "" && s.MasterKeys.Is(sent) {
		out, err := s.MasterKeys.Replace(c.Request().Context(), callerOf(c), r.NewMasterKey.Or(""))
		return reply(c, out, err)
	}
	out, err := s.Keys.Regenerate(c.Request().Context(), callerOf(c), sent, &r)
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
	q := key.ListQuery{
		Page: page, Size: size, UserID: optional(c, "user_id"), TeamID: optional(c, "team_id"), OrganizationID: optional(c, "organization_id"),
		KeyHash: optional(c, "key_hash"), KeyAlias: optional(c, "key_alias"), SortBy: c.QueryParam("sort_by"), SortOrder: c.QueryParam("sort_order"),
		ProjectID: optional(c, "project_id"), AccessGroupID: optional(c, "access_group_id"), Status: c.QueryParam("status"),
		ExpandUser: slices.Contains(c.QueryParams()["expand"], "user"),
	}
	for name, to := range map[string]*bool{"return_full_object": &q.Full, "include_team_keys": &q.TeamKeys, "include_created_by_keys": &q.CreatedKeys} {
		if *to, err = truth(c, name); err != nil {
			return err
		}
	}
	out, err := s.Keys.List(c.Request().Context(), callerOf(c), q)
	return reply(c, out, err)
}

// truth reads a query parameter as FastAPI does.
func truth(c echo.Context, name string) (bool, error) {
	switch strings.ToLower(c.QueryParam(name)) {
	case "", "false", "0", "no", "off", "f", "n":
		return false, nil
	case "true", "1", "yes", "on", "t", "y":
		return true, nil
	}
	e := apierr.Invalid("bool_parsing", name, "Input should be a valid boolean, unable to interpret input")
	e.Invalid.Loc[0] = "query"
	return false, e
}

// reply answers with out, or with the error.
func reply(c echo.Context, out any, err error) error {
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}
