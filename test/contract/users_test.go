package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

// auditedConfig keeps the audit trail.
const auditedConfig = mockConfig + `litellm_settings:
  store_audit_logs: true
`

func createdUser() shape {
	return shape{
		"key": "string", "key_name": "string?", "key_alias": "string?", "duration": "string?", "user_id": "string", "user_email": "string?", "user_alias": "string?", "user_role": "string?", "teams": "array", "models": "array",
		"metadata": "object", "spend": "number", "max_budget": "number?", "tpm_limit": "number?", "rpm_limit": "number?", "expires": "time?",
		"created_at": "time", "updated_at": "time", "max_parallel_requests": "number?", "soft_budget": "number?", "budget_duration": "string?",
		"budget_reset_at": "time?", "budget_limits": "array?", "model_max_budget": "object",
	}
}

func mail() string { return strings.ToLower(ident.NewKey()[3:]) + "@example.com" }

// trail are the actions that the audit trail has of an object, the oldest first.
func trail(t *testing.T, s *stack.Stack, table, id string) []string {
	t.Helper()
	page := s.Master().Get(t, "/audit?page_size=100&sort_order=asc&table_name="+table+"&object_id="+id).OK(t)
	var actions []string
	for _, row := range items(t, page["audit_logs"]) {
		action, _ := row["action"].(string)
		actions = append(actions, action)
	}
	return actions
}

func TestUsers(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig, DataPlanes: 2})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			email := mail()
			made := createdUser().check(t, admin.Post(t, "/user/new", map[string]any{"user_email": email, "user_role": "internal_user", "models": []string{"mock"}, "max_budget": 2}).OK(t))
			id, _ := made["user_id"].(string)
			key, _ := made["key"].(string)
			require.Regexp(t, `^[0-9a-f-]{36}$`, id)
			atOnce(t, s, key, "mock")
			require.Equal(t, http.StatusForbidden, s.Client(key).Post(t, chatPath, hello("secret-model")).Status)

			info := shape{"user_id": "string?", "user_info": "object?", "keys": "array", "teams": "array"}.check(t, admin.Get(t, "/user/info?user_id="+id).OK(t))
			require.Equal(t, email, userRow().check(t, info["user_info"])["user_email"])
			keys := items(t, info["keys"])
			require.Len(t, keys, 1)
			require.Equal(t, ident.HashKey(key), keyRow().with(shape{"team_alias": "string?"}).check(t, any(keys[0]))["token"])
			require.Equal(t, id, s.Client(key).At(url).Get(t, "/user/info").OK(t)["user_id"], "a user's own, when nobody is named")

			without := createdUser().check(t, admin.Post(t, "/user/new", `{"auto_create_key":false}`).OK(t))
			require.Empty(t, without["key"])
			userConflicts(t, admin, id, email)
			require.Equal(t, "default_user_id", admin.Get(t, "/user/info").OK(t)["user_id"])

			plus := "a+b" + mail()
			s.NewUser(t, map[string]any{"user_id": plus})
			require.Equal(t, plus, admin.Get(t, "/user/info?user_id="+plus).OK(t)["user_id"], "a plus is one")
		})
	}
}

func userConflicts(t *testing.T, admin *stack.Client, id, email string) {
	t.Helper()
	refusal{http.StatusConflict, "bad_request_error", "None", "User with id " + id + " already exists"}.check(t, admin.Post(t, "/user/new", map[string]any{"user_id": id}))
	refusal{http.StatusConflict, "bad_request_error", "None", "User with email " + email + " already exists"}.check(t, admin.Post(t, "/user/new", map[string]any{"user_email": email}))
	refusal{http.StatusNotFound, "not_found_error", "None", "User nobody not found"}.check(t, admin.Get(t, "/user/info?user_id=nobody"))
	checkInvalid(t, admin.Post(t, "/user/new", `{"user_role":"king"}`), "enum", "user_role")
	checkInvalid(t, admin.Post(t, "/user/new", `{"password":"short"}`), "string_too_short", "password")
	checkInvalid(t, admin.Post(t, "/user/new", map[string]any{"password": strings.Repeat("x", 129)}), "string_too_long", "password")
	checkInvalid(t, admin.Post(t, "/user/new", `{"teams":[{"team_id":"t","user_role":"king"}]}`), "enum", "teams")
	checkInvalid(t, admin.Post(t, "/user/new", map[string]any{"user_id": strings.Repeat("x", tooLong)}), "string_too_long", "user_id")
	checkError(t, admin.Post(t, "/user/new", `{"teams":["nothing"]}`), http.StatusNotFound, "Team not found for team_id=nothing")
	checkError(t, admin.Post(t, "/user/new", `{"organizations":["nothing"]}`), http.StatusBadRequest, "Organization not found for organization_id=nothing")
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/user/new", `{"max_budget":-1}`).Status)
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/user/new", `{"duration":"for a while"}`).Status)
}

func TestUsers_join_teams_and_organizations(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig})
	admin := s.Master()
	admin.Post(t, "/organization/new", `{"organization_id":"org","organization_alias":"Org"}`).OK(t)
	s.NewTeam(t, map[string]any{"team_id": "red", "team_alias": "Red"})
	s.NewTeam(t, map[string]any{"team_id": "blue"})
	made := createdUser().check(t, admin.Post(t, "/user/new", `{"user_id":"u","sso_user_id":"sso-1","password":"correct horse","organizations":["org"],
		"teams":["blue",{"team_id":"red","user_role":"admin","max_budget_in_team":3}],"metadata":{"floor":2}}`).OK(t))
	require.Equal(t, []any{"blue", "red"}, made["teams"])
	require.Equal(t, map[string]any{"floor": 2.0}, made["metadata"])

	red := admin.Get(t, "/team/info?team_id=red").OK(t)
	member := items(t, red["team_info"].(map[string]any)["members_with_roles"])[0]
	require.Equal(t, "u", member["user_id"])
	require.Equal(t, "admin", member["role"])
	require.InDelta(t, 3, items(t, red["team_memberships"])[0]["litellm_budget_table"].(map[string]any)["max_budget"], 0)
	require.Len(t, admin.Get(t, "/organization/info?organization_id=org").OK(t)["members"], 1)
	info := admin.Get(t, "/user/info?user_id=u").OK(t)
	require.Len(t, info["teams"], 2)
	require.Equal(t, "sso-1", info["user_info"].(map[string]any)["sso_user_id"])
	require.Equal(t, []string{"created"}, trail(t, s, "LiteLLM_UserTable", "u"))
	require.Contains(t, trail(t, s, "LiteLLM_TeamTable", "red"), "updated")
	refusal{http.StatusConflict, "bad_request_error", "None", "User with sso_user_id sso-1 already exists"}.check(t, admin.Post(t, "/user/new", `{"sso_user_id":"sso-1"}`))
	for _, path := range []string{"/user/info?user_id=u", "/v2/user/info?user_id=u", "/user/list", "/audit?page_size=100"} {
		got := admin.Get(t, path)
		got.OK(t)
		require.NotContains(t, string(got.Body), "scrypt", path)
		require.NotContains(t, string(got.Body), "correct horse", path)
	}
	// A key that can not be made takes nothing along.
	s.NewKey(t, map[string]any{"key_alias": "taken"})
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/user/new", `{"user_id":"v","key_alias":"taken"}`).Status)
	require.Equal(t, http.StatusNotFound, admin.Get(t, "/user/info?user_id=v").Status)
}

func TestUsers_have_defaults(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig + `litellm_settings:
  max_internal_user_budget: 9
  internal_user_budget_duration: 7d
  default_internal_user_params:
    user_role: internal_user_viewer
    models: [mock]
    rpm_limit: 5
    teams: [first, {team_id: second, max_budget_in_team: 2}, nothing]
`})
	s.NewTeam(t, map[string]any{"team_id": "first"})
	s.NewTeam(t, map[string]any{"team_id": "second"})
	admin := s.Master()
	made := admin.Post(t, "/user/new", `{}`).OK(t)
	require.Equal(t, "internal_user_viewer", made["user_role"])
	require.Equal(t, []any{"mock"}, made["models"])
	require.Equal(t, []any{"first", "second"}, made["teams"])
	require.InDelta(t, 9, made["max_budget"], 0)
	require.Equal(t, "7d", made["budget_duration"])
	require.InDelta(t, 5, made["rpm_limit"], 0)
	own := admin.Post(t, "/user/new", `{"user_role":"internal_user","max_budget":1,"models":["secret-model"],"teams":["first"],"rpm_limit":7}`).OK(t)
	require.Equal(t, "internal_user", own["user_role"])
	require.Equal(t, []any{"secret-model"}, own["models"])
	require.Equal(t, []any{"first"}, own["teams"])
	require.InDelta(t, 1, own["max_budget"], 0)
	require.Nil(t, own["budget_duration"])
	require.InDelta(t, 7, own["rpm_limit"], 0)
	boss := admin.Post(t, "/user/new", `{"user_role":"proxy_admin"}`).OK(t)
	require.Nil(t, boss["max_budget"], "admins have no defaults")
	require.Empty(t, boss["teams"])
}

func TestUser_update(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			id := ident.NewKey()[3:]
			s.NewUser(t, map[string]any{"user_id": id, "max_budget": 5, "models": []string{"mock"}, "metadata": map[string]any{"a": 1}})
			reply := shape{"user_id": "string", "data": "object"}
			got := reply.check(t, admin.Post(t, "/user/update", map[string]any{
				"user_id": id, "user_role": "internal_user", "rpm_limit": 7, "models": []string{}, "metadata": map[string]any{}, "user_alias": nil, "tpm_limit": nil,
			}).OK(t))
			data := userRow().check(t, got["data"])
			require.Equal(t, id, got["user_id"])
			require.InDelta(t, 7, data["rpm_limit"], 0)
			require.Equal(t, []any{"mock"}, data["models"], "what is empty changes nothing")
			require.InDelta(t, 5, data["max_budget"], 0)
			data = userRow().check(t, admin.Post(t, "/user/update", map[string]any{"user_id": id, "max_budget": nil, "rpm_limit": nil, "spend": 1.5}).OK(t)["data"])
			require.Nil(t, data["max_budget"], "null clears a budget")
			require.InDelta(t, 7, data["rpm_limit"], 0)
			require.InDelta(t, 1.5, data["spend"], 0)
			require.Equal(t, []string{"created", "updated", "updated"}, trail(t, s, "LiteLLM_UserTable", id))
			updateOneself(t, s, url, id)
			updateErrors(t, admin, id)
		})
	}
}

// updateOneself changes what a user may change of themselves.
func updateOneself(t *testing.T, s *stack.Stack, url, id string) {
	t.Helper()
	own := s.Client(s.NewKey(t, map[string]any{"user_id": id})).At(url)
	address := mail()
	s.Master().Post(t, "/user/update", map[string]any{"user_id": id, "user_email": address}).OK(t)
	data := userRow().check(t, own.Post(t, "/user/update", map[string]any{"user_id": id, "user_email": address, "password": "correct horse", "user_alias": "Me"}).OK(t)["data"])
	require.Equal(t, address, data["user_email"], "what stays may be sent")
	require.Equal(t, "Me", own.Post(t, "/user/update", map[string]any{"user_email": address, "user_alias": "Me"}).OK(t)["data"].(map[string]any)["user_alias"])
	for _, c := range []struct {
		body    string
		status  int
		message string
	}{
		{`{"user_id":"` + id + `","user_email":"` + mail() + `"}`, 403, "Only proxy admins can change a user's address."},
		{`{"user_id":"` + id + `","user_role":"proxy_admin"}`, 403, "Only proxy admins can modify user roles."},
		{`{"user_id":"` + id + `","max_budget":null}`, 403, "updating invalid param: max_budget."},
		{`{"user_id":"` + id + `","spend":0}`, 403, "updating invalid param: spend."},
		{`{"user_id":"default_user_id","user_alias":"x"}`, 401, "Only proxy admin can be used to generate, delete, update info for new keys/users/teams."},
		{`{"user_email":"` + mail() + `","user_alias":"x"}`, 401, "Only proxy admin can be used"},
	} {
		r := own.Post(t, "/user/update", c.body)
		require.Equal(t, c.status, r.Status, "%s: %s", c.body, r.Body)
		require.Contains(t, string(r.Body), c.message)
	}
	row := items(t, s.Master().Get(t, "/audit?page_size=1&object_id="+id).OK(t)["audit_logs"])[0]
	require.Equal(t, id, row["changed_by"])
	require.NotContains(t, fmt.Sprint(row), "scrypt")
}

func updateErrors(t *testing.T, admin *stack.Client, id string) {
	t.Helper()
	r := admin.Post(t, "/user/update", `{"user_alias":"x"}`)
	require.Equal(t, http.StatusUnprocessableEntity, r.Status)
	require.Contains(t, string(r.Body), "Either user_id or user_email must be provided")
	refusal{http.StatusNotFound, "not_found_error", "None", "User nobody not found"}.check(t, admin.Post(t, "/user/update", `{"user_id":"nobody","user_alias":"x"}`))
	checkInvalid(t, admin.Post(t, "/user/update", map[string]any{"user_id": id, "user_role": "king"}), "enum", "user_role")
	checkInvalid(t, admin.Post(t, "/user/update", map[string]any{"user_id": id, "password": "short"}), "string_too_short", "password")
	checkInvalid(t, admin.Post(t, "/user/update", `{"user_id":7}`), "string_type", "user_id")
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/user/update", map[string]any{"user_id": id, "spend": -1}).Status)
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/user/update", map[string]any{"user_id": id, "rpm_limit": -1}).Status)
	taken := mail()
	made := admin.Post(t, "/user/update", map[string]any{"user_email": taken, "user_alias": "New"}).OK(t)
	require.NotEqual(t, id, made["user_id"], "an address that nobody has is that of a new user")
	require.Equal(t, taken, made["data"].(map[string]any)["user_email"])
	refusal{http.StatusConflict, "bad_request_error", "None", "User with email " + taken + " already exists"}.
		check(t, admin.Post(t, "/user/update", map[string]any{"user_id": id, "user_email": taken}))
}

func TestUser_bulk_update(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig})
	admin := s.Master()
	for _, id := range []string{"a", "b", "c"} {
		s.NewUser(t, map[string]any{"user_id": id})
	}
	reply := shape{"results": "array", "total_requested": "number", "successful_updates": "number", "failed_updates": "number"}
	result := shape{"user_id": "string?", "user_email": "string?", "success": "bool", "error": "string?", "updated_user": "object?"}
	got := reply.check(t, admin.Post(t, "/user/bulk_update", `{"users":[{"user_id":"a","user_alias":"A"},{"user_id":"nobody","user_alias":"x"},{"user_id":"b","rpm_limit":3}]}`).OK(t))
	require.InDelta(t, 2, got["successful_updates"], 0)
	require.InDelta(t, 1, got["failed_updates"], 0)
	require.InDelta(t, 3, got["total_requested"], 0)
	results := items(t, got["results"])
	require.Equal(t, "A", userRow().check(t, result.check(t, any(results[0]))["updated_user"])["user_alias"])
	require.Equal(t, "User nobody not found", result.check(t, any(results[1]))["error"])
	require.Nil(t, results[1]["updated_user"])

	got = reply.check(t, admin.Post(t, "/user/bulk_update", `{"all_users":true,"user_updates":{"max_budget":4,"models":["mock"]}}`).OK(t))
	require.InDelta(t, 3, got["successful_updates"], 0)
	for _, id := range []string{"a", "b", "c"} {
		user := admin.Get(t, "/v2/user/info?user_id="+id).OK(t)
		require.InDelta(t, 4, user["max_budget"], 0)
		actions := trail(t, s, "LiteLLM_UserTable", id)
		require.Equal(t, "updated", actions[len(actions)-1])
	}
	var many []map[string]any
	for i := range 501 {
		many = append(many, map[string]any{"user_id": fmt.Sprint(i), "user_alias": "x"})
	}
	for _, body := range []any{
		`{}`, `{"all_users":true}`,
		map[string]any{"users": many},
		`{"all_users":true,"user_updates":{"password":"correct horse"}}`,
		`{"all_users":true,"user_updates":{"rpm_limit":1},"users":[{"user_id":"a"}]}`,
	} {
		require.Equal(t, http.StatusBadRequest, admin.Post(t, "/user/bulk_update", body).Status)
	}
}

func TestUser_delete(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, DataPlanes: 2})
	admin := s.Master()
	admin.Post(t, "/organization/new", `{"organization_id":"org","organization_alias":"Org"}`).OK(t)
	s.NewTeam(t, map[string]any{"team_id": "team"})
	for face, url := range faces(s) {
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			id, other := ident.NewKey()[3:], ident.NewKey()[3:]
			made := admin.Post(t, "/user/new", map[string]any{"user_id": id, "teams": []any{map[string]any{"team_id": "team", "max_budget_in_team": 2}}, "organizations": []string{"org"}}).OK(t)
			key, _ := made["key"].(string)
			s.NewUser(t, map[string]any{"user_id": other, "teams": []string{"team"}})
			second := s.NewKey(t, map[string]any{"user_id": other, "team_id": "team"})
			link := admin.Post(t, "/invitation/new", map[string]any{"user_id": id}).OK(t)["id"]
			atOnce(t, s, key, "mock")
			atOnce(t, s, second, "mock")

			r := admin.At(url).Post(t, "/user/delete", map[string]any{"user_ids": []string{id, other}})
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			require.Equal(t, "2", strings.TrimSpace(string(r.Body)))
			for _, k := range []string{key, second} {
				obeys(t, s, k, "mock", http.StatusUnauthorized)
			}
			require.Equal(t, http.StatusNotFound, admin.Get(t, "/user/info?user_id="+id).Status)
			require.NotContains(t, string(admin.Get(t, "/team/info?team_id=team").Body), id)
			require.NotContains(t, string(admin.Get(t, "/organization/info?organization_id=org").Body), id)
			checkError(t, admin.Get(t, "/invitation/info?invitation_id="+fmt.Sprint(link)), http.StatusBadRequest, "Invitation id does not exist in the database.")
			gone := admin.Get(t, "/key/list?status=deleted&return_full_object=true&user_id="+id).OK(t)
			require.InDelta(t, 1, gone["total_count"], 0)
			require.Equal(t, []string{"created", "deleted"}, trail(t, s, "LiteLLM_UserTable", id))
			require.Equal(t, []string{"created", "deleted"}, trail(t, s, "LiteLLM_VerificationToken", ident.HashKey(key)))
			require.Equal(t, []string{"created", "deleted"}, trail(t, s, "LiteLLM_InvitationLink", ident.HashKey(fmt.Sprint(link))))

			checkError(t, admin.At(url).Post(t, "/user/delete", map[string]any{"user_ids": []string{id}}), http.StatusNotFound, "User not found, passed user_id="+id)
			checkInvalid(t, admin.At(url).Post(t, "/user/delete", `{"user_ids":[]}`), "too_short", "user_ids")
			checkInvalid(t, admin.At(url).Post(t, "/user/delete", `{"user_ids":"x"}`), "slice_type", "user_ids")
		})
	}
}

// Admins of organisations delete and invite users who are in nothing else.
func TestUsers_of_an_organization(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig)
	c.Master().Post(t, "/organization/new", `{"organization_id":"other","organization_alias":"Other"}`).OK(t)
	c.NewTeam(t, map[string]any{"team_id": "free"})
	c.NewUser(t, map[string]any{"user_id": "ours", "organizations": []string{"org"}, "teams": []string{"team"}})
	c.NewUser(t, map[string]any{"user_id": "shared", "organizations": []string{"org", "other"}})
	c.NewUser(t, map[string]any{"user_id": "elsewhere", "organizations": []string{"org"}, "teams": []string{"free"}})
	c.NewUser(t, map[string]any{"user_id": "root", "user_role": "proxy_admin"})
	c.Master().Post(t, "/organization/member_add", `{"organization_id":"org","member":{"user_id":"root","role":"internal_user"}}`).OK(t)
	for _, id := range []string{"shared", "elsewhere", "root", "user", "nobody"} {
		require.Equal(t, http.StatusUnauthorized, c.boss.Post(t, "/user/delete", map[string]any{"user_ids": []string{id}}).Status, id)
		require.Equal(t, http.StatusBadRequest, c.boss.Post(t, "/invitation/new", map[string]any{"user_id": id}).Status, id)
	}
	refusal{http.StatusForbidden, "auth_error", "None", "Only proxy admins and organization admins can list users. Your role=internal_user"}.check(t, c.user.Get(t, "/user/list"))
	refusal{http.StatusForbidden, "auth_error", "None", "You are not an admin of organization_id=other"}.check(t, c.boss.Get(t, "/user/list?organization_ids=other"))
	list := c.boss.Get(t, "/user/list?sort_by=user_id").OK(t)
	var ids []any
	for _, u := range items(t, list["users"]) {
		ids = append(ids, u["user_id"])
	}
	require.Equal(t, []any{"boss", "elsewhere", "ours", "root", "shared"}, ids)
	require.Equal(t, http.StatusForbidden, c.boss.Post(t, "/user/new", `{"organizations":["org"],"user_role":"proxy_admin"}`).Status)
	require.Equal(t, http.StatusForbidden, c.boss.Post(t, "/user/new", `{"organizations":["org"],"teams":["free"]}`).Status)
	require.Equal(t, http.StatusUnauthorized, c.boss.Post(t, "/user/new", `{"organizations":["org"],"user_id":"default_user_id"}`).Status)
	require.Equal(t, http.StatusForbidden, c.boss.Post(t, "/user/new", `{"organizations":["org"],"sso_user_id":"somebody's"}`).Status)
	require.Equal(t, http.StatusBadRequest, c.boss.Post(t, "/team/new", `{"organization_id":"org","team_id":"litellm-dashboard"}`).Status, "the team of all sessions")
	c.boss.Post(t, "/user/new", `{"organizations":["org"],"teams":["team"]}`).OK(t)
	c.boss.Post(t, "/invitation/new", `{"user_id":"ours"}`).OK(t)
	require.Equal(t, "1", strings.TrimSpace(string(c.boss.Post(t, "/user/delete", `{"user_ids":["ours"]}`).Body)))
}

func TestUser_list(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	admin := s.Master()
	s.NewTeam(t, map[string]any{"team_id": "team"})
	for i, name := range []string{"ann", "ben", "cat"} {
		s.NewUser(t, map[string]any{"user_id": "id-" + name, "user_email": name + "@Example.com", "user_alias": name, "sso_user_id": "sso-" + name})
		admin.Post(t, "/user/update", map[string]any{"user_id": "id-" + name, "spend": i + 1}).OK(t)
	}
	s.NewUser(t, map[string]any{"user_id": "viewer", "user_role": "proxy_admin_viewer", "teams": []string{"team"}})
	s.NewKey(t, map[string]any{"user_id": "id-ann"})
	s.NewKey(t, map[string]any{"user_id": "id-ann"})
	page := shape{"users": "array", "total": "number", "page": "number", "page_size": "number", "total_pages": "number"}
	for query, want := range map[string][]string{
		"":                                       {"viewer", "id-cat", "id-ben", "id-ann"},
		"sort_by=user_id":                        {"id-ann", "id-ben", "id-cat", "viewer"},
		"sort_by=user_email&sort_order=desc":     {"viewer", "id-cat", "id-ben", "id-ann"},
		"sort_by=created_at&sort_order=asc":      {"id-ann", "id-ben", "id-cat", "viewer"},
		"sort_by=spend&sort_order=desc":          {"id-cat", "id-ben", "id-ann", "viewer"},
		"sort_by=user_id&page=2&page_size=3":     {"viewer"},
		"user_ids=id-&sort_by=user_id":           {"id-ann", "id-ben", "id-cat"},
		"user_ids=id-ben,viewer&sort_by=user_id": {"id-ben", "viewer"},
		"user_ids=id,viewer":                     {"viewer"},
		"sso_user_ids=sso-ben,sso-cat":           {"id-cat", "id-ben"},
		"user_email=BEN@example":                 {"id-ben"},
		"role=proxy_admin_viewer":                {"viewer"},
		"team=team":                              {"viewer"},
		"organization_ids=nothing":               {},
	} {
		got := page.check(t, admin.Get(t, "/user/list?"+query).OK(t))
		ids := []string{}
		for _, u := range items(t, got["users"]) {
			userRow().with(shape{"key_count": "number"}).check(t, any(u))
			ids = append(ids, fmt.Sprint(u["user_id"]))
			if u["user_id"] == "id-ann" {
				require.InDelta(t, 2, u["key_count"], 0)
			}
		}
		require.Equal(t, want, ids, query)
	}
	second := admin.Get(t, "/user/list?page=2&page_size=3").OK(t)
	require.InDelta(t, 4, second["total"], 0)
	require.InDelta(t, 2, second["total_pages"], 0)
	for _, query := range []string{"sort_by=password", "sort_by=user_id&sort_order=up"} {
		require.Equal(t, http.StatusBadRequest, admin.Get(t, "/user/list?"+query).Status, query)
	}
	for _, query := range []string{"page=0", "page_size=101", "page=x"} {
		require.Equal(t, http.StatusUnprocessableEntity, admin.Get(t, "/user/list?"+query).Status, query)
	}
	require.Equal(t, admin.Get(t, "/user/list").Body, admin.Post(t, "/user/get_users", nil).Body)
	require.Equal(t, admin.Get(t, "/user/list").Body, admin.Get(t, "/user/get_users").Body)
}

func TestUser_reads(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	admin := s.Master()
	s.NewTeam(t, map[string]any{"team_id": "team", "team_alias": "Team"})
	s.NewUser(t, map[string]any{"user_id": "ann", "user_email": "ann@example.com", "teams": []string{"team"}})
	s.NewUser(t, map[string]any{"user_id": "ben", "user_email": "ben@example.com", "teams": []string{"team"}})
	s.NewUser(t, map[string]any{"user_id": "cat"})
	ann := s.Client(s.NewKey(t, map[string]any{"user_id": "ann", "team_id": "team"}))

	profile := shape{
		"user_id": "string", "user_email": "string?", "user_alias": "string?", "user_role": "string?", "spend": "number", "max_budget": "number?", "models": "array",
		"budget_duration": "string?", "budget_reset_at": "time?", "metadata": "object?", "created_at": "time?", "updated_at": "time?", "sso_user_id": "string?", "teams": "array",
	}
	require.Equal(t, []any{"team"}, profile.check(t, admin.Get(t, "/v2/user/info?user_id=ann").OK(t))["teams"])
	require.Equal(t, "ann", ann.Get(t, "/v2/user/info").OK(t)["user_id"])
	unknown := refusal{http.StatusNotFound, "not_found_error", "None", "User ben not found"}
	unknown.check(t, ann.Get(t, "/v2/user/info?user_id=ben"))
	unknown.message = "User nobody not found"
	unknown.check(t, admin.Get(t, "/v2/user/info?user_id=nobody"))
	require.Equal(t, http.StatusBadRequest, s.Client(s.NewKey(t, nil)).Get(t, "/v2/user/info").Status)

	everything := admin.Get(t, "/user/info").OK(t)
	require.Len(t, everything["teams"], 1)
	require.Len(t, everything["keys"], 2)
	require.Equal(t, "Team", items(t, ann.Get(t, "/user/info").OK(t)["keys"])[0]["team_alias"])

	roles := ann.Get(t, "/user/available_roles").OK(t)
	require.Len(t, roles, 4)
	for _, role := range []string{"proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"} {
		shape{"description": "string", "ui_label": "string"}.check(t, roles[role])
	}
	seats := shape{
		"total_users": "number?", "total_users_used": "number", "total_users_remaining": "number?",
		"total_teams": "number?", "total_teams_used": "number", "total_teams_remaining": "number?",
	}.check(t, admin.Get(t, "/user/available_users").OK(t))
	require.InDelta(t, 3, seats["total_users_used"], 0)
	require.Nil(t, seats["total_users"])

	var found []map[string]any
	decode(t, admin.Get(t, "/user/filter/ui"), &found)
	require.Len(t, found, 3)
	shape{"user_id": "string", "user_email": "string?"}.check(t, any(found[0]))
	decode(t, admin.Get(t, "/user/filter/ui?user_email=BEN"), &found)
	require.Equal(t, []map[string]any{{"user_id": "ben", "user_email": "ben@example.com"}}, found)
	decode(t, admin.Get(t, "/user/filter/ui?user_id=a&page_size=1&page=2"), &found)
	require.Len(t, found, 1)
	decode(t, admin.Get(t, "/user/filter/ui?team_id=team"), &found)
	require.Len(t, found, 2)
	decode(t, ann.Get(t, "/user/filter/ui"), &found)
	require.Len(t, found, 2, "oneself, and those of one's teams")
}

// A team that comes from LiteLLM may name a member by address alone: whoever had
// that address would be the member.
func TestUsers_take_no_place_in_a_team(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	s.NewTeam(t, map[string]any{"team_id": "team"})
	_, err := s.DB().Exec(t.Context(), `UPDATE team_table SET members_with_roles = '[{"user_email":"lead@example.com","user_id":null,"role":"admin"}]'`)
	require.NoError(t, err)
	s.NewUser(t, map[string]any{"user_id": "ann"})
	ann := s.Client(s.NewKey(t, map[string]any{"user_id": "ann"}))
	refusal{http.StatusForbidden, "auth_error", "None", "Only proxy admins can change a user's address."}.
		check(t, ann.Post(t, "/user/update", `{"user_id":"ann","user_email":"lead@example.com"}`))
	s.Master().Post(t, "/user/update", `{"user_id":"ann","user_email":"lead@example.com"}`).OK(t)
	ann.Get(t, "/team/info?team_id=team").OK(t)
	require.Equal(t, http.StatusOK, s.Master().Post(t, "/user/delete", `{"user_ids":["ann"]}`).Status)
	require.NotContains(t, string(s.Master().Get(t, "/team/info?team_id=team").Body), "lead@example.com")
}

// Whoever changes a user at the same time waits, and nobody is refused for it.
func TestUsers_changed_at_once(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, ControlPlanes: 2})
	s.NewTeam(t, map[string]any{"team_id": "team"})
	admin := s.Master()
	for round := range 5 {
		id := fmt.Sprintf("user-%d", round)
		address := id + "@example.com"
		calls := []step{
			{path: "/user/new", body: `{"user_id":"` + id + `","user_email":"` + address + `","password":"correct horse","teams":["team"]}`},
			{path: "/team/member_add", body: `{"team_id":"team","member":{"user_id":"` + id + `","role":"user"}}`},
			{path: "/user/new", body: `{"user_id":"` + id + `","teams":["team"]}`},
			{path: "/user/update", body: `{"user_id":"` + id + `","password":"battery staple"}`},
			{path: "/user/update", body: `{"user_id":"` + id + `","rpm_limit":3}`},
			{path: "/v2/login", body: `{"username":"` + address + `","password":"correct horse"}`},
			{path: "/user/delete", body: `{"user_ids":["` + id + `"]}`},
			{path: "/invitation/new", body: `{"user_id":"` + id + `"}`},
		}
		replies := make([]stack.Reply, len(calls))
		var wg sync.WaitGroup
		for i, c := range calls {
			wg.Go(func() { replies[i] = admin.At(s.ControlPlane(i%2)).Post(t, c.path, c.body) })
		}
		wg.Wait()
		for i, r := range replies {
			require.Less(t, r.Status, http.StatusInternalServerError, "%s: %s", calls[i].path, r.Body)
		}
	}
	// Teams and users agree on who is in.
	require.Zero(t, s.Scalar(t, `SELECT count(*) FROM user_table WHERE 'team' = ANY(teams) AND NOT EXISTS (
		SELECT 1 FROM team_table t WHERE t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', user_id)))`))
	require.Zero(t, s.Scalar(t, `SELECT count(*) FROM team_table t, jsonb_array_elements(t.members_with_roles) m WHERE NOT EXISTS (
		SELECT 1 FROM user_table u WHERE u.user_id = m->>'user_id' AND 'team' = ANY(u.teams))`))
}
