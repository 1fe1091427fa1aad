package transport

import (
	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit/trail"
)

func (s *server) auditList(c echo.Context) error {
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "page_size", 10, 1, 100)
	if err != nil {
		return err
	}
	after, err := date(c, "start_date")
	if err != nil {
		return err
	}
	before, err := date(c, "end_date")
	if err != nil {
		return err
	}
	out, err := s.Trail.List(c.Request().Context(), &trail.Query{
		Page: page, Size: size, ChangedBy: optional(c, "changed_by"), ChangedByKey: optional(c, "changed_by_api_key"), Action: optional(c, "action"),
		Table: optional(c, "table_name"), ObjectID: optional(c, "object_id"), TeamID: optional(c, "object_team_id"), KeyHash: optional(c, "object_key_hash"),
		After: after, Before: before, SortBy: c.QueryParam("sort_by"), SortOrder: c.QueryParam("sort_order"),
	})
	return reply(c, out, err)
}

func (s *server) auditGet(c echo.Context) error {
	out, err := s.Trail.Get(c.Request().Context(), c.Param("id"))
	return reply(c, out, err)
}
