package transport

import (
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
