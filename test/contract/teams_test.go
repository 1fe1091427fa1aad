package contract_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

// openConfig keeps the audit trail, and lets users join a team.
const openConfig = auditedConfig + `  default_internal_user_params:
    available_teams: [open-team, nobody-made-it]
`

// memberTrail are the entries about the members of a team, the oldest first.
func memberTrail(t *testing.T, s *stack.Stack, team string) []map[string]any {
	t.Helper()
	page := s.Master().Get(t, "/audit?page_size=100&sort_order=asc&table_name=LiteLLM_TeamMembership&object_team_id="+team).OK(t)
	return items(t, page["audit_logs"])
}

func actionsOf(rows []map[string]any) []string {
	var all []string
	for _, r := range rows {
		action, _ := r["action"].(string)
		all = append(all, action)
	}
	return all
}

func TestTeam_block(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, DataPlanes: 2})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			id := s.NewTeam(t, map[string]any{"team_id": ident.NewKey()[3:]})
			key := s.NewKey(t, map[string]any{"team_id": id})
			atOnce(t, s, key, "mock")
			require.Equal(t, true, teamView().check(t, admin.Post(t, "/team/block", map[string]any{"team_id": id}).OK(t))["blocked"])
			obeys(t, s, key, "mock", http.StatusUnauthorized)
			require.Equal(t, false, teamView().check(t, admin.Post(t, "/team/unblock", map[string]any{"team_id": id}).OK(t))["blocked"])
			obeys(t, s, key, "mock", http.StatusOK)
			require.Equal(t, []string{"created", "blocked", "unblocked"}, trail(t, s, "LiteLLM_TeamTable", id))
			checkError(t, admin.Post(t, "/team/block", `{"team_id":"nothing"}`), http.StatusNotFound, "Team not found, passed team_id=nothing")
			checkError(t, admin.Post(t, "/team/unblock", `{"team_id":"nothing"}`), http.StatusNotFound, "Team not found, passed team_id=nothing")
			checkInvalid(t, admin.Post(t, "/team/block", `{}`), "missing", "team_id")
			checkInvalid(t, admin.Post(t, "/team/block", `{"team_id":7}`), "string_type", "team_id")
		})
	}
}

func TestTeam_delete(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, DataPlanes: 2})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			id, user := ident.NewKey()[3:], ident.NewKey()[3:]
			s.NewTeam(t, map[string]any{"team_id": id, "team_alias": "Gone " + id, "members_with_roles": []map[string]string{{"user_id": user, "role": "admin"}}})
			key := s.NewKey(t, map[string]any{"team_id": id, "user_id": user})
			atOnce(t, s, key, "mock")
			checkError(t, admin.Post(t, "/team/delete", map[string]any{"team_ids": []string{id, "nothing"}}), http.StatusNotFound, "Team not found, passed team_id=nothing")
			atOnce(t, s, key, "mock")
			got := admin.Post(t, "/team/delete", map[string]any{"team_ids": []string{id}}).OK(t)
			require.Equal(t, map[string]any{"deleted_teams": []any{id}}, got)
			obeys(t, s, key, "mock", http.StatusUnauthorized)
			require.Equal(t, http.StatusNotFound, admin.Get(t, "/team/info?team_id="+id).Status)
			require.Empty(t, admin.Get(t, "/v2/user/info?user_id="+user).OK(t)["teams"])
			require.Equal(t, []string{"created", "updated", "deleted"}, trail(t, s, "LiteLLM_TeamTable", id))
			require.Equal(t, []string{"created", "deleted"}, trail(t, s, "LiteLLM_VerificationToken", ident.HashKey(key)))
			require.Equal(t, []string{"created", "deleted"}, actionsOf(memberTrail(t, s, id)))
			require.Equal(t, []string{"created"}, trail(t, s, "LiteLLM_UserTable", user), "members are made, too")

			page := admin.Get(t, "/v2/team/list?status=deleted&team_id="+id).OK(t)
			gone := items(t, page["teams"])
			require.Len(t, gone, 1)
			teamView().with(shape{
				"id": "string", "deleted_at": "time", "deleted_by": "string?", "deleted_by_api_key": "string?", "litellm_changed_by": "string?",
			}).check(t, any(gone[0]))
			require.Equal(t, "Gone "+id, gone[0]["team_alias"])
			require.Equal(t, "default_user_id", gone[0]["deleted_by"])
			own := s.Client(s.NewKey(t, map[string]any{"user_id": user}))
			require.InDelta(t, 1, own.Get(t, "/v2/team/list?status=deleted").OK(t)["total"], 0, "who was in it sees it")
			checkInvalid(t, admin.Post(t, "/team/delete", `{"team_ids":[]}`), "too_short", "team_ids")
			checkInvalid(t, admin.Post(t, "/team/delete", `{"team_ids":"x"}`), "slice_type", "team_ids")
		})
	}
}

func TestTeam_page(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	admin := s.Master()
	admin.Post(t, "/organization/new", `{"organization_id":"org","organization_alias":"Org"}`).OK(t)
	s.NewUser(t, map[string]any{"user_id": "boss"})
	s.NewUser(t, map[string]any{"user_id": "ann"})
	admin.Post(t, "/organization/member_add", `{"organization_id":"org","member":{"user_id":"boss","role":"org_admin"}}`).OK(t)
	for i, alias := range []string{"Red", "Green", "Blue"} {
		body := map[string]any{"team_id": fmt.Sprint("team-", i), "team_alias": alias}
		if i > 0 {
			body["organization_id"] = "org"
			body["members_with_roles"] = []map[string]string{{"user_id": "ann", "role": "user"}}
		}
		s.NewTeam(t, body)
	}
	s.NewKey(t, map[string]any{"team_id": "team-1"})
	boss, ann := s.Client(s.NewKey(t, map[string]any{"user_id": "boss"})), s.Client(s.NewKey(t, map[string]any{"user_id": "ann"}))
	reply := shape{"teams": "array", "total": "number", "page": "number", "page_size": "number", "total_pages": "number"}
	for _, c := range []struct {
		who   *stack.Client
		query string
		want  []string
	}{
		{admin, "", []string{"team-2", "team-1", "team-0"}},
		{admin, "sort_by=team_alias", []string{"team-2", "team-1", "team-0"}},
		{admin, "sort_by=team_alias&sort_order=desc", []string{"team-0", "team-1", "team-2"}},
		{admin, "sort_by=team_id&sort_order=asc", []string{"team-0", "team-1", "team-2"}},
		{admin, "sort_by=team_id&page_size=2&page=2", []string{"team-2"}},
		{admin, "team_alias=RE&sort_by=team_id", []string{"team-0", "team-1"}},
		{admin, "search=team-2", []string{"team-2"}},
		{admin, "search=gre", []string{"team-1"}},
		{admin, "team_id=team-1", []string{"team-1"}},
		{admin, "team_id=team-", nil},
		{admin, "organization_id=org&sort_by=team_id", []string{"team-1", "team-2"}},
		{admin, "organization_id=default_organization", []string{"team-0"}},
		{admin, "user_id=ann&sort_by=team_id", []string{"team-1", "team-2"}},
		{admin, "user_id=nobody", nil},
		{admin, "status=deleted", nil},
		{boss, "sort_by=team_id", []string{"team-1", "team-2"}},
		{boss, "sort_by=team_id&user_id=ann", []string{"team-1", "team-2"}},
		{boss, "sort_by=team_id&user_id=boss", []string{"team-1", "team-2"}},
		{boss, "team_id=team-0", nil},
		{ann, "sort_by=team_id&user_id=boss", []string{"team-1", "team-2"}},
	} {
		page := reply.check(t, c.who.Get(t, "/v2/team/list?"+c.query).OK(t))
		var ids []string
		for _, item := range items(t, page["teams"]) {
			teamView().with(shape{"members_count": "number", "keys_count": "number"}).check(t, any(item))
			id, _ := item["team_id"].(string)
			ids = append(ids, id)
			if id == "team-1" {
				require.InDelta(t, 1, item["members_count"], 0)
				require.InDelta(t, 1, item["keys_count"], 0)
			}
		}
		require.Equal(t, c.want, ids, c.query)
	}
	require.InDelta(t, 2, admin.Get(t, "/v2/team/list?page_size=2").OK(t)["total_pages"], 0)
	checkError(t, ann.Get(t, "/v2/team/list?team_id=team-0"), http.StatusNotFound, "User is not a member of team_id=team-0")
	checkError(t, admin.Get(t, "/v2/team/list?sort_by=spend"), http.StatusBadRequest, "Invalid sort column. Must be one of: team_id, team_alias, created_at")
	checkError(t, admin.Get(t, "/v2/team/list?sort_by=team_id&sort_order=up"), http.StatusBadRequest, "Invalid sort order. Must be 'asc' or 'desc'")
	require.Equal(t, http.StatusBadRequest, admin.Get(t, "/v2/team/list?status=blocked").Status)
	require.Equal(t, http.StatusUnprocessableEntity, admin.Get(t, "/v2/team/list?page_size=101").Status)
	require.Equal(t, http.StatusUnprocessableEntity, admin.Get(t, "/v2/team/list?page=0").Status)

	var free, found []map[string]any
	decode(t, admin.Get(t, "/team/list?organization_id=default_organization"), &free)
	require.Len(t, free, 1)
	require.Equal(t, "team-0", free[0]["team_id"])
	decode(t, admin.Get(t, "/team/filter/ui?team_alias=e&page_size=2"), &found)
	require.Len(t, found, 2)
	teamView().check(t, any(found[0]))
	decode(t, ann.Get(t, "/team/filter/ui"), &found)
	require.Len(t, found, 2)
}

func TestTeam_join(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: openConfig})
	admin := s.Master()
	s.NewTeam(t, map[string]any{"team_id": "open-team"})
	s.NewTeam(t, map[string]any{"team_id": "closed-team"})
	s.NewUser(t, map[string]any{"user_id": "ann"})
	ann := s.Client(s.NewKey(t, map[string]any{"user_id": "ann"}))
	var list []map[string]any
	decode(t, ann.Get(t, "/team/available"), &list)
	require.Len(t, list, 1)
	require.Equal(t, "open-team", teamView().check(t, any(list[0]))["team_id"])
	for _, body := range []string{
		`{"team_id":"closed-team","member":{"user_id":"ann","role":"user"}}`,
		`{"team_id":"open-team","member":{"user_id":"ann","role":"admin"}}`,
		`{"team_id":"open-team","member":{"user_id":"ben","role":"user"}}`,
		`{"team_id":"open-team","member":{"user_id":"ann","role":"user"},"max_budget_in_team":100}`,
		`{"team_id":"open-team","member":[{"user_id":"ann","role":"user"},{"user_id":"ben","role":"user"}]}`,
	} {
		require.Equal(t, http.StatusForbidden, ann.Post(t, "/team/member_add", body).Status, body)
	}
	ann.Post(t, "/team/member_add", `{"team_id":"open-team","member":{"user_id":"ann","role":"user"}}`).OK(t)
	decode(t, ann.Get(t, "/team/available"), &list)
	require.Empty(t, list)
	rows := memberTrail(t, s, "open-team")
	require.Equal(t, []string{"created"}, actionsOf(rows))
	require.Equal(t, "ann", rows[0]["changed_by"])
	stranger := s.Client(s.NewKey(t, map[string]any{"user_id": "nobody-made-me"}))
	checkError(t, stranger.Get(t, "/team/available"), http.StatusNotFound, "User not found")

	me := membershipRow().with(shape{"role": "string", "user_email": "string?", "team_alias": "string?"}).
		check(t, ann.Get(t, "/team/open-team/members/me").OK(t))
	require.Equal(t, "user", me["role"])
	require.Equal(t, "ann", me["user_id"])
	require.Equal(t, http.StatusForbidden, ann.Get(t, "/team/closed-team/members/me").Status)
	require.Equal(t, http.StatusForbidden, ann.Get(t, "/team/nothing/members/me").Status)
	checkError(t, admin.Get(t, "/team/nothing/members/me"), http.StatusNotFound, "Team not found, passed team_id=nothing")
	checkError(t, admin.Get(t, "/team/open-team/members/me"), http.StatusNotFound, "User is not a member of team_id=open-team")
}

func TestTeam_models(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, DataPlanes: 2})
	admin := s.Master()
	admin.Post(t, "/organization/new", `{"organization_id":"org","organization_alias":"Org","models":["mock"]}`).OK(t)
	s.NewTeam(t, map[string]any{"team_id": "t", "models": []string{"mock"}})
	key := s.NewKey(t, map[string]any{"team_id": "t"})
	require.Equal(t, http.StatusForbidden, s.Client(key).Post(t, chatPath, hello("secret-model")).Status)
	got := teamView().check(t, admin.Post(t, "/team/model/add", `{"team_id":"t","models":["secret-model","mock"]}`).OK(t))
	require.Equal(t, []any{"mock", "secret-model"}, got["models"])
	obeys(t, s, key, "secret-model", http.StatusOK)
	got = admin.Post(t, "/team/model/delete", `{"team_id":"t","models":["secret-model","unknown"]}`).OK(t)
	require.Equal(t, []any{"mock"}, got["models"])
	obeys(t, s, key, "secret-model", http.StatusForbidden)
	got = admin.Post(t, "/team/model/delete", `{"team_id":"t","models":["mock"]}`).OK(t)
	require.Equal(t, []any{"no-default-models"}, got["models"], "who loses the last model does not get all of them")
	obeys(t, s, key, "mock", http.StatusForbidden)
	got = admin.Post(t, "/team/model/add", `{"team_id":"t","models":["mock"]}`).OK(t)
	require.Equal(t, []any{"mock"}, got["models"])
	require.Equal(t, []string{"created", "updated", "updated", "updated", "updated"}, trail(t, s, "LiteLLM_TeamTable", "t"))

	s.NewTeam(t, map[string]any{"team_id": "all"})
	got = admin.Post(t, "/team/model/add", `{"team_id":"all","models":["mock"]}`).OK(t)
	require.Equal(t, []any{"all-proxy-models", "mock"}, got["models"])
	s.NewTeam(t, map[string]any{"team_id": "bound", "organization_id": "org"})
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/model/add", `{"team_id":"bound","models":["secret-model"]}`).Status)
	checkError(t, admin.Post(t, "/team/model/add", `{"team_id":"nothing","models":[]}`), http.StatusNotFound, "Team not found, passed team_id=nothing")
	checkInvalid(t, admin.Post(t, "/team/model/add", `{"team_id":"t"}`), "missing", "models")
}

func TestTeam_permissions(t *testing.T) {
	t.Parallel()
	c := newCompany(t, auditedConfig)
	admin := c.Master()
	reply := shape{"team_id": "string", "team_member_permissions": "array", "all_available_permissions": "array"}
	got := reply.check(t, c.lead.Get(t, "/team/permissions_list?team_id=team").OK(t))
	require.Equal(t, []any{"/key/info", "/key/health"}, got["team_member_permissions"])
	require.Contains(t, got["all_available_permissions"], "/key/generate")
	require.Equal(t, http.StatusForbidden, c.member.Get(t, "/team/permissions_list?team_id=team").Status)
	require.Equal(t, http.StatusForbidden, c.user.Get(t, "/team/permissions_list?team_id=nothing").Status, "strangers are not told which teams there are")
	checkError(t, admin.Get(t, "/team/permissions_list?team_id=nothing"), http.StatusNotFound, "Team not found, passed team_id=nothing")
	checkInvalid(t, admin.Get(t, "/team/permissions_list"), "missing", "team_id")

	require.Equal(t, http.StatusUnauthorized, c.member.Post(t, "/key/generate", `{"team_id":"team"}`).Status)
	view := teamView().check(t, c.lead.Post(t, "/team/permissions_update", `{"team_id":"team","team_member_permissions":["/key/generate","/key/generate"]}`).OK(t))
	require.Equal(t, []any{"/key/generate"}, view["team_member_permissions"])
	c.member.Post(t, "/key/generate", `{"team_id":"team"}`).OK(t)
	checkInvalid(t, c.lead.Post(t, "/team/permissions_update", `{"team_id":"team","team_member_permissions":["/team/new"]}`), "enum", "team_member_permissions")
	checkInvalid(t, c.lead.Post(t, "/team/permissions_update", `{"team_id":"team"}`), "missing", "team_member_permissions")
	checkError(t, c.member.Post(t, "/team/permissions_update", `{"team_id":"team","team_member_permissions":[]}`), http.StatusForbidden,
		"Call not allowed. User not proxy admin OR team admin. route=/team/permissions_update, team_id=team")

	c.NewTeam(t, map[string]any{"team_id": "second"})
	bulk := shape{"message": "string", "teams_updated": "number", "permissions_appended": "array"}
	done := bulk.check(t, admin.Post(t, "/team/permissions_bulk_update", `{"permissions":["/key/update"],"team_ids":["second"]}`).OK(t))
	require.InDelta(t, 1, done["teams_updated"], 0)
	done = bulk.check(t, admin.Post(t, "/team/permissions_bulk_update", `{"permissions":["/key/update"],"apply_to_all_teams":true}`).OK(t))
	require.InDelta(t, 1, done["teams_updated"], 0, "who has it already is not changed")
	require.Equal(t, []any{"/key/generate", "/key/update"}, admin.Get(t, "/team/permissions_list?team_id=team").OK(t)["team_member_permissions"])
	require.Equal(t, []any{"/key/info", "/key/health", "/key/update"}, admin.Get(t, "/team/permissions_list?team_id=second").OK(t)["team_member_permissions"])
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/permissions_bulk_update", `{"permissions":["/key/update"]}`).Status)
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/permissions_bulk_update", `{"permissions":["/key/update"],"team_ids":["team"],"apply_to_all_teams":true}`).Status)
	checkError(t, admin.Post(t, "/team/permissions_bulk_update", `{"permissions":["/key/info"],"team_ids":["second","nothing"]}`), http.StatusNotFound, "Team not found, passed team_id=nothing")
	require.Equal(t, []string{"created", "updated"}, trail(t, c.Stack, "LiteLLM_TeamTable", "second"))
}

func TestTeam_bulk_member_add(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig})
	admin := s.Master()
	s.NewTeam(t, map[string]any{"team_id": "t", "members_with_roles": []map[string]string{{"user_id": "ann", "role": "user"}}})
	reply := shape{"team_id": "string", "results": "array", "total_requested": "number", "successful_additions": "number", "failed_additions": "number", "updated_team": "object?"}
	result := shape{"user_id": "string?", "user_email": "string?", "success": "bool", "error": "string?", "updated_user": "object?", "updated_team_membership": "object?"}
	got := reply.check(t, admin.Post(t, "/team/bulk_member_add", `{"team_id":"t","max_budget_in_team":2,"members":[
		{"user_id":"ann","role":"user"},{"user_email":"ben@example.com","role":"admin"},{"user_id":"carl","role":"king"}]}`).OK(t))
	require.InDelta(t, 1, got["successful_additions"], 0)
	require.InDelta(t, 2, got["failed_additions"], 0)
	results := items(t, got["results"])
	require.Contains(t, result.check(t, any(results[0]))["error"], "already in team")
	ben := result.check(t, any(results[1]))
	userRow().check(t, ben["updated_user"])
	require.InDelta(t, 2, membershipRow().check(t, ben["updated_team_membership"])["litellm_budget_table"].(map[string]any)["max_budget"], 0)
	require.Len(t, teamView().check(t, got["updated_team"])["members_with_roles"], 2)

	s.NewUser(t, map[string]any{"user_id": "dora"})
	got = admin.Post(t, "/team/bulk_member_add", `{"team_id":"t","all_users":true}`).OK(t)
	require.GreaterOrEqual(t, got["successful_additions"], 1.0)
	require.InDelta(t, 0, got["failed_additions"], 0)
	require.Contains(t, string(admin.Get(t, "/team/info?team_id=t").Body), "dora")
	var many []map[string]string
	for i := range 501 {
		many = append(many, map[string]string{"user_id": fmt.Sprint(i), "role": "user"})
	}
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/bulk_member_add", map[string]any{"team_id": "t", "members": many}).Status)
	checkError(t, admin.Post(t, "/team/bulk_member_add", `{"team_id":"t","members":[]}`), http.StatusBadRequest, "At least one member is required")
	checkError(t, admin.Post(t, "/team/bulk_member_add", `{"team_id":"nothing","members":[{"user_id":"x","role":"user"}]}`), http.StatusNotFound, "Team not found, passed team_id=nothing")
}

func TestTeam_callbacks(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			id := s.NewTeam(t, map[string]any{"team_id": "team/" + ident.NewKey()[3:], "metadata": map[string]any{"floor": 2}})
			path := "/team/" + strings.ReplaceAll(id, "/", "%2F")
			secret := "very-secret-" + ident.NewKey()
			done := shape{"status": "string", "data": "object"}
			added := done.check(t, admin.Post(t, path+"/callback", map[string]any{
				"callback_name": "langfuse", "callback_type": "success", "callback_vars": map[string]string{"langfuse_secret_key": secret, "langfuse_host": "https://logs.example.com"},
			}).OK(t))
			require.InDelta(t, 2, teamView().check(t, added["data"])["metadata"].(map[string]any)["floor"], 0, "the rest of the metadata stays")
			admin.Post(t, path+"/callback", map[string]any{"callback_name": "gcs_bucket", "callback_vars": map[string]string{"gcs_bucket_name": "b"}}).OK(t)
			data := done.check(t, admin.Get(t, path+"/callback").OK(t))["data"]
			require.Equal(t, map[string]any{
				"team_id": id, "success_callbacks": []any{"langfuse", "gcs_bucket"}, "failure_callbacks": []any{"gcs_bucket"},
				"callback_vars": map[string]any{"langfuse_secret_key": "***REDACTED***", "langfuse_host": "https://logs.example.com", "gcs_bucket_name": "b"},
			}, data)
			callbackErrors(t, admin, path, id)
			callbackSecrets(t, s, id, secret)

			// What an admin reads and sends back is what it was.
			info := admin.Get(t, "/team/info?team_id="+id).OK(t)["team_info"].(map[string]any)
			stored := storedMetadata(t, s, id)
			admin.Post(t, "/team/update", map[string]any{"team_id": id, "metadata": info["metadata"]}).OK(t)
			require.JSONEq(t, stored, storedMetadata(t, s, id))

			gone := shape{"status": "string", "message": "string", "data": "object"}.check(t, send(t, admin, http.MethodDelete, path+"/callback/langfuse", nil).OK(t))
			require.Equal(t, map[string]any{"team_id": id, "success_callbacks": []any{"gcs_bucket"}, "failure_callbacks": []any{"gcs_bucket"}}, gone["data"])
			require.Equal(t, http.StatusNotFound, send(t, admin, http.MethodDelete, path+"/callback/langfuse", nil).Status)
			off := admin.Post(t, path+"/disable_logging", nil).OK(t)
			require.Equal(t, "Logging disabled for team "+id, off["message"])
			require.Equal(t, map[string]any{"team_id": id, "success_callbacks": []any{}, "failure_callbacks": []any{}}, off["data"])
			require.Empty(t, admin.Get(t, path+"/callback").OK(t)["data"].(map[string]any)["success_callbacks"])
			require.Equal(t, []string{"created", "updated", "updated", "updated", "updated", "updated"}, trail(t, s, "LiteLLM_TeamTable", id))
		})
	}
}

func callbackErrors(t *testing.T, admin *stack.Client, path, id string) {
	t.Helper()
	checkError(t, admin.Post(t, path+"/callback", `{"callback_name":"langfuse","callback_type":"success","callback_vars":{}}`), http.StatusBadRequest,
		"callback_name = langfuse already exists, for callback_type = success. team_id = "+id)
	checkInvalid(t, admin.Post(t, path+"/callback", `{"callback_name":"x","callback_vars":{"unknown":"v"}}`), "value_error", "callback_vars")
	checkInvalid(t, admin.Post(t, path+"/callback", `{"callback_name":"x","callback_vars":{"langfuse_secret":"***REDACTED***"}}`), "value_error", "callback_vars")
	checkInvalid(t, admin.Post(t, path+"/callback", `{"callback_name":"x","callback_type":"never","callback_vars":{}}`), "literal_error", "callback_type")
	checkInvalid(t, admin.Post(t, path+"/callback", `{"callback_name":"x"}`), "missing", "callback_vars")
	checkError(t, admin.Get(t, "/team/nothing/callback"), http.StatusNotFound, "Team not found, passed team_id=nothing")
	checkError(t, admin.Post(t, "/team/nothing/disable_logging", nil), http.StatusNotFound, "Team not found, passed team_id=nothing")
}

func storedMetadata(t *testing.T, s *stack.Stack, id string) string {
	t.Helper()
	var meta string
	require.NoError(t, s.DB().QueryRow(t.Context(), "SELECT metadata::text FROM team_table WHERE team_id = $1", id).Scan(&meta))
	return meta
}

// callbackSecrets holds that a secret is nowhere to be read.
func callbackSecrets(t *testing.T, s *stack.Stack, id, secret string) {
	t.Helper()
	require.NotContains(t, storedMetadata(t, s, id), secret)
	require.Contains(t, storedMetadata(t, s, id), "sealed:v1:")
	admin := s.Master()
	for _, path := range []string{"/team/info?team_id=" + id, "/team/list", "/v2/team/list", "/team/filter/ui", "/audit?page_size=100"} {
		body := string(admin.Get(t, path).Body)
		require.NotContains(t, body, secret, path)
		require.NotContains(t, body, "sealed:v1:", path)
	}
	// The same secret in metadata is sealed as well.
	other := s.NewTeam(t, map[string]any{"team_id": ident.NewKey()[3:], "metadata": map[string]any{
		"logging": []map[string]any{{"callback_name": "langfuse", "callback_type": "success", "callback_vars": map[string]string{"langfuse_secret": secret}}},
	}})
	require.NotContains(t, storedMetadata(t, s, other), secret)
	require.NotContains(t, string(admin.Get(t, "/team/info?team_id="+other).Body), secret)
	admin.Post(t, "/team/update", map[string]any{"team_id": other, "logging": []map[string]any{{"callback_name": "b", "callback_vars": map[string]string{"langfuse_secret": secret}}}}).OK(t)
	require.NotContains(t, storedMetadata(t, s, other), secret)
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/update", map[string]any{"team_id": other, "logging": []map[string]any{
		{"callback_name": "new", "callback_vars": map[string]string{"langfuse_secret": "***REDACTED***"}},
	}}).Status, "there is no former value")
}

func TestTeam_reset_spend(t *testing.T) {
	t.Parallel()
	s := spent(t)
	admin := s.Master()
	reply := shape{"team_id": "string", "spend": "number", "previous_spend": "number", "max_budget": "number?", "budget_reset_at": "time?"}
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/t1/reset_spend", `{"reset_to":1000000}`).Status)
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/t1/reset_spend", `{"reset_to":-1}`).Status)
	got := reply.check(t, admin.Post(t, "/team/t1/reset_spend", `{"reset_to":0}`).OK(t))
	require.InDelta(t, s.usd, got["previous_spend"], 1e-9)
	require.InDelta(t, 0, admin.Get(t, "/team/info?team_id=t1").OK(t)["team_info"].(map[string]any)["spend"], 0)
	checkInvalid(t, admin.Post(t, "/team/t1/reset_spend", `{}`), "missing", "reset_to")
	checkError(t, admin.Post(t, "/team/nothing/reset_spend", `{"reset_to":0}`), http.StatusNotFound, "Team not found, passed team_id=nothing")
	fields := shape{"fields": "array"}.check(t, admin.Get(t, "/team/metadata_schema").OK(t))
	shape{"name": "string", "type": "string", "description": "string"}.check(t, any(items(t, fields["fields"])[0]))
}

// Admins of a team see what it spends; its members what their own keys do.
func TestTeam_activity_is_for_its_admins(t *testing.T) {
	t.Parallel()
	s := spent(t)
	admin := s.Master()
	for _, id := range []string{"lead", "member", "other"} {
		s.NewUser(t, map[string]any{"user_id": id})
	}
	admin.Post(t, "/team/member_add", `{"team_id":"t1","member":[{"user_id":"lead","role":"admin"},{"user_id":"member","role":"user"}]}`).OK(t)
	of := func(id string) *stack.Client { return s.Client(s.NewKey(t, map[string]any{"user_id": id})) }
	lead, member, other := of("lead"), of("member"), of("other")
	path := "/team/daily/activity?" + s.days
	require.Eventually(t, func() bool {
		results, _ := admin.Get(t, path).OK(t)["results"].([]any)
		return len(results) == 1
	}, 10*time.Second, 20*time.Millisecond)
	for _, query := range []string{"", "&team_ids=t1"} {
		require.InDelta(t, s.usd, lead.Get(t, path+query).OK(t)["metadata"].(map[string]any)["total_spend"], 1e-9, query)
		require.Empty(t, member.Get(t, path+query).OK(t)["results"], query)
	}
	require.Empty(t, other.Get(t, path).OK(t)["results"])
	checkError(t, other.Get(t, path+"&team_ids=t1"), http.StatusNotFound, "User does not belong to Team= t1. Call `/user/info` to see user's teams")
	admin.Post(t, "/team/permissions_update", `{"team_id":"t1","team_member_permissions":["/team/daily/activity"]}`).OK(t)
	require.InDelta(t, s.usd, member.Get(t, path).OK(t)["metadata"].(map[string]any)["total_spend"], 1e-9, "whom the team lets")
}

func TestTeam_in_an_organization(t *testing.T) {
	t.Parallel()
	c := newCompany(t, auditedConfig)
	admin := c.Master()
	admin.Post(t, "/organization/new", `{"organization_id":"small","organization_alias":"Small","models":["mock"],"max_budget":10,"rpm_limit":100,"tpm_limit":1000}`).OK(t)
	admin.Post(t, "/organization/member_add", `{"organization_id":"small","member":{"user_id":"boss","role":"org_admin"}}`).OK(t)
	for _, body := range []string{
		`{"organization_id":"nothing"}`,
		`{"organization_id":"small","models":["secret-model"]}`,
		`{"organization_id":"small","max_budget":11}`,
		`{"organization_id":"small","rpm_limit":101}`,
		`{"organization_id":"small","rpm_limit":60,"rpm_limit_type":"guaranteed_throughput","model_rpm_limit":{"mock":101}}`,
	} {
		require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/new", body).Status, body)
	}
	admin.Post(t, "/team/new", `{"team_id":"first","organization_id":"small","models":["mock"],"rpm_limit":60,"rpm_limit_type":"guaranteed_throughput"}`).OK(t)
	r := admin.Post(t, "/team/new", `{"team_id":"second","organization_id":"small","rpm_limit":41,"rpm_limit_type":"guaranteed_throughput"}`)
	require.Equal(t, http.StatusBadRequest, r.Status, "%s", r.Body)
	require.Contains(t, string(r.Body), "Allocated RPM limit=60 + Team RPM limit=41 is greater than organization RPM limit=100")
	admin.Post(t, "/team/new", `{"team_id":"second","organization_id":"small","rpm_limit":40,"rpm_limit_type":"guaranteed_throughput"}`).OK(t)
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/update", `{"team_id":"second","rpm_limit":41}`).Status)
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/update", `{"team_id":"second","max_budget":11}`).Status)
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/team/update", `{"team_id":"team","organization_id":"small"}`).Status, "its members are not in it")
	checkError(t, admin.Post(t, "/team/update", `{"team_id":"team","organization_id":"nothing"}`), http.StatusNotFound, "Organization not found for organization_id=nothing")
	require.Nil(t, admin.Post(t, "/team/update", `{"team_id":"second","organization_id":""}`).OK(t)["data"].(map[string]any)["organization_id"])

	admin.Post(t, "/user/update", `{"user_id":"boss","max_budget":5,"models":["mock"]}`).OK(t)
	for _, body := range []string{`{"organization_id":"small","max_budget":6}`, `{"organization_id":"org","models":["secret-model"]}`} {
		require.Equal(t, http.StatusBadRequest, c.boss.Post(t, "/team/new", body).Status, body)
	}
	made := c.boss.Post(t, "/team/new", `{"organization_id":"small","max_budget":5,"tags":["a"],"guardrails":["g"],"access_group_ids":["grp"]}`).OK(t)
	require.Equal(t, "boss", items(t, made["members_with_roles"])[0]["user_id"])
	meta, _ := made["metadata"].(map[string]any)
	require.Equal(t, []any{"a"}, meta["tags"])
	require.Equal(t, []any{"g"}, meta["guardrails"])
	require.Equal(t, []any{"grp"}, made["access_group_ids"])
	checkInvalid(t, admin.Post(t, "/team/new", `{"tags":"a"}`), "list_type", "tags")
}

// Every change of a team and of its members is in the audit trail.
func TestTeam_changes_are_audited(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig})
	admin := s.Master()
	admin.Post(t, "/team/new", `{"team_id":"t","team_member_budget":3}`).OK(t)
	admin.Post(t, "/team/update", `{"team_id":"t","team_alias":"New","max_budget":4}`).OK(t)
	admin.Post(t, "/team/member_add", `{"team_id":"t","member":{"user_id":"ann","role":"user"}}`).OK(t)
	admin.Post(t, "/team/member_update", `{"team_id":"t","user_id":"ann","role":"admin","max_budget_in_team":2}`).OK(t)
	admin.Post(t, "/team/member_update", `{"team_id":"t","user_id":"ann","max_budget_in_team":1}`).OK(t)
	key := s.NewKey(t, map[string]any{"team_id": "t", "user_id": "ann"})
	admin.Post(t, "/team/member_delete", `{"team_id":"t","user_id":"ann"}`).OK(t)
	require.Equal(t, []string{"created", "updated", "updated", "updated", "updated"}, trail(t, s, "LiteLLM_TeamTable", "t"))
	require.Equal(t, []string{"created", "deleted"}, trail(t, s, "LiteLLM_VerificationToken", ident.HashKey(key)))
	rows := memberTrail(t, s, "t")
	require.Equal(t, []string{"created", "updated", "updated", "deleted"}, actionsOf(rows))
	budget := func(row map[string]any, when string) any {
		value, _ := row[when].(map[string]any)
		table, _ := value["litellm_budget_table"].(map[string]any)
		return table["max_budget"]
	}
	require.InDelta(t, 3, budget(rows[0], "updated_values"), 0, "what the team gives to its members")
	require.InDelta(t, 2, budget(rows[1], "updated_values"), 0)
	require.Equal(t, "admin", rows[1]["updated_values"].(map[string]any)["role"])
	require.InDelta(t, 2, budget(rows[2], "before_value"), 0)
	require.InDelta(t, 1, budget(rows[2], "updated_values"), 0)
	update := items(t, admin.Get(t, "/audit?page_size=100&sort_order=asc&table_name=LiteLLM_TeamTable&object_id=t").OK(t)["audit_logs"])[1]
	values, _ := update["updated_values"].(map[string]any)
	require.Equal(t, "New", values["team_alias"])
	require.InDelta(t, 4, values["max_budget"], 0)
	require.NotContains(t, values, "models", "what did not change")
	raw, err := json.Marshal(update["before_value"])
	require.NoError(t, err)
	require.Contains(t, string(raw), `"team_alias":null`)
}

func TestTeams_have_defaults(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig + `litellm_settings:
  default_team_settings:
  - {max_budget: 7}
  default_team_params: {budget_duration: 30d, rpm_limit: 9, models: [mock], team_member_permissions: [/key/generate]}
`})
	made := s.Master().Post(t, "/team/new", `{}`).OK(t)
	require.InDelta(t, 7, made["max_budget"], 0)
	require.Equal(t, "30d", made["budget_duration"])
	require.InDelta(t, 9, made["rpm_limit"], 0)
	require.Equal(t, []any{"mock"}, made["models"])
	require.Equal(t, []any{"/key/generate"}, made["team_member_permissions"])
	own := s.Master().Post(t, "/team/new", `{"max_budget":1,"models":["secret-model"],"rpm_limit":2}`).OK(t)
	require.InDelta(t, 1, own["max_budget"], 0)
	require.Nil(t, own["budget_duration"])
	require.Equal(t, []any{"secret-model"}, own["models"])
	require.InDelta(t, 2, own["rpm_limit"], 0)
}
