package transport

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// teams are the handlers of teams beside making, changing and showing one.
func (s *server) teams() map[string]echo.HandlerFunc {
	return map[string]echo.HandlerFunc{
		"GET /v2/team/list":                             s.teamPage,
		"POST /team/delete":                             with(s.Teams.Delete),
		"POST /team/block":                              with(s.Teams.Block),
		"POST /team/unblock":                            with(s.Teams.Unblock),
		"GET /team/available":                           plain(s.Teams.Available),
		"POST /team/model/add":                          with(s.Teams.AddModels),
		"POST /team/model/delete":                       with(s.Teams.DeleteModels),
		"GET /team/permissions_list":                    s.teamPermissions,
		"POST /team/permissions_update":                 with(s.Teams.UpdatePermissions),
		"POST /team/permissions_bulk_update":            with(s.Teams.AppendPermissions),
		"POST /team/bulk_member_add":                    with(s.Teams.BulkAdd),
		"GET /team/filter/ui":                           s.teamSearch,
		"GET /team/metadata_schema":                     func(c echo.Context) error { return c.JSON(http.StatusOK, team.MetadataSchema()) },
		"GET /team/:team_id/members/me":                 s.teamMe,
		"POST /team/:team_id/reset_spend":               s.teamResetSpend,
		"GET /team/:team_id/callback":                   s.teamCallbacks,
		"POST /team/:team_id/callback":                  s.teamCallbackAdd,
		"DELETE /team/:team_id/callback/:callback_name": s.teamCallbackDelete,
		"POST /team/:team_id/disable_logging":           s.teamDisableLogging,
	}
}

func (s *server) teamPage(c echo.Context) error {
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "page_size", 10, 1, 100)
	if err != nil {
		return err
	}
	out, err := s.Teams.ListPage(c.Request().Context(), callerOf(c), &team.ListQuery{
		Page: page, Size: size, UserID: optional(c, "user_id"), OrganizationID: optional(c, "organization_id"), TeamID: optional(c, "team_id"),
		Alias: optional(c, "team_alias"), Search: optional(c, "search"), SortBy: c.QueryParam("sort_by"), SortOrder: c.QueryParam("sort_order"),
		Status: c.QueryParam("status"),
	})
	return reply(c, out, err)
}

func (s *server) teamSearch(c echo.Context) error {
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "page_size", 50, 1, 100)
	if err != nil {
		return err
	}
	out, err := s.Teams.Search(c.Request().Context(), callerOf(c), &team.ListQuery{
		Page: page, Size: size, TeamID: optional(c, "team_id"), Alias: optional(c, "team_alias"),
	})
	return reply(c, out, err)
}

func (s *server) teamPermissions(c echo.Context) error {
	out, err := s.Teams.Permissions(c.Request().Context(), callerOf(c), c.QueryParam("team_id"))
	return reply(c, out, err)
}

func (s *server) teamMe(c echo.Context) error {
	out, err := s.Teams.Me(c.Request().Context(), callerOf(c), segment(c, "team_id"))
	return reply(c, out, err)
}

func (s *server) teamResetSpend(c echo.Context) error {
	var r struct {
		To field.Of[float64] `json:"reset_to"`
	}
	if err := decode(c, &r); err != nil {
		return err
	}
	if r.To.Ptr() == nil {
		return apierr.Invalid("missing", "reset_to", "Field required")
	}
	out, err := s.Teams.ResetSpend(c.Request().Context(), callerOf(c), segment(c, "team_id"), r.To.Value)
	return reply(c, out, err)
}

func (s *server) teamCallbacks(c echo.Context) error {
	out, err := s.Teams.Callbacks(c.Request().Context(), callerOf(c), segment(c, "team_id"))
	return reply(c, out, err)
}

func (s *server) teamCallbackAdd(c echo.Context) error {
	var r team.CallbackRequest
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.Teams.AddCallback(c.Request().Context(), callerOf(c), segment(c, "team_id"), &r)
	return reply(c, out, err)
}

func (s *server) teamCallbackDelete(c echo.Context) error {
	out, err := s.Teams.DeleteCallback(c.Request().Context(), callerOf(c), segment(c, "team_id"), segment(c, "callback_name"))
	return reply(c, out, err)
}

func (s *server) teamDisableLogging(c echo.Context) error {
	out, err := s.Teams.DisableLogging(c.Request().Context(), callerOf(c), segment(c, "team_id"))
	return reply(c, out, err)
}

// segment is a parameter inside the path, in which a slash is escaped.
func segment(c echo.Context, name string) string {
	v := c.Param(name)
	if c.Request().URL.RawPath == "" { // the path that was matched is unescaped already
		return v
	}
	if text, err := url.PathUnescape(v); err == nil {
		return text
	}
	return v
}
