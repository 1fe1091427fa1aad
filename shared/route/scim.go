package route

import "net/http"

// provisioning are the routes by which an identity provider keeps users and
// teams (SCIM 2.0).
func provisioning() []Route {
	var all []Route
	add := func(method string, paths ...string) {
		for _, p := range paths {
			all = append(all, Route{method, "/scim/v2" + p, Control, Provision})
		}
	}
	add(http.MethodGet, "/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/:id", "/Schemas", "/Schemas/:id")
	for _, p := range []string{"/Users", "/Groups"} {
		add(http.MethodGet, p, p+"/:id")
		add(http.MethodPost, p)
		add(http.MethodPut, p+"/:id")
		add(http.MethodPatch, p+"/:id")
		add(http.MethodDelete, p+"/:id")
	}
	return all
}
