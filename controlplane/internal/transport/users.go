package transport

import (
	"context"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
)

// users are the handlers of internal users.
func (s *server) users() map[string]echo.HandlerFunc {
	return map[string]echo.HandlerFunc{
		"POST /user/new":            with(s.Users.New),
		"GET /user/info":            s.userInfo,
		"GET /v2/user/info":         s.userProfile,
		"POST /user/update":         with(s.Users.Update),
		"POST /user/bulk_update":    with(s.Users.BulkUpdate),
		"POST /user/delete":         with(s.Users.Delete),
		"GET /user/list":            s.userList,
		"GET /user/get_users":       s.userList,
		"POST /user/get_users":      s.userList,
		"GET /user/filter/ui":       s.userSearch,
		"GET /user/available_users": plain(s.Users.Seats),
		"GET /user/available_roles": plain(func(context.Context, caller.Caller) (any, error) { return user.AvailableRoles(), nil }),
	}
}

func (s *server) userInfo(c echo.Context) error {
	out, err := s.Users.Info(c.Request().Context(), callerOf(c), literal(c, "user_id"))
	return reply(c, out, err)
}

func (s *server) userProfile(c echo.Context) error {
	out, err := s.Users.Profile(c.Request().Context(), callerOf(c), literal(c, "user_id"))
	return reply(c, out, err)
}

func (s *server) userList(c echo.Context) error {
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "page_size", 25, 1, 100)
	if err != nil {
		return err
	}
	out, err := s.Users.List(c.Request().Context(), callerOf(c), &user.ListQuery{
		Page: page, Size: size, Role: optional(c, "role"), Email: optional(c, "user_email"), Team: optional(c, "team"),
		IDs: commas(c, "user_ids"), SSOIDs: commas(c, "sso_user_ids"), Orgs: commas(c, "organization_ids"),
		SortBy: c.QueryParam("sort_by"), SortOrder: strings.ToLower(c.QueryParam("sort_order")),
	})
	return reply(c, out, err)
}

func (s *server) userSearch(c echo.Context) error {
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "page_size", 50, 1, 100)
	if err != nil {
		return err
	}
	out, err := s.Users.Search(c.Request().Context(), callerOf(c), &user.SearchQuery{
		Page: page, Size: size, ID: optional(c, "user_id"), Email: optional(c, "user_email"), Team: optional(c, "team_id"),
	})
	return reply(c, out, err)
}

// literal is a query parameter in which a plus is one: ids are often addresses
// such as a+b@example.com.
func literal(c echo.Context, name string) string {
	for pair := range strings.SplitSeq(c.Request().URL.RawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key != name {
			continue
		}
		if text, err := url.PathUnescape(value); err == nil {
			return text
		}
	}
	return c.QueryParam(name)
}

// commas is a query parameter that is a list, nil when there is nothing in it.
func commas(c echo.Context, name string) []string {
	var all []string
	for item := range strings.SplitSeq(c.QueryParam(name), ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}
