package transport

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/spend"
)

// spendTexts answers with what one request said, or with null.
func (s *server) spendTexts(c echo.Context) error {
	after, err := date(c, "start_date")
	if err != nil {
		return err
	}
	before, err := date(c, "end_date")
	if err != nil {
		return err
	}
	id := c.Param("request_id")
	out, err := s.Spend.Texts(c.Request().Context(), callerOf(c), spend.Query{RequestID: &id, After: after, Before: endOf(c, before)})
	return reply(c, out, err)
}

func (s *server) costEstimate(c echo.Context) error {
	var r spend.EstimateRequest
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.Costs.Estimate(c.Request().Context(), &r)
	return reply(c, out, err)
}

func (s *server) globalCustomers(c echo.Context) error {
	out, err := s.Reports.CustomerNames(c.Request().Context())
	return reply(c, map[string]any{"end_users": out}, err)
}

// spendSession answers with a page of the requests of a session, whenever they
// were.
func (s *server) spendSession(c echo.Context) error {
	session := optional(c, "session_id")
	if session == nil {
		return missing("session_id")
	}
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "page_size", 50, 1, 1000)
	if err != nil {
		return err
	}
	after, before := time.Unix(0, 0), time.Now().AddDate(0, 0, 1)
	out, err := s.Spend.Page(c.Request().Context(), callerOf(c), &spend.PageQuery{
		SessionID: session, After: &after, Before: &before, Page: page, Size: size, SortOrder: "asc",
	})
	return reply(c, out, err)
}
