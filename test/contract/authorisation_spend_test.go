package contract_test

import "net/http"

// spends is for routes that show what is spent: all of it, or the own.
var spends = statuses{401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 200}

// masterAlone is for routes that the master key alone may call.
var masterAlone = statuses{401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 200}

const someDays = "?start_date=2026-11-01&end_date=2026-11-30"

func addSpendRows(all map[string]row) {
	for _, path := range []string{"/user/daily/activity", "/user/daily/activity/aggregated", "/team/daily/activity"} {
		all["GET "+path] = row{anyKey, someDays, nil}
	}
	for _, path := range []string{"/spend/keys", "/spend/users", "/global/spend", "/global/spend/logs", "/global/spend/keys", "/global/spend/models"} {
		all["GET "+path] = row{spends, "", nil}
	}
	for _, path := range []string{
		"/spend/tags", "/spend/logs/v2", "/spend/logs/ui", "/global/spend/provider", "/global/spend/tags", "/global/spend/report", "/global/activity",
		"/global/activity/model", "/global/activity/cache_hits", "/tag/daily/activity", "/organization/daily/activity", "/customer/daily/activity",
		"/end_user/daily/activity", "/agent/daily/activity",
	} {
		all["GET "+path] = row{spends, someDays, nil}
	}
	all["GET /spend/logs/ui/:request_id"] = row{spends, "", nil}
	all["GET /spend/logs/session/ui"] = row{spends, "?session_id=none", nil}
	all["POST /cost/estimate"] = row{anyKey, "", func(*scene) any { return `{"model":"openai/gpt-4o","input_tokens":9,"output_tokens":9}` }}
	all["POST /global/spend/end_users"] = row{spends, "", nil}
	for path, query := range map[string]string{
		"/global/spend/teams": "", "/global/spend/all_tag_names": "", "/global/all_end_users": "", "/spend/export": someDays,
		"/global/activity/exceptions": someDays + "&model_group=mock", "/global/activity/exceptions/deployment": someDays + "&model_group=mock",
	} {
		all["GET "+path] = row{adminOnly, query, nil}
	}
	all["GET /provider/budgets"] = row{adminOnly.but(http.StatusInternalServerError), "", nil}
	all["POST /global/spend/refresh"] = row{adminOnly, "", nil}
	all["POST /global/spend/reset"] = row{masterAlone, "", nil}
}
