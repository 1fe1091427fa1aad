package route

import "net/http"

// principals are the routes that manage whom limits are for, beside keys, teams
// and users.
func principals() []Route {
	var all []Route
	add := func(access Access, method, prefix string, paths ...string) {
		for _, p := range paths {
			all = append(all, Route{method, prefix + p, Control, access})
		}
	}
	add(Admin, http.MethodPost, "/budget", "/new", "/update", "/info", "/delete")
	add(Admin, http.MethodGet, "/budget", "/settings", "/list")
	for _, prefix := range []string{"/customer", "/end_user"} {
		add(Admin, http.MethodPost, prefix, "/new", "/update", "/delete", "/block", "/unblock")
		add(Admin, http.MethodGet, prefix, "/info", "/list")
	}
	add(Admin, http.MethodPost, "/organization", "/new")
	add(Org, http.MethodPost, "/organization", "/info", "/member_add")
	add(Admin, http.MethodPatch, "/organization", "/update")
	add(Org, http.MethodPatch, "/organization", "/member_update")
	add(Admin, http.MethodDelete, "/organization", "/delete")
	add(Org, http.MethodDelete, "/organization", "/member_delete")
	add(AnyKey, http.MethodGet, "/organization", "/list", "/info") // the own
	add(Admin, http.MethodPost, "/tag", "/new", "/update", "/info", "/delete")
	add(Admin, http.MethodGet, "/tag", "/list")
	add(Own, http.MethodPost, "/team", "/update", "/member_add", "/member_update", "/member_delete")
	return all
}
