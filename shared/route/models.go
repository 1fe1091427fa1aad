package route

import "net/http"

// models are the routes that manage deployments, and what they share.
func models() []Route {
	var all []Route
	add := func(access Access, method string, paths ...string) {
		for _, p := range paths {
			all = append(all, Route{method, p, Control, access})
		}
	}
	add(Own, http.MethodPost, "/model/new", "/model/update", "/model/delete")
	add(Own, http.MethodPatch, "/model/:id/update")
	add(AnyKey, http.MethodGet, "/model/info", "/v1/model/info", "/v2/model/info", "/model_group/info", "/get/litellm_model_cost_map")
	add(Public, http.MethodGet, "/public/litellm_model_cost_map")
	add(Admin, http.MethodGet, "/model/metrics", "/model/streaming_metrics", "/model/metrics/slow_responses", "/model/metrics/exceptions", "/model/settings")
	add(Admin, http.MethodPost, "/reload/model_cost_map")

	add(Admin, http.MethodPost, "/credentials")
	add(Admin, http.MethodGet, "/credentials", "/credentials/by_name/*", "/credentials/by_model/:id")
	add(Admin, http.MethodPatch, "/credentials/*")
	add(Admin, http.MethodDelete, "/credentials/*")

	add(Admin, http.MethodPost, "/access_group/new")
	add(Admin, http.MethodGet, "/access_group/list", "/access_group/:id/info")
	add(Admin, http.MethodPut, "/access_group/:id/update")
	add(Admin, http.MethodDelete, "/access_group/:name/delete")
	for _, p := range []string{"/v1/access_group", "/v1/unified_access_group"} {
		add(Admin, http.MethodPost, p)
		add(Admin, http.MethodGet, p, p+"/:id")
		add(Admin, http.MethodPut, p+"/:id")
		add(Admin, http.MethodDelete, p+"/:id")
	}

	add(Admin, http.MethodPost, "/fallback")
	add(Admin, http.MethodGet, "/fallback/*")
	add(Admin, http.MethodDelete, "/fallback/*")
	return all
}
