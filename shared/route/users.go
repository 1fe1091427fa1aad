package route

import "net/http"

// users are the routes that manage internal users, beside making one, and by
// which people come in.
func users() []Route {
	var all []Route
	add := func(access Access, method string, paths ...string) {
		for _, p := range paths {
			all = append(all, Route{method, p, Control, access})
		}
	}
	add(AnyKey, http.MethodPost, "/user/update", "/user/get_users") // the own; those of whom one is an admin
	add(AnyKey, http.MethodGet, "/user/list", "/user/get_users", "/v2/user/info", "/user/available_roles", "/user/filter/ui")
	add(Admin, http.MethodPost, "/user/bulk_update")
	add(Admin, http.MethodGet, "/user/available_users")
	add(Org, http.MethodPost, "/user/delete")
	add(AnyKey, http.MethodPost, "/invitation/new", "/invitation/update", "/invitation/delete") // for those of whom one is an admin
	add(AnyKey, http.MethodGet, "/invitation/info")
	add(Public, http.MethodGet, "/onboarding/get_token")
	add(Public, http.MethodPost, "/onboarding/claim_token", "/v2/login")
	return all
}
