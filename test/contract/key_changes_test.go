package contract_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

func TestKey_spend_is_reset(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig+"litellm_settings: {store_audit_logs: true}\n")
	c.Master().Post(t, "/budget/new", `{"budget_id":"small","max_budget":2}`).OK(t)
	key := c.NewKey(t, map[string]any{"team_id": "team", "max_budget": 5, "budget_duration": "30d", "spend": 5})
	obeys(t, c.Stack, key, "mock", http.StatusTooManyRequests)
	reset := shape{"key_hash": "string", "spend": "number", "previous_spend": "number", "max_budget": "number?", "budget_reset_at": "time?"}
	path := "/key/" + ident.HashKey(key) + "/reset_spend"
	got := reset.check(t, c.lead.Post(t, path, `{"reset_to":1.5}`).OK(t))
	require.Equal(t, ident.HashKey(key), got["key_hash"])
	require.InDelta(t, 1.5, got["spend"], 0)
	require.InDelta(t, 5, got["previous_spend"], 0)
	require.InDelta(t, 5, got["max_budget"], 0)
	obeys(t, c.Stack, key, "mock", http.StatusOK)
	bad := func(body, message string) {
		t.Helper()
		refusal{http.StatusBadRequest, "bad_request_error", nil, message}.check(t, c.Master().Post(t, path, body))
	}
	bad(`{"reset_to":-1}`, "reset_to must be a number of dollars, at least 0. Received: -1")
	bad(`{"reset_to":4}`, "must not be more than the current spend (1.5")
	c.Master().Post(t, "/key/update", map[string]any{"key": key, "spend": 4, "budget_id": "small"}).OK(t)
	bad(`{"reset_to":3}`, "must not be more than max_budget (2)")
	require.InDelta(t, 2, c.Master().Post(t, "/key/"+key+"/reset_spend", `{"reset_to":0}`).OK(t)["max_budget"], 0)
	checkInvalid(t, c.Master().Post(t, path, `{}`), "missing", "reset_to")
	require.Equal(t, http.StatusUnprocessableEntity, c.Master().Post(t, path, `{"reset_to":"much"}`).Status)
	refusal{http.StatusNotFound, "not_found_error", "key", "not found"}.check(t, c.Master().Post(t, "/key/sk-unheard-of-0123/reset_spend", `{"reset_to":0}`))
	refusal{http.StatusForbidden, "auth_error", "None", "You must be a proxy admin or team admin to reset key spend"}.check(t, c.member.Post(t, path, `{"reset_to":0}`))
	logs, _ := c.Master().Get(t, "/audit?action=updated&object_id="+ident.HashKey(key)).OK(t)["audit_logs"].([]any)
	require.Len(t, logs, 3)
	require.Contains(t, logs[0].(map[string]any)["updated_values"], "spend")
}

func TestKeys_are_updated_in_bulk(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig)
	one, two := c.NewKey(t, nil), c.NewKey(t, map[string]any{"metadata": map[string]any{"a": 1}})
	reply := shape{"total_requested": "number", "successful_updates": "array", "failed_updates": "array"}
	got := reply.check(t, c.Master().Post(t, "/key/bulk_update", map[string]any{"keys": []map[string]any{
		{"key": one, "max_budget": 3, "tags": []string{"blue"}, "models": []string{"not among what it takes"}},
		{"key": "sk-unheard-of-0123", "max_budget": 3},
		{"key": two, "max_budget": -1},
		{"key": ident.HashKey(two), "team_id": "team"},
	}}).OK(t))
	require.InDelta(t, 4, got["total_requested"], 0)
	done, failed := got["successful_updates"].([]any), got["failed_updates"].([]any)
	require.Len(t, done, 2)
	require.Len(t, failed, 2)
	first := shape{"key": "string", "key_info": "object"}.check(t, done[0])
	require.Equal(t, one, first["key"])
	info := keyRow().check(t, first["key_info"])
	require.InDelta(t, 3, info["max_budget"], 0)
	require.Empty(t, info["models"])
	require.Equal(t, []any{"blue"}, info["metadata"].(map[string]any)["tags"])
	why := shape{"key": "string", "key_info": "object?", "failed_reason": "string"}
	require.Equal(t, "Key not found in database", why.check(t, failed[0])["failed_reason"])
	second := why.check(t, failed[1])
	require.Contains(t, second["failed_reason"], "max_budget cannot be negative")
	require.Equal(t, map[string]any{"a": 1.0}, keyRow().check(t, second["key_info"])["metadata"])
	require.Equal(t, "team", done[1].(map[string]any)["key_info"].(map[string]any)["team_id"])

	checkError(t, c.lead.Post(t, "/key/bulk_update", `{"keys":[{"key":"sk-a"}]}`), http.StatusForbidden, "Only proxy admins can perform bulk key updates")
	checkError(t, c.Master().Post(t, "/key/bulk_update", `{"keys":[]}`), http.StatusBadRequest, "keys: there have to be 1 to 500 of them. Received: 0")
	require.Equal(t, http.StatusBadRequest, c.Master().Post(t, "/key/bulk_update", map[string]any{"keys": make([]map[string]any, 501)}).Status)
	require.Equal(t, http.StatusUnprocessableEntity, c.Master().Post(t, "/key/bulk_update", `{"keys":[{"key":7}]}`).Status)
}

func TestKey_health(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	reply := shape{"key": "string", "logging_callbacks": "object?"}
	for _, key := range []string{stack.MasterKey, s.NewKey(t, nil)} {
		h := reply.check(t, s.Client(key).Post(t, "/key/health", nil).OK(t))
		require.Equal(t, "healthy", h["key"])
		require.Nil(t, h["logging_callbacks"])
	}
	key := s.NewKey(t, map[string]any{"logging": []map[string]any{{"callback_name": "langfuse", "callback_type": "success"}}})
	h := reply.check(t, s.Client(key).Post(t, "/key/health", nil).OK(t))
	callbacks := shape{"callbacks": "array", "status": "string", "details": "string"}.check(t, h["logging_callbacks"])
	require.Equal(t, []any{"langfuse"}, callbacks["callbacks"])
	require.Equal(t, h["key"], callbacks["status"])
	require.Equal(t, http.StatusUnauthorized, s.Client("sk-unheard-of-0123").Post(t, "/key/health", nil).Status)
}

// Every field that LiteLLM takes is kept where LiteLLM keeps it.
func TestKey_fields_are_kept(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig + "litellm_settings: {enable_key_alias_format_validation: true}\n"})
	admin := s.Master()
	hoisted := map[string]any{
		"guardrails": []any{"pii"}, "policies": []any{"p"}, "tags": []any{"t"}, "prompts": []any{"x"}, "enforced_params": []any{"user"},
		"logging": []any{map[string]any{"callback_name": "langfuse"}}, "allowed_passthrough_routes": []any{"/vllm/*"},
		"allowed_vector_store_indexes":        []any{map[string]any{"index_name": "i", "index_permissions": []any{"read"}}},
		"enforced_batch_output_expires_after": map[string]any{"anchor": "created_at", "seconds": 3600.0}, "team_member_key_duration": "30d",
		"enforced_file_expires_after": map[string]any{"anchor": "created_at", "seconds": 3600.0}, "secret_manager_settings": map[string]any{"a": "b"},
		"model_rpm_limit": map[string]any{"mock": 5.0},
	}
	columns := map[string]any{
		"agent_id": "a", "project_id": "p", "access_group_ids": []any{"g"}, "router_settings": map[string]any{"num_retries": 2.0}, "soft_budget": 3.0,
		"auto_rotate": true, "rotation_interval": "30d", "config": map[string]any{"old": true},
	}
	sent := map[string]any{"send_invite_email": true, "key_type": "read_only", "object_permission": map[string]any{"mcp_servers": []any{"m"}, "mcp_tool_permissions": map[string]any{"m": []any{"t"}}}}
	for _, all := range []map[string]any{hoisted, columns} {
		maps.Copy(sent, all)
	}
	made := generatedKey().check(t, admin.Post(t, "/key/generate", sent).OK(t))
	require.Equal(t, []any{"info_routes"}, made["allowed_routes"])
	require.Equal(t, hoisted, made["metadata"])
	for name, want := range columns {
		require.Equal(t, want, made[name], name)
	}
	permission := shape{
		"object_permission_id": "string", "mcp_servers": "array", "mcp_access_groups": "array", "mcp_tool_permissions": "object?", "mcp_toolsets": "array",
		"blocked_tools": "array", "vector_stores": "array", "agents": "array", "agent_access_groups": "array", "models": "array",
	}
	require.Equal(t, []any{"m"}, permission.check(t, made["object_permission"])["mcp_servers"])

	// An update changes what it has: of a permission, too.
	key := made["key"]
	updated := admin.Post(t, "/key/update", map[string]any{"key": key, "object_permission": map[string]any{"agents": []string{"x"}}, "guardrails": nil, "router_settings": nil}).OK(t)
	shown := permission.check(t, updated["object_permission"])
	require.Equal(t, []any{"m"}, shown["mcp_servers"])
	require.Equal(t, []any{"x"}, shown["agents"])
	require.Equal(t, made["object_permission_id"], shown["object_permission_id"])
	require.NotContains(t, updated["metadata"], "guardrails")
	require.Nil(t, updated["router_settings"])
	info, _ := admin.Get(t, fmt.Sprintf("/key/info?key=%s", key)).OK(t)["info"].(map[string]any)
	require.Equal(t, shown, info["object_permission"])
	require.Nil(t, admin.Post(t, "/key/update", map[string]any{"key": key, "object_permission": nil}).OK(t)["object_permission"])
}

func TestKey_fields_are_checked(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig + "litellm_settings: {enable_key_alias_format_validation: true}\n"})
	admin := s.Master()
	for body, member := range map[string]string{
		`{"guardrails":"pii"}`: "guardrails", `{"tags":[7]}`: "tags", `{"logging":{}}`: "logging", `{"team_member_key_duration":7}`: "team_member_key_duration",
		`{"allowed_vector_store_indexes":[{"index_name":"i","index_permissions":["own"]}]}`: "allowed_vector_store_indexes",
		`{"enforced_file_expires_after":7}`:                                                 "enforced_file_expires_after", `{"auto_rotate":"often"}`: "auto_rotate", `{"object_permission":7}`: "object_permission",
		`{"user_id":"` + strings.Repeat("x", tooLong) + `"}`: "user_id", `{"project_id":"a\nb"}`: "project_id", `{"router_settings":[]}`: "router_settings",
		`{"metadata":{"a":"` + strings.Repeat("x", 70_000) + `"}}`: "metadata",
	} {
		r := admin.Post(t, "/key/generate", body)
		require.Equal(t, http.StatusUnprocessableEntity, r.Status, "%.100s: %s", body, r.Body)
		require.Contains(t, string(r.Body), `"`+member+`"`, "%.100s", body)
	}
	refusal{http.StatusBadRequest, "bad_request_error", "key_alias", "Invalid key_alias format"}.check(t, admin.Post(t, "/key/generate", `{"key_alias":"-x-"}`))
	refusal{http.StatusBadRequest, "bad_request_error", nil, "Organization not found for organization_id=nothing"}.check(t, admin.Post(t, "/key/generate", `{"organization_id":"nothing"}`))

	// A key is moved to a team only when it fits.
	s.NewTeam(t, map[string]any{"team_id": "narrow", "models": []string{"mock"}, "rpm_limit": 5, "members_with_roles": []map[string]string{{"user_id": "in", "role": "user"}}})
	for more, message := range map[string]string{
		`"models":["secret-model"]`: "the team may not use model=secret-model", `"rpm_limit":6`: "its rpm_limit=6 is greater than the team's rpm_limit=5",
		`"user_id":"out"`: "User=out is not a member of the team=narrow",
	} {
		key, _ := admin.Post(t, "/key/generate", "{"+more+"}").OK(t)["key"].(string)
		refusal{http.StatusForbidden, "auth_error", "None", message}.check(t, admin.Post(t, "/key/update", map[string]any{"key": key, "team_id": "narrow"}))
	}
	key := s.NewKey(t, map[string]any{"models": []string{"mock"}, "rpm_limit": 5, "user_id": "in"})
	require.Equal(t, "narrow", admin.Post(t, "/key/update", map[string]any{"key": key, "team_id": "narrow"}).OK(t)["team_id"])
}

// Every change of a key leaves one entry of its kind, and no text of a key is in
// any.
func TestKey_changes_are_audited(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig + "litellm_settings: {store_audit_logs: true}\n"})
	admin := s.Master().With("litellm-changed-by", "somebody")
	key, _ := admin.Post(t, "/key/generate", `{"key_alias":"kept"}`).OK(t)["key"].(string)
	admin.Post(t, "/key/update", map[string]any{"key": key, "max_budget": 5, "spend": 2}).OK(t)
	admin.Post(t, "/key/block", map[string]any{"key": key}).OK(t)
	admin.Post(t, "/key/unblock", map[string]any{"key": key}).OK(t)
	admin.Post(t, "/key/"+key+"/reset_spend", `{"reset_to":1}`).OK(t)
	admin.Post(t, "/key/bulk_update", map[string]any{"keys": []map[string]any{{"key": key, "tags": []string{"a"}}, {"key": key, "max_budget": -1}}}).OK(t)
	next, _ := admin.Post(t, "/key/regenerate", map[string]any{"key": key, "grace_period": "1h"}).OK(t)["key"].(string)
	admin.Post(t, "/key/delete", map[string]any{"keys": []string{key}}).OK(t)
	admin.Post(t, "/key/delete", map[string]any{"keys": []string{next}}).OK(t)
	var got []string
	for _, of := range []string{key, next} {
		logs, _ := admin.Get(t, "/audit?page_size=100&sort_order=asc&object_id="+ident.HashKey(of)).OK(t)["audit_logs"].([]any)
		for _, one := range logs {
			entry, _ := one.(map[string]any)
			require.Equal(t, "somebody", entry["changed_by"])
			got = append(got, entry["action"].(string))
		}
	}
	require.Equal(t, []string{"created", "updated", "blocked", "unblocked", "updated", "updated", "rotated", "deleted", "deleted"}, got)
	require.EqualValues(t, len(got), s.Scalar(t, "SELECT count(*) FROM audit_log"))
	for _, text := range []string{key, next} {
		require.Zero(t, s.Scalar(t, "SELECT count(*) FROM audit_log WHERE before_value::text || updated_values::text LIKE '%' || $1 || '%'", text))
	}
	require.EqualValues(t, 2, s.Scalar(t, "SELECT count(*) FROM deleted_verification_token WHERE litellm_changed_by = 'somebody'"), "as it was before its new text, and at its end")
}
