package transport

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
)

// principals are the handlers of budgets, customers, organisations, tags and
// members of teams.
func (s *server) principals() map[string]echo.HandlerFunc {
	all := map[string]echo.HandlerFunc{
		"POST /budget/new":     with(s.Tiers.New),
		"POST /budget/update":  with(s.Tiers.Update),
		"POST /budget/info":    with(s.budgetInfo),
		"GET /budget/settings": s.budgetSettings,
		"GET /budget/list":     plain(s.Tiers.List),
		"POST /budget/delete":  with(s.budgetDelete),

		"POST /organization/new":             with(s.Organizations.New),
		"PATCH /organization/update":         with(s.Organizations.Update),
		"DELETE /organization/delete":        with(s.organizationDelete),
		"GET /organization/list":             s.organizationList,
		"GET /organization/info":             s.organizationInfo,
		"POST /organization/info":            with(s.organizationInfos),
		"POST /organization/member_add":      with(s.Organizations.AddMembers),
		"PATCH /organization/member_update":  with(s.Organizations.UpdateMember),
		"DELETE /organization/member_delete": with(s.Organizations.DeleteMember),

		"POST /tag/new":    with(s.Tags.New),
		"POST /tag/update": with(s.Tags.Update),
		"POST /tag/info":   with(s.tagInfo),
		"GET /tag/list":    plain(s.Tags.List),
		"POST /tag/delete": with(s.tagDelete),

		"POST /team/update":        with(s.Teams.Update),
		"POST /team/member_add":    with(s.Teams.AddMembers),
		"POST /team/member_update": with(s.Teams.UpdateMember),
		"POST /team/member_delete": with(s.Teams.DeleteMember),
	}
	for _, prefix := range []string{"/customer", "/end_user"} {
		all["POST "+prefix+"/new"] = with(s.Customers.New)
		all["POST "+prefix+"/update"] = with(s.Customers.Update)
		all["POST "+prefix+"/delete"] = with(s.customerDelete)
		all["POST "+prefix+"/block"] = with(s.customerBlock)
		all["POST "+prefix+"/unblock"] = with(s.customerUnblock)
		all["GET "+prefix+"/info"] = s.customerInfo
		all["GET "+prefix+"/list"] = plain(s.Customers.List)
	}
	return all
}

// with decodes a body and answers with what a service makes of it.
func with[Request, Reply any](serve func(context.Context, caller.Caller, *Request) (Reply, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		var r Request
		if err := decode(c, &r); err != nil {
			return err
		}
		out, err := serve(c.Request().Context(), callerOf(c), &r)
		return reply(c, out, err)
	}
}

// plain answers with what a service says without being asked anything.
func plain[Reply any](serve func(context.Context, caller.Caller) (Reply, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		out, err := serve(c.Request().Context(), callerOf(c))
		return reply(c, out, err)
	}
}
