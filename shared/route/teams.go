package route

import "net/http"

// teams are the routes of teams beside making, changing and showing one.
func teams() []Route {
	var all []Route
	add := func(access Access, method string, paths ...string) {
		for _, p := range paths {
			all = append(all, Route{method, p, Control, access})
		}
	}
	add(AnyKey, http.MethodGet, "/v2/team/list", "/team/available", "/team/filter/ui", "/team/permissions_list", "/team/metadata_schema",
		"/team/:team_id/members/me", "/team/:team_id/callback") // the own
	add(Own, http.MethodPost, "/team/delete", "/team/block", "/team/unblock", "/team/model/add", "/team/model/delete", "/team/permissions_update",
		"/team/bulk_member_add", "/team/:team_id/callback", "/team/:team_id/disable_logging", "/team/:team_id/reset_spend")
	add(Own, http.MethodDelete, "/team/:team_id/callback/:callback_name")
	add(Admin, http.MethodPost, "/team/permissions_bulk_update")
	return all
}
