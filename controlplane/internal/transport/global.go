package transport

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/report"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// ranged answers with a report on the days that the query names.
func ranged[Reply any](serve func(context.Context, caller.Caller, report.Range) (Reply, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, err := between(c)
		if err != nil {
			return err
		}
		out, err := serve(c.Request().Context(), callerOf(c), r)
		return reply(c, out, err)
	}
}

func (s *server) globalSpendLogs(c echo.Context) error {
	out, err := s.Reports.SpendLogs(c.Request().Context(), callerOf(c), optional(c, "api_key"))
	return reply(c, out, err)
}

func (s *server) globalSpendKeys(c echo.Context) error {
	limit, err := number(c, "limit", 100, 1, mostListed)
	if err != nil {
		return err
	}
	out, err := s.Reports.Keys(c.Request().Context(), callerOf(c), limit)
	return reply(c, out, err)
}

func (s *server) globalSpendModels(c echo.Context) error {
	limit, err := number(c, "limit", 10, 1, mostListed)
	if err != nil {
		return err
	}
	out, err := s.Reports.Models(c.Request().Context(), callerOf(c), limit)
	return reply(c, out, err)
}

func (s *server) globalSpendTeams(c echo.Context) error {
	out, err := s.Reports.Teams(c.Request().Context())
	return reply(c, out, err)
}

func (s *server) globalSpendTags(c echo.Context) error {
	r, err := between(c)
	if err != nil {
		return err
	}
	q := report.TagQuery{Range: r, Tags: list(c, "tags")}
	if q.Limit, err = number(c, "limit", 100, 1, mostListed); err != nil {
		return err
	}
	if q.Offset, err = number(c, "offset", 0, 0, maxPage); err != nil {
		return err
	}
	out, err := s.Reports.Tags(c.Request().Context(), callerOf(c), &q)
	return reply(c, map[string]any{"spend_per_tag": out}, err)
}

func (s *server) globalTagNames(c echo.Context) error {
	out, err := s.Reports.TagNames(c.Request().Context())
	return reply(c, map[string]any{"tag_names": out}, err)
}

func (s *server) globalSpendReport(c echo.Context) error {
	r, err := between(c)
	if err != nil {
		return err
	}
	out, err := s.Reports.Report(c.Request().Context(), callerOf(c), &report.SpendQuery{
		Range: r, GroupBy: c.QueryParam("group_by"), Key: optional(c, "api_key"), User: optional(c, "internal_user_id"),
		TeamID: optional(c, "team_id"), Customer: optional(c, "customer_id"),
	})
	return reply(c, out, err)
}

func (s *server) globalSpendCustomers(c echo.Context) error {
	var r struct {
		APIKey *string `json:"api_key"`
		Start  string  `json:"startTime"` //nolint:tagliatelle // LiteLLM's name
		End    string  `json:"endTime"`   //nolint:tagliatelle // LiteLLM's name
	}
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.Reports.Customers(c.Request().Context(), callerOf(c), r.APIKey, r.Start, r.End)
	return reply(c, out, err)
}

// globalSpendRefresh has nothing to do: what reports are read from is written
// with every booking.
func globalSpendRefresh(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"message": "Spend reports are up to date with every booking", "status": "success"})
}

func (s *server) globalSpendReset(c echo.Context) error {
	err := s.Reports.Reset(c.Request().Context(), callerOf(c))
	return reply(c, map[string]string{"message": "Spend for all API Keys and Teams reset successfully", "status": "success"}, err)
}

func (s *server) globalExceptions(c echo.Context) error {
	r, err := between(c)
	if err != nil {
		return err
	}
	group := c.QueryParam("model_group")
	if strings.HasSuffix(c.Path(), "/deployment") {
		out, err := s.Reports.LimitedByDeployment(c.Request().Context(), group, r)
		return reply(c, out, err)
	}
	out, err := s.Reports.Limited(c.Request().Context(), group, r)
	return reply(c, out, err)
}

// amount reads a query parameter as dollars.
func amount(c echo.Context, name string) (*float64, error) {
	v := c.QueryParam(name)
	if v == "" {
		return nil, nil //nolint:nilnil // not given
	}
	usd, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(usd) || math.IsInf(usd, 0) {
		e := apierr.Invalid("float_parsing", name, "Input should be a number")
		e.Invalid.Loc[0] = "query"
		return nil, e
	}
	return &usd, nil
}
