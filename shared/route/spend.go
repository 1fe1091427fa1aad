package route

import "net/http"

// spending are the routes that show what was spent, and on what.
func spending() []Route {
	var all []Route
	add := func(access Access, method string, paths ...string) {
		for _, p := range paths {
			all = append(all, Route{method, p, Control, access})
		}
	}
	add(AnyKey, http.MethodPost, "/spend/calculate", "/cost/estimate")
	add(AnyKey, http.MethodGet, "/spend/logs", "/user/daily/activity", "/user/daily/activity/aggregated", "/team/daily/activity") // the own
	add(Spend, http.MethodGet, "/spend/keys", "/spend/users", "/spend/tags", "/spend/logs/v2", "/spend/logs/ui", "/spend/logs/ui/:request_id",
		"/spend/logs/session/ui")
	add(Spend, http.MethodGet, "/global/spend", "/global/spend/logs", "/global/spend/keys", "/global/spend/models", "/global/spend/provider",
		"/global/spend/tags", "/global/spend/report")
	add(Spend, http.MethodPost, "/global/spend/end_users")
	add(Spend, http.MethodGet, "/global/activity", "/global/activity/model", "/global/activity/cache_hits")
	add(Spend, http.MethodGet, "/tag/daily/activity", "/organization/daily/activity", "/customer/daily/activity", "/end_user/daily/activity",
		"/agent/daily/activity")
	add(Admin, http.MethodGet, "/global/spend/teams", "/global/spend/all_tag_names", "/global/all_end_users", "/global/activity/exceptions",
		"/global/activity/exceptions/deployment", "/provider/budgets", "/spend/export")
	add(Admin, http.MethodPost, "/global/spend/refresh")
	add(MasterOnly, http.MethodPost, "/global/spend/reset")
	return all
}
