package contract_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

// nestedBudget is a budget inside of those who use it.
func nestedBudget() shape {
	return shape{
		"budget_id": "string", "soft_budget": "number?", "max_budget": "number?", "max_parallel_requests": "number?", "tpm_limit": "number?",
		"rpm_limit": "number?", "model_max_budget": "object?", "budget_duration": "string?",
	}
}

func budgetRow() shape {
	return nestedBudget().with(shape{"budget_reset_at": "time?", "created_at": "time", "created_by": "string", "updated_at": "time", "updated_by": "string"})
}

func customerInfo() shape {
	return shape{
		"user_id": "string", "blocked": "bool", "alias": "string?", "spend": "number", "allowed_model_region": "string?", "default_model": "string?",
		"litellm_budget_table": "object?", "object_permission_id": "string?", "object_permission": "object?",
	}
}

func customerRow() shape { return customerInfo().with(shape{"budget_id": "string?"}) }

func orgRow() shape {
	return shape{
		"organization_id": "string", "organization_alias": "string", "budget_id": "string?", "spend": "number", "metadata": "object", "models": "array",
		"created_at": "time", "created_by": "string", "updated_at": "time", "updated_by": "string", "litellm_budget_table": "object?", "object_permission_id": "string?",
	}
}

func orgMember() shape {
	return shape{
		"user_id": "string", "organization_id": "string", "user_role": "string?", "spend": "number", "budget_id": "string?", "created_at": "time",
		"updated_at": "time", "user": "object?", "user_email": "string?", "litellm_budget_table": "object?",
	}
}

func tagView() shape {
	return shape{
		"name": "string", "description": "string?", "models": "array", "model_info": "object", "created_at": "time", "updated_at": "time", "created_by": "string?",
	}
}

// checkError holds FastAPI's envelope {"detail":{"error":message}}.
func checkError(t *testing.T, r stack.Reply, status int, message string) {
	t.Helper()
	require.Equal(t, status, r.Status, "%s", r.Body)
	var envelope map[string]map[string]string
	require.NoError(t, json.Unmarshal(r.Body, &envelope), "%s", r.Body)
	require.Equal(t, map[string]map[string]string{"detail": {"error": message}}, envelope)
}

// checkInvalid holds FastAPI's 422 about a member.
func checkInvalid(t *testing.T, r stack.Reply, typ, member string) {
	t.Helper()
	require.Equal(t, http.StatusUnprocessableEntity, r.Status, "%s", r.Body)
	var envelope struct {
		Detail []struct {
			Type, Msg string
			Loc       []string
		}
	}
	require.NoError(t, json.Unmarshal(r.Body, &envelope), "%s", r.Body)
	require.Len(t, envelope.Detail, 1)
	require.Equal(t, typ, envelope.Detail[0].Type, "%s", r.Body)
	require.Equal(t, member, envelope.Detail[0].Loc[len(envelope.Detail[0].Loc)-1], "%s", r.Body)
	require.NotEmpty(t, envelope.Detail[0].Msg)
}

func items(t *testing.T, list any) []map[string]any {
	t.Helper()
	all, ok := list.([]any)
	require.True(t, ok, "%T is no list", list)
	out := make([]map[string]any, len(all))
	for i, item := range all {
		out[i], _ = item.(map[string]any)
	}
	return out
}

// unique is an id that no other face has.
func unique() string { return "id " + ident.NewKey()[3:] }

const tooLong = 513

// ids that nobody can have, for every route that takes one.
func badIDs() map[string]string {
	return map[string]string{
		`"` + strings.Repeat("x", tooLong) + `"`: "string_too_long", `"a\u0000b"`: "value_error", `""`: "string_too_short", `7`: "string_type", `null`: "missing",
	}
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			made := budgetRow().check(t, admin.Post(t, "/budget/new", `{"max_budget":10.5,"soft_budget":8,"budget_duration":"30d","rpm_limit":5,"tpm_limit":"600",
				"max_parallel_requests":2,"model_max_budget":{"gpt-4o":{"budget_limit":"0.5","time_period":"1d"}}}`).OK(t))
			require.Regexp(t, `^[0-9a-f-]{36}$`, made["budget_id"])
			require.InDelta(t, 10.5, made["max_budget"], 0)
			require.InDelta(t, 600, made["tpm_limit"], 0)
			require.Contains(t, made["budget_reset_at"], "-01T00:00:00Z", "the first of the next month")
			require.Equal(t, "default_user_id", made["created_by"])

			id := unique()
			plain := budgetRow().check(t, admin.Post(t, "/budget/new", map[string]any{"budget_id": id}).OK(t))
			require.Nil(t, plain["max_budget"])
			require.Nil(t, plain["budget_reset_at"])
			checkError(t, admin.Post(t, "/budget/new", map[string]any{"budget_id": id}), http.StatusBadRequest, "Budget with id '"+id+"' already exists.")
			changed := budgetRow().check(t, admin.Post(t, "/budget/update", map[string]any{"budget_id": id, "max_budget": 3}).OK(t))
			require.InDelta(t, 3, changed["max_budget"], 0)
			require.Nil(t, changed["rpm_limit"])
			cleared := admin.Post(t, "/budget/update", map[string]any{"budget_id": id, "max_budget": nil, "rpm_limit": 1}).OK(t)
			require.Nil(t, cleared["max_budget"])

			var list []map[string]any
			decode(t, admin.Post(t, "/budget/info", map[string]any{"budgets": []string{id, "nothing"}}), &list)
			require.Len(t, list, 1)
			require.Equal(t, id, budgetRow().check(t, any(list[0]))["budget_id"])
			decode(t, admin.Get(t, "/budget/list"), &list)
			require.GreaterOrEqual(t, len(list), 2)
			budgetSettings(t, admin, id)

			deleted := budgetRow().check(t, admin.Post(t, "/budget/delete", map[string]any{"id": id}).OK(t))
			require.Equal(t, id, deleted["budget_id"])
			checkError(t, admin.Post(t, "/budget/delete", map[string]any{"id": id}), http.StatusNotFound, "Budget with id '"+id+"' not found.")
			budgetErrors(t, admin)
		})
	}
}

func budgetSettings(t *testing.T, admin *stack.Client, id string) {
	t.Helper()
	var list []map[string]any
	decode(t, admin.Get(t, "/budget/settings?budget_id="+strings.ReplaceAll(id, " ", "+")), &list)
	setting := shape{
		"field_name": "string", "field_type": "string", "field_description": "string", "field_value": "number?", "stored_in_db": "bool",
		"field_default_value": "string?", "premium_field": "bool", "nested_fields": "array?",
	}
	var names []any
	for _, item := range list {
		names = append(names, setting.check(t, any(item))["field_name"])
		if item["field_name"] == "rpm_limit" {
			require.InDelta(t, 1, item["field_value"], 0)
		}
	}
	require.Equal(t, []any{"max_parallel_requests", "tpm_limit", "rpm_limit", "budget_duration", "max_budget", "soft_budget", "model_max_budget"}, names)
	checkInvalid(t, admin.Get(t, "/budget/settings"), "missing", "budget_id")
	checkError(t, admin.Get(t, "/budget/settings?budget_id=nothing"), http.StatusNotFound, "Budget with id 'nothing' not found.")
}

func budgetErrors(t *testing.T, admin *stack.Client) {
	t.Helper()
	for body, message := range map[string]string{
		`{"max_budget":-1}`:          "max_budget must be a non-negative finite number. Received: -1.0",
		`{"soft_budget":-0.5}`:       "soft_budget must be a non-negative finite number. Received: -0.5",
		`{"rpm_limit":-1}`:           "rpm_limit cannot be negative. Received: -1",
		`{"budget_duration":"soon"}`: `budget_duration: invalid duration "soon": want a number and a unit, for example 30s, 15m, 12h, 7d, 2w or 1mo`,
	} {
		checkError(t, admin.Post(t, "/budget/new", body), http.StatusBadRequest, message)
	}
	checkInvalid(t, admin.Post(t, "/budget/new", `{"rpm_limit":[]}`), "int_type", "rpm_limit")
	checkInvalid(t, admin.Post(t, "/budget/new", `{"max_budget":{}}`), "float_type", "max_budget")
	checkInvalid(t, admin.Post(t, "/budget/new", map[string]any{"budget_id": strings.Repeat("x", tooLong)}), "string_too_long", "budget_id")
	checkInvalid(t, admin.Post(t, "/budget/new", `{"budget_id":7}`), "string_type", "budget_id")
	checkInvalid(t, admin.Post(t, "/budget/new", `{"budget_id":"a\u0000"}`), "value_error", "budget_id")
	checkInvalid(t, admin.Post(t, "/budget/info", `{}`), "missing", "budgets")
	checkInvalid(t, admin.Post(t, "/budget/delete", `{}`), "missing", "id")
	checkError(t, admin.Post(t, "/budget/info", `{"budgets":[]}`), http.StatusBadRequest, "Specify list of budget id's to query. Passed in=[]")
	checkError(t, admin.Post(t, "/budget/update", `{"max_budget":1}`), http.StatusBadRequest, "budget_id is required")
	checkError(t, admin.Post(t, "/budget/update", `{"budget_id":"nothing"}`), http.StatusNotFound, "Budget with id 'nothing' not found.")
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	s.Master().Post(t, "/budget/new", `{"budget_id":"gold","rpm_limit":5,"max_budget":1}`).OK(t)
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		for _, prefix := range []string{"/customer", "/end_user"} {
			t.Run(face+prefix, func(t *testing.T) {
				t.Parallel()
				id := unique()
				made := customerRow().check(t, admin.Post(t, prefix+"/new", map[string]any{
					"user_id": id, "alias": "Carl", "max_budget": 2, "budget_duration": "7d", "rpm_limit": 3, "allowed_model_region": "eu", "default_model": "mock", "spend": 0.25,
				}).OK(t))
				own := nestedBudget().check(t, made["litellm_budget_table"])
				require.Equal(t, made["budget_id"], own["budget_id"])
				require.InDelta(t, 2, own["max_budget"], 0)
				require.InDelta(t, 3, own["rpm_limit"], 0)
				require.InDelta(t, 0.25, made["spend"], 0)
				require.Equal(t, false, made["blocked"])

				changed := customerRow().check(t, admin.Post(t, prefix+"/update", map[string]any{"user_id": id, "blocked": true, "tpm_limit": 7, "alias": ""}).OK(t))
				require.Equal(t, true, changed["blocked"])
				require.Equal(t, "Carl", changed["alias"], "what is false changes nothing")
				require.Equal(t, made["budget_id"], changed["budget_id"])
				budget := nestedBudget().check(t, changed["litellm_budget_table"])
				require.InDelta(t, 7, budget["tpm_limit"], 0)
				require.InDelta(t, 3, budget["rpm_limit"], 0)
				require.Equal(t, true, admin.Post(t, prefix+"/update", map[string]any{"user_id": id, "blocked": false}).OK(t)["blocked"], "as at LiteLLM")
				customerTier(t, admin, prefix, id)

				info := customerInfo().check(t, admin.Get(t, prefix+"/info?end_user_id="+strings.ReplaceAll(id, " ", "+")).OK(t))
				require.Equal(t, "Carl", info["alias"])
				var list []map[string]any
				decode(t, admin.Get(t, prefix+"/list"), &list)
				found := false
				for _, c := range list {
					customerInfo().check(t, any(c))
					found = found || c["user_id"] == id
				}
				require.True(t, found)
				customerBlock(t, admin, prefix, id)

				gone := admin.Post(t, prefix+"/delete", map[string]any{"user_ids": []string{id}}).OK(t)
				require.Equal(t, map[string]any{"deleted_customers": 1.0, "message": "Successfully deleted customers with ids: ['" + id + "']"}, gone)
				refusal{http.StatusNotFound, "not_found", "user_ids", "End User Id(s)=['" + id + "'] do not exist in db"}.
					check(t, admin.Post(t, prefix+"/delete", map[string]any{"user_ids": []string{id}}))
				customerErrors(t, admin, prefix)
			})
		}
	}
}

// customerTier gives a customer a tier, and then a limit of their own.
func customerTier(t *testing.T, admin *stack.Client, prefix, id string) {
	t.Helper()
	tier := admin.Post(t, prefix+"/update", map[string]any{"user_id": id, "budget_id": "gold"}).OK(t)
	require.Equal(t, "gold", tier["budget_id"])
	require.InDelta(t, 5, nestedBudget().check(t, tier["litellm_budget_table"])["rpm_limit"], 0)
	own := admin.Post(t, prefix+"/update", map[string]any{"user_id": id, "rpm_limit": 50}).OK(t)
	require.NotEqual(t, "gold", own["budget_id"], "others have the tier too")
	budget := nestedBudget().check(t, own["litellm_budget_table"])
	require.InDelta(t, 50, budget["rpm_limit"], 0)
	require.InDelta(t, 1, budget["max_budget"], 0, "the rest is the tier's")
	var list []map[string]any
	decode(t, admin.Post(t, "/budget/info", `{"budgets":["gold"]}`), &list)
	require.InDelta(t, 5, list[0]["rpm_limit"], 0)
}

func customerBlock(t *testing.T, admin *stack.Client, prefix, id string) {
	t.Helper()
	stranger := unique()
	blocked := items(t, admin.Post(t, prefix+"/block", map[string]any{"user_ids": []string{id, stranger}}).OK(t)["blocked_users"])
	require.Len(t, blocked, 2)
	for _, c := range blocked {
		require.Equal(t, true, customerRow().check(t, any(c))["blocked"])
	}
	left := admin.Post(t, prefix+"/unblock", map[string]any{"user_ids": []string{id}}).OK(t)["blocked_users"]
	require.Contains(t, left, stranger)
	require.NotContains(t, left, id)
	require.Equal(t, false, admin.Get(t, prefix+"/info?end_user_id="+strings.ReplaceAll(id, " ", "+")).OK(t)["blocked"])
}

func customerErrors(t *testing.T, admin *stack.Client, prefix string) {
	t.Helper()
	id := unique()
	admin.Post(t, prefix+"/new", map[string]any{"user_id": id}).OK(t)
	refusal{http.StatusBadRequest, "bad_request", "user_id", "Customer already exists, passed user_id=" + id + ". Please pass a new user_id."}.
		check(t, admin.Post(t, prefix+"/new", map[string]any{"user_id": id}))
	refusal{http.StatusNotFound, "not_found", "user_id", "End User Id=nobody does not exist in db"}.check(t, admin.Post(t, prefix+"/update", `{"user_id":"nobody"}`))
	refusal{http.StatusNotFound, "not_found", "end_user_id", "End User Id=nobody does not exist in db"}.check(t, admin.Get(t, prefix+"/info?end_user_id=nobody"))
	for bad, typ := range badIDs() {
		checkInvalid(t, admin.Post(t, prefix+"/new", `{"user_id":`+bad+`}`), typ, "user_id")
	}
	checkInvalid(t, admin.Post(t, prefix+"/new", `{}`), "missing", "user_id")
	checkInvalid(t, admin.Post(t, prefix+"/new", `{"user_id":"x","max_budget":1,"budget_id":"gold"}`), "value_error", "body")
	checkInvalid(t, admin.Post(t, prefix+"/new", `{"user_id":"x","allowed_model_region":"mars"}`), "literal_error", "allowed_model_region")
	checkInvalid(t, admin.Post(t, prefix+"/new", `{"user_id":"x","blocked":"maybe"}`), "bool_type", "blocked")
	checkInvalid(t, admin.Post(t, prefix+"/new", map[string]any{"user_id": "x", "alias": strings.Repeat("x", 2049)}), "string_too_long", "alias")
	checkInvalid(t, admin.Get(t, prefix+"/info"), "missing", "end_user_id")
	for _, verb := range []string{"/delete", "/block", "/unblock"} {
		checkInvalid(t, admin.Post(t, prefix+verb, `{}`), "missing", "user_ids")
		checkInvalid(t, admin.Post(t, prefix+verb, `{"user_ids":[]}`), "too_short", "user_ids")
		checkInvalid(t, admin.Post(t, prefix+verb, `{"user_ids":[""]}`), "string_too_short", "user_ids")
		checkInvalid(t, admin.Post(t, prefix+verb, map[string]any{"user_ids": make([]string, 1001)}), "too_long", "user_ids")
	}
	checkError(t, admin.Post(t, prefix+"/new", `{"user_id":"x","default_model":"nothing"}`), http.StatusUnprocessableEntity,
		"Default Model not on proxy! Configured models: ['mock', 'secret-model']")
	refusal{http.StatusBadRequest, "bad_request_error", "None", "max_budget cannot be negative. Received: -1"}.check(t, admin.Post(t, prefix+"/new", `{"user_id":"x","max_budget":-1}`))
	refusal{http.StatusBadRequest, "bad_request_error", "None", "Budget with id 'nothing' does not exist."}.check(t, admin.Post(t, prefix+"/new", `{"user_id":"x","budget_id":"nothing"}`))
}
