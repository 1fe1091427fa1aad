package contract_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

const spendConfig = `
model_list:
- {model_name: mock, litellm_params: {model: mock/echo, input_cost_per_token: 1.0e-3, output_cost_per_token: 2.0e-3}, model_info: {id: the-mock}}
router_settings: {provider_budget_config: {mock: {budget_limit: 100000, time_period: 1d}}}
litellm_settings: {max_budget: 500000, budget_duration: 30d}
general_settings: {maximum_spend_logs_retention_period: 30d}
`

// spenders is an installation in which something was spent.
type spenders struct {
	*stack.Stack

	key, hash, user, team string
	usd                   float64 // of both calls
	days                  string  // a query: yesterday and today
	today                 string
}

func spent(t *testing.T) *spenders {
	t.Helper()
	s := &spenders{Stack: stack.Start(t, stack.Options{Config: spendConfig})}
	s.user = s.NewUser(t, map[string]any{"user_id": "ann", "user_email": "ann@example.com"})
	s.team = s.NewTeam(t, map[string]any{"team_id": "t1", "team_alias": "The Team"})
	s.key = s.NewKey(t, map[string]any{"user_id": s.user, "team_id": s.team, "key_alias": "ann-key", "agent_id": "a1", "metadata": map[string]any{"tags": []string{"blue", "red"}}})
	s.hash = ident.HashKey(s.key)
	for range 2 {
		s.Client(s.key).Post(t, chatPath, `{"model":"mock","user":"carl","messages":[{"role":"user","content":"Hello"}]}`).OK(t)
	}
	for _, r := range s.WaitBooked(t, s.key, 2) {
		s.usd += float64(r.SpendNano) / 1e9
	}
	require.Positive(t, s.usd)
	now := time.Now().UTC()
	s.today = now.Format(time.DateOnly)
	s.days = "start_date=" + now.AddDate(0, 0, -1).Format(time.DateOnly) + "&end_date=" + s.today
	return s
}

// list asks for an array.
func (s *spenders) list(t *testing.T, path string) (all []any) {
	t.Helper()
	r := s.Master().Get(t, path)
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.NoError(t, json.Unmarshal(r.Body, &all), "%s", r.Body)
	return all
}

func (s *spenders) one(t *testing.T, path string) map[string]any {
	t.Helper()
	all := s.list(t, path)
	require.Len(t, all, 1, "%v", all)
	object, ok := all[0].(map[string]any)
	require.True(t, ok)
	return object
}

func metrics() shape {
	return shape{
		"spend": "number", "prompt_tokens": "number", "completion_tokens": "number", "cache_read_input_tokens": "number", "total_tokens": "number",
		"cache_creation_input_tokens": "number", "successful_requests": "number", "failed_requests": "number", "api_requests": "number",
	}
}

func TestSpend_daily_activity(t *testing.T) {
	t.Parallel()
	s := spent(t)
	for path, entity := range map[string]string{
		"/user": s.user, "/team": s.team, "/tag": "blue", "/customer": "carl", "/end_user": "carl", "/agent": "a1", "/user/daily/activity/aggregated": s.user,
	} {
		if !strings.HasSuffix(path, "aggregated") {
			path += "/daily/activity"
		}
		reply := s.Master().Get(t, path+"?"+s.days).OK(t)
		meta := shape{
			"total_spend": "number", "total_prompt_tokens": "number", "total_completion_tokens": "number", "total_tokens": "number",
			"total_api_requests": "number", "total_successful_requests": "number", "total_failed_requests": "number",
			"total_cache_read_input_tokens": "number", "total_cache_creation_input_tokens": "number", "page": "number", "total_pages": "number", "has_more": "bool",
		}.check(t, reply["metadata"])
		times := 1.0
		if path == "/tag/daily/activity" {
			times = 2
		}
		require.InDelta(t, s.usd*times, meta["total_spend"], 1e-9, path)
		results, _ := reply["results"].([]any)
		require.Len(t, results, 1, path)
		day := shape{"date": "string", "metrics": "object", "breakdown": "object"}.check(t, results[0])
		require.Equal(t, s.today, day["date"])
		require.InDelta(t, 2*times, metrics().check(t, day["metrics"])["api_requests"], 0)
		b := shape{
			"mcp_servers": "object", "models": "object", "model_groups": "object", "providers": "object", "endpoints": "object", "api_keys": "object", "entities": "object",
		}.check(t, day["breakdown"])
		for group, name := range map[string]string{"models": "echo", "model_groups": "mock", "providers": "mock", "endpoints": "/chat/completions", "entities": entity} {
			parts, _ := b[group].(map[string]any)
			require.Contains(t, parts, name, "%s of %s", group, path)
			part := shape{"metrics": "object", "metadata": "object", "api_key_breakdown": "object"}.check(t, parts[name])
			metrics().check(t, part["metrics"])
			keys, _ := part["api_key_breakdown"].(map[string]any)
			key := shape{"metrics": "object", "metadata": "object"}.check(t, keys[s.hash])
			require.Equal(t, map[string]any{"key_alias": "ann-key", "team_id": s.team}, key["metadata"])
		}
		for _, bad := range []string{"", "?start_date=2026-01-01", "?start_date=x&end_date=y", "?start_date=2026-01-02&end_date=2026-01-01", "?start_date=2020-01-01&end_date=2026-01-01"} {
			require.Equal(t, http.StatusBadRequest, s.Master().Get(t, path+bad).Status, path+bad)
		}
	}
	require.Empty(t, s.Master().Get(t, "/organization/daily/activity?"+s.days).OK(t)["results"])
	require.Empty(t, s.Master().Get(t, "/team/daily/activity?team_ids=other&"+s.days).OK(t)["results"])
	require.Empty(t, s.Master().Get(t, "/team/daily/activity?exclude_team_ids=t1&"+s.days).OK(t)["results"])
	require.Len(t, s.Master().Get(t, "/team/daily/activity?team_ids=t1,t2&"+s.days).OK(t)["results"], 1)
	require.Equal(t, http.StatusUnprocessableEntity, s.Master().Get(t, "/user/daily/activity?page_size=1001&"+s.days).Status)
}

func TestSpend_logs(t *testing.T) {
	t.Parallel()
	s := spent(t)
	day := s.one(t, "/spend/logs?"+s.days)
	require.Equal(t, s.today, day["startTime"])
	for path, got := range map[string]any{"spend": day["spend"], "key": day[s.hash]} {
		require.InDelta(t, s.usd, got, 1e-9, path)
	}
	require.InDelta(t, s.usd, day["users"].(map[string]any)[s.user], 1e-9)
	require.InDelta(t, s.usd, day["models"].(map[string]any)["echo"], 1e-9)
	require.Len(t, s.list(t, "/spend/logs?summarize=false&"+s.days), 2)
	rows := s.list(t, "/spend/logs?api_key="+s.key)
	require.Len(t, rows, 2)
	row, _ := rows[0].(map[string]any)
	require.Equal(t, []any{"blue", "red"}, row["request_tags"])
	id, _ := row["request_id"].(string)
	require.Equal(t, id, s.one(t, "/spend/logs?request_id="+id)["request_id"])

	v2 := "/spend/logs/v2?start_date=" + url.QueryEscape(s.today+" 00:00:00") + "&end_date=" + url.QueryEscape(s.today+" 23:59:59")
	paged := shape{"data": "array", "total": "number", "page": "number", "page_size": "number", "total_pages": "number", "total_is_capped": "bool"}
	for query, want := range map[string]int{
		"": 2, "&api_key=" + s.hash: 2, "&user_id=ann": 2, "&user_id=bob": 0, "&team_id=t1": 2, "&end_user=carl": 2, "&model=echo": 2, "&model_id=the-mock": 2,
		"&model_group=mock": 2, "&status_filter=failure": 0, "&status_filter=success": 2, "&key_alias=ann-key": 2, "&min_spend=1000": 0, "&max_spend=1000": 2,
		"&request_id=" + id: 1, "&error_code=429": 0, "&sort_by=spend&sort_order=asc": 2,
	} {
		reply := paged.check(t, s.Master().Get(t, v2+query).OK(t))
		require.Len(t, reply["data"], want, query)
		require.InDelta(t, want, reply["total"], 0, query)
	}
	refusal{http.StatusBadRequest, "bad_request", "None", "Start date and end date are required"}.check(t, s.Master().Get(t, "/spend/logs/v2"))
	require.Equal(t, http.StatusBadRequest, s.Master().Get(t, v2+"&sort_by=api_key").Status)

	keys := s.list(t, "/spend/keys")
	require.Len(t, keys, 1)
	listedKey().check(t, keys[0])
	users := s.list(t, "/spend/users?user_id=ann")
	require.InDelta(t, s.usd, users[0].(map[string]any)["spend"], 1e-9)
	for _, tag := range s.list(t, "/spend/tags?"+s.days) {
		got := shape{"individual_request_tag": "string", "log_count": "number", "total_spend": "number"}.check(t, tag)
		require.InDelta(t, s.usd, got["total_spend"], 1e-9)
	}
}

func TestSpend_global(t *testing.T) {
	t.Parallel()
	s := spent(t)
	global := s.Master().Get(t, "/global/spend").OK(t)
	require.InDelta(t, s.usd, global["spend"], 1e-9)
	require.InDelta(t, 500000, global["max_budget"], 0)
	require.InDelta(t, s.usd, s.one(t, "/global/spend/logs")["spend"], 1e-9)
	require.InDelta(t, s.usd, s.one(t, "/global/spend/logs?api_key="+s.key)["spend"], 1e-9)
	key := shape{"api_key": "string", "key_alias": "string?", "key_name": "string?", "total_spend": "number"}.check(t, s.one(t, "/global/spend/keys"))
	require.Equal(t, "ann-key", key["key_alias"])
	require.InDelta(t, s.usd, shape{"model": "string", "total_spend": "number"}.check(t, s.one(t, "/global/spend/models"))["total_spend"], 1e-9)
	require.InDelta(t, s.usd, shape{"provider": "string", "spend": "number"}.check(t, s.one(t, "/global/spend/provider?"+s.days))["spend"], 1e-9)

	teams := shape{"daily_spend": "array", "teams": "array", "total_spend_per_team": "array"}.check(t, s.Master().Get(t, "/global/spend/teams").OK(t))
	require.Equal(t, []any{"The Team"}, teams["teams"])
	day, _ := teams["daily_spend"].([]any)
	require.Equal(t, s.today, day[0].(map[string]any)["date"])
	require.Contains(t, day[0], "The Team")

	tags, _ := s.Master().Get(t, "/global/spend/tags?tags=blue&"+s.days).OK(t)["spend_per_tag"].([]any)
	require.Len(t, tags, 1)
	require.InDelta(t, 2, shape{"name": "string", "spend": "number", "log_count": "number"}.check(t, tags[0])["log_count"], 0)
	require.Equal(t, []any{"blue", "red"}, s.Master().Get(t, "/global/spend/all_tag_names").OK(t)["tag_names"])

	var customers []any
	require.NoError(t, json.Unmarshal(s.Master().Post(t, "/global/spend/end_users", `{}`).Body, &customers))
	require.InDelta(t, s.usd, shape{"end_user": "string", "total_count": "number", "total_spend": "number"}.check(t, customers[0])["total_spend"], 1e-9)

	detail := shape{"model": "string", "api_key": "string", "spend": "number", "total_tokens": "number"}
	byTeam := s.one(t, "/global/spend/report?"+s.days)
	team := shape{"team_name": "string", "total_spend": "number", "metadata": "array"}.check(t, byTeam["teams"].([]any)[0])
	require.Equal(t, "The Team", team["team_name"])
	detail.check(t, team["metadata"].([]any)[0])
	byCustomer := s.one(t, "/global/spend/report?group_by=customer&team_id=t1&"+s.days)
	detail.check(t, shape{"customer": "string", "total_spend": "number", "metadata": "array"}.check(t, byCustomer["customers"].([]any)[0])["metadata"].([]any)[0])
	byKey := shape{"api_key": "string", "total_cost": "number", "total_input_tokens": "number", "total_output_tokens": "number", "model_details": "array"}.
		check(t, s.one(t, "/global/spend/report?group_by=api_key&"+s.days))
	shape{"model": "string", "total_cost": "number", "total_input_tokens": "number", "total_output_tokens": "number"}.check(t, byKey["model_details"].([]any)[0])
	checkError(t, s.Master().Get(t, "/global/spend/report?group_by=x&"+s.days), http.StatusBadRequest, `Invalid group_by "x": want team, customer or api_key`)

	chart := shape{"daily_data": "array", "sum_api_requests": "number", "sum_total_tokens": "number"}
	activity := chart.check(t, s.Master().Get(t, "/global/activity?"+s.days).OK(t))
	require.InDelta(t, 2, activity["sum_api_requests"], 0)
	point := shape{"date": "string", "api_requests": "number", "total_tokens": "number"}
	require.Regexp(t, `^[A-Z][a-z]{2} \d\d$`, point.check(t, activity["daily_data"].([]any)[0])["date"])
	byModel := chart.with(shape{"model": "string"}).check(t, s.one(t, "/global/activity/model?"+s.days))
	point.with(shape{"model_group": "string"}).check(t, byModel["daily_data"].([]any)[0])
	hits := shape{
		"api_key": "string", "call_type": "string", "model": "string", "total_rows": "number", "cache_hit_true_rows": "number",
		"cached_completion_tokens": "number", "generated_completion_tokens": "number",
	}.check(t, s.one(t, "/global/activity/cache_hits?"+s.days))
	require.Equal(t, "ann-key", hits["api_key"])
	limited := s.Master().Get(t, "/global/activity/exceptions?model_group=mock&"+s.days).OK(t)
	shape{"daily_data": "array", "sum_num_rate_limit_exceptions": "number"}.check(t, limited)
	require.Equal(t, http.StatusUnprocessableEntity, s.Master().Get(t, "/global/activity/exceptions?"+s.days).Status)
	require.Empty(t, s.list(t, "/global/activity/exceptions/deployment?model_group=mock&"+s.days))

	budgets, _ := s.Master().Get(t, "/provider/budgets").OK(t)["providers"].(map[string]any)
	provider := shape{"budget_limit": "number", "time_period": "string?", "spend": "number", "budget_reset_at": "time?"}.check(t, budgets["mock"])
	require.InDelta(t, s.usd, provider["spend"], 1e-9)

	exported := s.Master().Get(t, "/spend/export?format=focus&"+s.days)
	lines, err := csv.NewReader(strings.NewReader(string(exported.Body))).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 2)
	require.Equal(t, "BilledCost", lines[0][0])

	require.Equal(t, "success", s.Master().Post(t, "/global/spend/reset", "{}").OK(t)["status"])
	info, _ := s.Master().Get(t, "/key/info?key="+s.key).OK(t)["info"].(map[string]any)
	require.Zero(t, info["spend"])
	require.InDelta(t, s.usd, s.Master().Get(t, "/global/spend").OK(t)["spend"], 1e-9, "what was booked stays")
}

// What is spent by others is not shown to those who may not see it.
func TestSpend_of_others_is_hidden(t *testing.T) {
	t.Parallel()
	s := spent(t)
	bob := s.NewUser(t, map[string]any{"user_id": "bob", "user_role": "internal_user"})
	key := s.Client(s.NewKey(t, map[string]any{"user_id": bob, "team_id": s.team}))
	for _, path := range []string{
		"/spend/logs?" + s.days, "/spend/tags?" + s.days, "/global/spend/logs", "/global/spend/keys", "/global/spend/models", "/global/spend/provider?" + s.days,
		"/global/activity/model?" + s.days, "/global/activity/cache_hits?" + s.days, "/global/spend/report?" + s.days,
	} {
		require.Equal(t, "[]", strings.TrimSpace(string(key.Get(t, path).Body)), path)
	}
	for _, path := range []string{"/user", "/team", "/tag", "/customer"} {
		require.Empty(t, key.Get(t, path+"/daily/activity?"+s.days).OK(t)["results"], path)
	}
	require.Zero(t, key.Get(t, "/global/spend").OK(t)["spend"])
	require.Zero(t, key.Get(t, "/global/activity?"+s.days).OK(t)["sum_api_requests"])
	for _, path := range []string{"/spend/logs?user_id=ann", "/user/daily/activity?user_id=ann&" + s.days, "/spend/users?user_id=ann", "/global/spend/report?internal_user_id=ann&" + s.days} {
		require.Equal(t, http.StatusForbidden, key.Get(t, path).Status, path)
	}
}

// A stream that is as short as this goes out in one piece.
func TestSpend_logs_of_a_short_stream(t *testing.T) {
	t.Parallel()
	s := spent(t)
	answer := s.Client(s.key).Post(t, chatPath, `{"model":"mock","stream":true,"messages":[{"role":"user","content":"Hello"}]}`)
	require.Equal(t, http.StatusOK, answer.Status)
	s.WaitBooked(t, s.key, 3)
	streams := 0
	for _, row := range s.list(t, "/spend/logs?api_key="+s.key) {
		row := row.(map[string]any)
		require.Equal(t, "a1", row["agent_id"])
		first, ok := row["completionStartTime"].(string)
		if !ok {
			continue
		}
		streams++
		require.LessOrEqual(t, row["startTime"], first)
		require.LessOrEqual(t, first, row["endTime"])
	}
	require.Equal(t, 1, streams)
}
