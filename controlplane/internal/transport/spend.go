package transport

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/report"
	"github.com/tianjillm/tianjillm/controlplane/internal/spend"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// mostListed bounds lists that LiteLLM does not page.
const mostListed = 1000

// spending are the handlers of reports on what was spent.
func (s *server) spending() map[string]echo.HandlerFunc {
	all := map[string]echo.HandlerFunc{
		"GET /spend/keys":                s.spendKeys,
		"GET /spend/users":               s.spendUsers,
		"GET /spend/tags":                s.spendTags,
		"GET /spend/logs":                s.spendLogs,
		"GET /spend/logs/v2":             s.spendPage,
		"GET /spend/logs/ui":             s.spendPage,
		"GET /spend/export":              s.spendExport,
		"GET /spend/logs/ui/:request_id": s.spendTexts,
		"GET /spend/logs/session/ui":     s.spendSession,
		"GET /global/all_end_users":      s.globalCustomers,
		"POST /cost/estimate":            s.costEstimate,
		"POST /spend/calculate":          s.spendCalculate,

		"GET /global/spend":               plain(s.Reports.Spend),
		"GET /global/spend/logs":          s.globalSpendLogs,
		"GET /global/spend/keys":          s.globalSpendKeys,
		"GET /global/spend/models":        s.globalSpendModels,
		"GET /global/spend/provider":      ranged(s.Reports.Providers),
		"GET /global/spend/teams":         s.globalSpendTeams,
		"GET /global/spend/tags":          s.globalSpendTags,
		"GET /global/spend/all_tag_names": s.globalTagNames,
		"GET /global/spend/report":        s.globalSpendReport,
		"POST /global/spend/end_users":    s.globalSpendCustomers,
		"POST /global/spend/refresh":      globalSpendRefresh,
		"POST /global/spend/reset":        s.globalSpendReset,

		"GET /global/activity":                       ranged(s.Reports.Requests),
		"GET /global/activity/model":                 ranged(s.Reports.RequestsByModel),
		"GET /global/activity/cache_hits":            ranged(s.Reports.CacheHits),
		"GET /global/activity/exceptions":            s.globalExceptions,
		"GET /global/activity/exceptions/deployment": s.globalExceptions,
		"GET /provider/budgets":                      s.providerBudgets,
		"GET /user/daily/activity/aggregated":        s.aggregatedActivity,
	}
	for path, of := range map[string]report.Entity{
		"/user": report.Users, "/team": report.Teams, "/tag": report.Tags, "/organization": report.Organizations,
		"/customer": report.Customers, "/end_user": report.Customers, "/agent": report.Agents,
	} {
		all["GET "+path+"/daily/activity"] = s.activity(of)
	}
	return all
}

func (s *server) spendKeys(c echo.Context) error {
	out, err := s.Keys.List(c.Request().Context(), callerOf(c), key.ListQuery{Page: 1, Size: mostListed, SortBy: "spend", SortOrder: "desc", Full: true})
	return reply(c, out.Keys, err)
}

func (s *server) spendUsers(c echo.Context) error {
	out, err := s.Reports.Users(c.Request().Context(), callerOf(c), optional(c, "user_id"))
	return reply(c, out, err)
}

// spendLogs answers with days when it is given dates, and with rows else.
func (s *server) spendLogs(c echo.Context) error {
	after, err := date(c, "start_date")
	if err != nil {
		return err
	}
	before, err := date(c, "end_date")
	if err != nil {
		return err
	}
	request, token, user := optional(c, "request_id"), optional(c, "api_key"), optional(c, "user_id")
	if after != nil && before != nil && request == nil && c.QueryParam("summarize") != "false" {
		r, err := report.Between(c.QueryParam("start_date"), c.QueryParam("end_date"))
		if err != nil {
			return err
		}
		out, err := s.Reports.Summary(c.Request().Context(), callerOf(c), r, user, token)
		return reply(c, out, err)
	}
	out, err := s.Spend.Logs(c.Request().Context(), callerOf(c), spend.Query{
		RequestID: request, APIKey: token, UserID: user, After: after, Before: endOf(c, before),
	})
	return reply(c, out, err)
}

// endOf includes the day of an end that is a date.
func endOf(c echo.Context, end *time.Time) *time.Time {
	if end == nil || len(c.QueryParam("end_date")) != len(time.DateOnly) {
		return end
	}
	next := end.AddDate(0, 0, 1)
	return &next
}

func (s *server) spendPage(c echo.Context) error {
	after, err := date(c, "start_date")
	if err != nil {
		return err
	}
	before, err := date(c, "end_date")
	if err != nil {
		return err
	}
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "page_size", 50, 1, 1000)
	if err != nil {
		return err
	}
	q := spend.PageQuery{
		After: after, Before: endOf(c, before), Page: page, Size: size, APIKey: optional(c, "api_key"), UserID: optional(c, "user_id"),
		RequestID: optional(c, "request_id"), TeamID: optional(c, "team_id"), EndUser: optional(c, "end_user"), KeyAlias: optional(c, "key_alias"), SessionID: optional(c, "session_id"),
		Model: optional(c, "model"), ModelID: optional(c, "model_id"), ModelGroup: optional(c, "model_group"), Status: optional(c, "status_filter"),
		SortBy: c.QueryParam("sort_by"), SortOrder: c.QueryParam("sort_order"),
	}
	if q.MinSpend, err = amount(c, "min_spend"); err != nil {
		return err
	}
	if q.MaxSpend, err = amount(c, "max_spend"); err != nil {
		return err
	}
	if optional(c, "error_code") != nil {
		status, err := number(c, "error_code", 0, 100, 599)
		if err != nil {
			return err
		}
		q.HTTPStatus = &status
	}
	out, err := s.Spend.Page(c.Request().Context(), callerOf(c), &q)
	return reply(c, out, err)
}

func (s *server) spendTags(c echo.Context) error {
	q := report.TagQuery{Limit: mostListed}
	if c.QueryParam("start_date") != "" || c.QueryParam("end_date") != "" {
		var err error
		if q.Range, err = between(c); err != nil {
			return err
		}
	}
	out, err := s.Reports.IndividualTags(c.Request().Context(), callerOf(c), &q)
	return reply(c, out, err)
}

// spendExport streams a file; an error on the way ends it before its end.
func (s *server) spendExport(c echo.Context) error {
	if format := c.QueryParam("format"); format != "" && format != "focus" {
		return apierr.Detail(http.StatusBadRequest, "Invalid format %.40q: want focus", format)
	}
	r, err := between(c)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="focus.csv"`)
	return s.Reports.Focus(c.Request().Context(), c.Response(), r)
}

func (s *server) providerBudgets(c echo.Context) error {
	out, err := s.Reports.ProviderBudgets(c.Request().Context())
	return reply(c, out, err)
}

// activity answers with a page of daily activity.
func (s *server) activity(of report.Entity) echo.HandlerFunc {
	ids := [...]string{report.Users: "", report.Teams: "team_ids", report.Tags: "tags", report.Organizations: "organization_ids", report.Customers: "end_user_ids", report.Agents: "agent_ids"}[of]
	return func(c echo.Context) error {
		q, err := activityQuery(c, of)
		if err != nil {
			return err
		}
		if ids != "" {
			q.IDs, q.Excluded = list(c, ids), list(c, "exclude_"+ids)
		}
		if q.Page, err = number(c, "page", 1, 1, maxPage); err != nil {
			return err
		}
		if q.Size, err = number(c, "page_size", 50, 1, 1000); err != nil {
			return err
		}
		out, err := s.Reports.Activity(c.Request().Context(), callerOf(c), q)
		return reply(c, out, err)
	}
}

func (s *server) aggregatedActivity(c echo.Context) error {
	q, err := activityQuery(c, report.Users)
	if err != nil {
		return err
	}
	out, err := s.Reports.Aggregated(c.Request().Context(), callerOf(c), q)
	return reply(c, out, err)
}

func activityQuery(c echo.Context, of report.Entity) (*report.ActivityQuery, error) {
	r, err := between(c)
	if err != nil {
		return nil, err
	}
	return &report.ActivityQuery{Range: r, Of: of, User: optional(c, "user_id"), Key: optional(c, "api_key"), Model: optional(c, "model")}, nil
}

func between(c echo.Context) (report.Range, error) {
	return report.Between(c.QueryParam("start_date"), c.QueryParam("end_date"))
}

// list reads a query parameter of names with commas between them.
func list(c echo.Context, name string) []string {
	v := c.QueryParam(name)
	if v == "" {
		return nil
	}
	return strings.Split(v, ",")
}
