package transport

import (
	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/spend"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
)

func (s *server) teamNew(c echo.Context) error {
	var r team.Request
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.Teams.New(c.Request().Context(), callerOf(c), &r)
	return reply(c, out, err)
}

func (s *server) teamInfo(c echo.Context) error {
	out, err := s.Teams.Info(c.Request().Context(), callerOf(c), c.QueryParam("team_id"))
	return reply(c, out, err)
}

func (s *server) teamList(c echo.Context) error {
	out, err := s.Teams.List(c.Request().Context(), callerOf(c), optional(c, "user_id"), optional(c, "organization_id"))
	return reply(c, out, err)
}

func (s *server) spendCalculate(c echo.Context) error {
	var r spend.CalculateRequest
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.Costs.Calculate(c.Request().Context(), &r)
	return reply(c, out, err)
}
