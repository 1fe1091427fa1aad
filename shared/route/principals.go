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
	add(Master, http.MethodPost, "/budget", "/new", "/update", "/info", "/delete")
	add(Master, http.MethodGet, "/budget", "/settings", "/list")
	for _, prefix := range []string{"/customer", "/end_user"} {
		add(Master, http.MethodPost, prefix, "/new", "/update", "/delete", "/block", "/unblock")
		add(Master, http.MethodGet, prefix, "/info", "/list")
	}
	add(Master, http.MethodPost, "/organization", "/new", "/info", "/member_add")
	add(Master, http.MethodPatch, "/organization", "/update", "/member_update")
	add(Master, http.MethodDelete, "/organization", "/delete", "/member_delete")
	add(AnyKey, http.MethodGet, "/organization", "/list", "/info") // the own
	add(Master, http.MethodPost, "/tag", "/new", "/update", "/info", "/delete")
	add(Master, http.MethodGet, "/tag", "/list")
	add(Master, http.MethodPost, "/team", "/update", "/member_add", "/member_update", "/member_delete")
	return all
}
