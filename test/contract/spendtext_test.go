package contract_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

func TestCost_estimate(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: spendConfig})
	got := s.Master().Post(t, "/cost/estimate", `{"model":"mock","input_tokens":10,"output_tokens":5,"num_requests_per_day":100}`).OK(t)
	shape{
		"model": "string", "input_tokens": "number", "output_tokens": "number", "num_requests_per_day": "number", "num_requests_per_month": "number?",
		"cost_per_request": "number", "input_cost_per_request": "number", "output_cost_per_request": "number", "margin_cost_per_request": "number",
		"daily_cost": "number?", "daily_input_cost": "number?", "daily_output_cost": "number?", "daily_margin_cost": "number?",
		"monthly_cost": "number?", "monthly_input_cost": "number?", "monthly_output_cost": "number?", "monthly_margin_cost": "number?",
		"input_cost_per_token": "number?", "output_cost_per_token": "number?", "provider": "string?",
	}.check(t, got)
	for name, want := range map[string]float64{
		"cost_per_request": 0.02, "input_cost_per_request": 0.01, "output_cost_per_request": 0.01, "daily_cost": 2, "daily_margin_cost": 0,
		"input_cost_per_token": 1e-3, "output_cost_per_token": 2e-3,
	} {
		require.InDelta(t, want, got[name], 1e-12, name)
	}
	require.Nil(t, got["monthly_cost"])
	require.Equal(t, "mock", got["provider"])
	for body, status := range map[string]int{
		`{"model":"mock","input_tokens":-1}`: http.StatusUnprocessableEntity, `{}`: http.StatusUnprocessableEntity, `{"model":7}`: http.StatusUnprocessableEntity,
		`{"model":"mock","num_requests_per_month":-5}`: http.StatusUnprocessableEntity, `{"model":"nobody-has-this"}`: http.StatusBadRequest,
		`{"model":"mock","output_tokens":1e30}`: http.StatusUnprocessableEntity,
	} {
		require.Equal(t, status, s.Master().Post(t, "/cost/estimate", body).Status, body)
	}
}

func TestSpend_texts_and_customers(t *testing.T) {
	t.Parallel()
	s := spent(t)
	require.Equal(t, []any{"carl"}, s.Master().Get(t, "/global/all_end_users").OK(t)["end_users"])
	rows := s.list(t, "/spend/logs?api_key="+s.key)
	row, _ := rows[0].(map[string]any)
	meta := shape{
		"user_api_key": "string", "user_api_key_user_id": "string?", "user_api_key_team_id": "string?", "user_api_key_org_id": "string?",
		"requester_ip_address": "string?", "status": "string", "attempted_retries": "number", "attempted_fallbacks": "number", "error_information": "object?",
		"additional_usage_values": "object",
	}.check(t, row["metadata"])
	require.Equal(t, s.hash, meta["user_api_key"])
	require.Equal(t, s.team, meta["user_api_key_team_id"])
	require.Nil(t, meta["error_information"])
	for _, name := range []string{"messages", "response", "proxy_server_request"} {
		require.Equal(t, map[string]any{}, row[name], "nothing is kept here")
	}
	// Of this request no text was kept, and of others there is none.
	for _, id := range []string{text(t, row, "request_id"), "unknown", "019a0000-0000-7000-8000-000000000000", strings.Repeat("x", 900)} {
		r := s.Master().Get(t, "/spend/logs/ui/"+url.PathEscape(id))
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		require.Equal(t, "null", strings.TrimSpace(string(r.Body)))
	}
}

// Requests that a client calls one session are found together.
func TestSpend_sessions(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: spendConfig})
	key, other := s.NewKey(t, map[string]any{"user_id": "ann"}), s.NewKey(t, map[string]any{"user_id": "bob"})
	s.Client(key).With("x-litellm-session-id", "the session").Post(t, chatPath, hello("mock"))
	s.Client(key).With("x-litellm-session-id", "s1").Post(t, chatPath, hello("mock")).OK(t)
	body := hello("mock")
	body["litellm_session_id"] = "s1"
	s.Client(key).Post(t, chatPath, body).OK(t)
	s.Client(key).Post(t, chatPath, hello("mock")).OK(t)
	s.Client(other).With("x-litellm-trace-id", "s1").Post(t, chatPath, hello("mock")).OK(t)
	s.WaitBooked(t, key, 4)
	s.WaitBooked(t, other, 1)
	for who, want := range map[*stack.Client]int{s.Master(): 3, s.Client(key): 2, s.Client(other): 1} {
		got := who.Get(t, "/spend/logs/session/ui?session_id=s1").OK(t)
		shape{"data": "array", "total": "number", "page": "number", "page_size": "number", "total_pages": "number", "total_is_capped": "bool"}.check(t, got)
		require.Len(t, got["data"], want)
		require.Equal(t, "s1", got["data"].([]any)[0].(map[string]any)["session_id"])
		require.Len(t, who.Get(t, "/spend/logs/v2?start_date=2020-01-01&end_date=2100-01-01&session_id=s1").OK(t)["data"], want)
	}
	require.Equal(t, http.StatusUnprocessableEntity, s.Master().Get(t, "/spend/logs/session/ui").Status)
	require.Empty(t, s.Master().Get(t, "/spend/logs/session/ui?session_id=none").OK(t)["data"])
}
