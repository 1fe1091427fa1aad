package contract_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

// send sends a body by a method that is not POST.
func send(t *testing.T, c *stack.Client, method, path string, body any) stack.Reply {
	t.Helper()
	return c.Do(t, method, path, stack.Body(t, body))
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig, DataPlanes: 2})
	s.Master().Post(t, "/budget/new", `{"budget_id":"gold","rpm_limit":5}`).OK(t)
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			id, alias := unique(), unique()
			made := orgRow().check(t, admin.Post(t, "/organization/new", map[string]any{
				"organization_id": id, "organization_alias": alias, "models": []string{"mock"}, "max_budget": 100, "budget_duration": "30d", "rpm_limit": 9,
				"metadata": map[string]any{"floor": 2}, "model_rpm_limit": map[string]int{"mock": 5},
			}).OK(t))
			require.Equal(t, map[string]any{"floor": 2.0, "model_rpm_limit": map[string]any{"mock": 5.0}}, made["metadata"])
			budget := nestedBudget().check(t, made["litellm_budget_table"])
			require.Equal(t, made["budget_id"], budget["budget_id"])
			require.InDelta(t, 100, budget["max_budget"], 0)
			bare := orgRow().check(t, admin.Post(t, "/organization/new", map[string]any{"organization_alias": alias}).OK(t))
			require.Regexp(t, `^[0-9a-f-]{36}$`, bare["organization_id"])
			require.NotNil(t, bare["budget_id"], "there always is a budget")

			full := orgRow().with(shape{"members": "array", "teams": "array"})
			changed := full.check(t, send(t, admin, http.MethodPatch, "/organization/update", map[string]any{
				"organization_id": id, "metadata": map[string]any{"wing": "a"}, "litellm_budget_table": map[string]any{"max_budget": 50},
			}).OK(t))
			require.Equal(t, map[string]any{"floor": 2.0, "wing": "a", "model_rpm_limit": map[string]any{"mock": 5.0}}, changed["metadata"])
			budget = nestedBudget().check(t, changed["litellm_budget_table"])
			require.InDelta(t, 50, budget["max_budget"], 0)
			require.InDelta(t, 9, budget["rpm_limit"], 0)
			tier := send(t, admin, http.MethodPatch, "/organization/update", map[string]any{"organization_id": id, "budget_id": "gold"}).OK(t)
			require.Equal(t, "gold", tier["budget_id"])

			orgMembers(t, s, admin, id)
			orgReads(t, s, admin, id, alias)
			orgErrors(t, admin)
			orgDelete(t, s, admin, id)
		})
	}
}

func orgMembers(t *testing.T, s *stack.Stack, admin *stack.Client, id string) {
	t.Helper()
	boss, mail := unique(), strings.ReplaceAll(unique(), " ", "")+"@example.com"
	added := shape{"organization_id": "string", "updated_users": "array", "updated_organization_memberships": "array"}.check(t,
		admin.Post(t, "/organization/member_add", map[string]any{
			"organization_id": id, "max_budget_in_organization": 5, "member": []map[string]string{{"user_id": boss, "role": "org_admin"}, {"user_email": mail, "role": "internal_user"}},
		}).OK(t))
	require.Len(t, added["updated_users"], 2)
	rows := items(t, added["updated_organization_memberships"])
	require.Len(t, rows, 2)
	first := orgMember().check(t, any(rows[0]))
	require.Equal(t, boss, userRow().check(t, first["user"])["user_id"])
	require.InDelta(t, 5, nestedBudget().check(t, first["litellm_budget_table"])["max_budget"], 0)
	require.Equal(t, mail, rows[1]["user_email"])

	changed := orgMember().check(t, send(t, admin, http.MethodPatch, "/organization/member_update", map[string]any{
		"organization_id": id, "user_email": mail, "role": "internal_user_viewer", "max_budget_in_organization": 7,
	}).OK(t))
	require.Equal(t, "internal_user_viewer", changed["user_role"])
	require.InDelta(t, 7, nestedBudget().check(t, changed["litellm_budget_table"])["max_budget"], 0)

	key := s.Client(s.NewKey(t, map[string]any{"user_id": boss}))
	info := key.Get(t, "/organization/info?organization_id="+strings.ReplaceAll(id, " ", "+")).OK(t)
	require.Len(t, info["members"], 2, "an admin of the organization may look")
	gone := orgMember().check(t, send(t, admin, http.MethodDelete, "/organization/member_delete", map[string]any{"organization_id": id, "user_id": boss}).OK(t))
	require.Equal(t, boss, gone["user_id"])
	require.Equal(t, http.StatusUnauthorized, key.Get(t, "/organization/info?organization_id="+strings.ReplaceAll(id, " ", "+")).Status)
	again := map[string]any{"organization_id": id, "user_id": boss}
	checkError(t, send(t, admin, http.MethodDelete, "/organization/member_delete", again), http.StatusNotFound, "User not found in organization. organization_id="+id)
}

func orgReads(t *testing.T, s *stack.Stack, admin *stack.Client, id, alias string) {
	t.Helper()
	team := s.NewTeam(t, map[string]any{"organization_id": id})
	full := orgRow().with(shape{"members": "array", "teams": "array"})
	info := full.with(shape{"users": "array", "object_permission": "object?"}).check(t, admin.Get(t, "/organization/info?organization_id="+strings.ReplaceAll(id, " ", "+")).OK(t))
	require.Len(t, info["members"], 1)
	require.Len(t, info["users"], 1)
	require.Equal(t, team, teamView().check(t, items(t, info["teams"])[0])["team_id"])
	var list []map[string]any
	decode(t, admin.Get(t, "/organization/list?org_alias="+strings.ReplaceAll(strings.ToUpper(alias), " ", "+")), &list)
	require.Len(t, list, 2)
	full.check(t, any(list[0]))
	decode(t, admin.Get(t, "/organization/list?org_id="+strings.ReplaceAll(id, " ", "+")), &list)
	require.Len(t, list, 1)
	decode(t, admin.Post(t, "/organization/info", map[string]any{"organizations": []string{id, "nothing"}}), &list)
	require.Len(t, list, 1)
	member := items(t, info["members"])[0]["user_id"]
	decode(t, s.Client(s.NewKey(t, map[string]any{"user_id": member})).Get(t, "/organization/list"), &list)
	require.Len(t, list, 1, "the own alone")
	decode(t, s.Client(s.NewKey(t, nil)).Get(t, "/organization/list"), &list)
	require.Empty(t, list)
}

func orgErrors(t *testing.T, admin *stack.Client) {
	t.Helper()
	id := unique()
	admin.Post(t, "/organization/new", map[string]any{"organization_id": id, "organization_alias": "A"}).OK(t)
	checkError(t, admin.Post(t, "/organization/new", map[string]any{"organization_id": id, "organization_alias": "A"}), http.StatusBadRequest, "Organization with id "+id+" already exists")
	checkError(t, admin.Post(t, "/organization/new", `{"organization_alias":"A","max_budget":-1}`), http.StatusBadRequest, "max_budget cannot be negative. Received: -1")
	checkError(t, admin.Post(t, "/organization/new", `{"organization_alias":"A","budget_id":"nothing"}`), http.StatusBadRequest, "Budget with id 'nothing' does not exist.")
	checkInvalid(t, admin.Post(t, "/organization/new", `{}`), "missing", "organization_alias")
	checkInvalid(t, admin.Post(t, "/organization/new", `{"organization_alias":7}`), "string_type", "organization_alias")
	checkInvalid(t, admin.Post(t, "/organization/new", `{"organization_alias":"A","models":"all"}`), "slice_type", "models")
	checkInvalid(t, admin.Post(t, "/organization/new", `{"organization_alias":"A","metadata":{"a":"\u0000"}}`), "value_error", "body")
	checkInvalid(t, admin.Post(t, "/organization/new", map[string]any{"organization_alias": strings.Repeat("x", 2049)}), "string_too_long", "organization_alias")
	checkInvalid(t, admin.Post(t, "/organization/new", map[string]any{"organization_id": strings.Repeat("x", tooLong), "organization_alias": "A"}), "string_too_long", "organization_id")
	checkInvalid(t, send(t, admin, http.MethodPatch, "/organization/update", `{}`), "missing", "organization_id")
	checkInvalid(t, send(t, admin, http.MethodDelete, "/organization/delete", `{}`), "missing", "organization_ids")
	const unknown = "Organization not found for organization_id=nothing"
	checkError(t, send(t, admin, http.MethodPatch, "/organization/update", `{"organization_id":"nothing"}`), http.StatusNotFound, unknown)
	checkError(t, send(t, admin, http.MethodDelete, "/organization/delete", `{"organization_ids":["nothing"]}`), http.StatusNotFound, unknown)
	checkError(t, admin.Get(t, "/organization/info?organization_id=nothing"), http.StatusNotFound, "Organization not found")
	checkError(t, admin.Post(t, "/organization/member_add", `{"organization_id":"nothing","member":{"user_id":"u","role":"org_admin"}}`), http.StatusNotFound, unknown)
	checkError(t, send(t, admin, http.MethodPatch, "/organization/member_update", `{"organization_id":"nothing","user_id":"u"}`), http.StatusBadRequest, unknown)
	checkInvalid(t, admin.Post(t, "/organization/member_add", map[string]any{"organization_id": id, "member": map[string]string{"user_id": "u", "role": "king"}}), "enum", "role")
	checkInvalid(t, admin.Post(t, "/organization/member_add", map[string]any{"organization_id": id, "member": map[string]string{"role": "org_admin"}}), "value_error", "body")
	checkInvalid(t, admin.Post(t, "/organization/member_add", map[string]any{"organization_id": id}), "missing", "member")
}

// orgDelete holds that what belongs to an organization ends with it, at once.
func orgDelete(t *testing.T, s *stack.Stack, admin *stack.Client, id string) {
	t.Helper()
	key := s.NewKey(t, map[string]any{"organization_id": id})
	atOnce(t, s, key, "mock")
	var gone []map[string]any
	decode(t, send(t, admin, http.MethodDelete, "/organization/delete", map[string]any{"organization_ids": []string{id}}), &gone)
	require.Len(t, gone, 1)
	require.Equal(t, id, orgRow().check(t, any(gone[0]))["organization_id"])
	obeys(t, s, key, "mock", http.StatusUnauthorized)
	require.Equal(t, http.StatusNotFound, admin.Get(t, "/organization/info?organization_id="+strings.ReplaceAll(id, " ", "+")).Status)
}

func TestTags(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			name := unique()
			changed := shape{"message": "string", "tag": "object"}
			made := changed.check(t, admin.Post(t, "/tag/new", map[string]any{"name": name, "description": "d", "models": []string{"mock"}, "max_budget": 1, "budget_duration": "1d"}).OK(t))
			require.Equal(t, "Tag "+name+" created successfully", made["message"])
			view := tagView().check(t, made["tag"])
			require.Equal(t, []any{"mock"}, view["models"])
			require.Len(t, view["model_info"], 1)
			updated := changed.check(t, admin.Post(t, "/tag/update", map[string]any{"name": name, "rpm_limit": 4, "description": "e"}).OK(t))
			require.Equal(t, "Tag "+name+" updated successfully", updated["message"])
			info := tagView().with(shape{"litellm_budget_table": "object?"}).check(t, admin.Post(t, "/tag/info", map[string]any{"names": []string{name}}).OK(t)[name])
			require.Equal(t, "e", info["description"])
			require.Equal(t, []any{"mock"}, info["models"])
			budget := nestedBudget().check(t, info["litellm_budget_table"])
			require.InDelta(t, 4, budget["rpm_limit"], 0)
			require.InDelta(t, 1, budget["max_budget"], 0)
			var list []map[string]any
			decode(t, admin.Get(t, "/tag/list"), &list)
			require.NotEmpty(t, list)
			require.Equal(t, "Tag "+name+" deleted successfully", admin.Post(t, "/tag/delete", map[string]any{"name": name}).OK(t)["message"])

			checkDetail(t, admin.Post(t, "/tag/delete", map[string]any{"name": name}), http.StatusNotFound, "Tag "+name+" not found")
			checkDetail(t, admin.Post(t, "/tag/update", map[string]any{"name": name}), http.StatusNotFound, "Tag "+name+" not found")
			checkDetail(t, admin.Post(t, "/tag/info", map[string]any{"names": []string{name}}), http.StatusNotFound, "Tags not found: ['"+name+"']")
			admin.Post(t, "/tag/new", map[string]any{"name": name}).OK(t)
			checkDetail(t, admin.Post(t, "/tag/new", map[string]any{"name": name}), http.StatusBadRequest, "Tag "+name+" already exists")
			for bad, typ := range badIDs() {
				checkInvalid(t, admin.Post(t, "/tag/new", `{"name":`+bad+`}`), typ, "name")
			}
			checkInvalid(t, admin.Post(t, "/tag/new", `{"name":"x","models":7}`), "slice_type", "models")
			checkInvalid(t, admin.Post(t, "/tag/info", `{}`), "missing", "names")
			checkInvalid(t, admin.Post(t, "/tag/delete", `{}`), "missing", "name")
		})
	}
}

func membershipRow() shape {
	return shape{"user_id": "string", "team_id": "string", "budget_id": "string?", "spend": "number", "litellm_budget_table": "object?"}
}

func TestTeam_members(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			ann, ben, mail := unique(), unique(), strings.ReplaceAll(unique(), " ", "")+"@example.com"
			team := s.NewTeam(t, map[string]any{
				"team_member_budget": 1, "team_member_rpm_limit": 10, "team_member_budget_duration": "30d",
				"members_with_roles": []map[string]string{{"user_id": ann, "role": "admin"}},
			})
			added := teamView().with(shape{"updated_users": "array", "updated_team_memberships": "array"}).check(t, admin.Post(t, "/team/member_add", map[string]any{
				"team_id": team, "member": map[string]string{"user_email": mail, "role": "user"}, "max_budget_in_team": 0.5, "tpm_limit": 7,
			}).OK(t))
			require.Len(t, added["members_with_roles"], 2)
			require.Equal(t, mail, userRow().check(t, items(t, added["updated_users"])[0])["user_email"])
			own := membershipRow().check(t, items(t, added["updated_team_memberships"])[0])
			budget := nestedBudget().check(t, own["litellm_budget_table"])
			require.InDelta(t, 0.5, budget["max_budget"], 0)
			require.InDelta(t, 7, budget["tpm_limit"], 0)
			require.InDelta(t, 10, budget["rpm_limit"], 0, "the team's, where the member has none")

			info := admin.Get(t, "/team/info?team_id="+team).OK(t)
			require.Len(t, info["team_memberships"], 2)
			view := teamView().with(shape{"team_member_budget_table": "object"}).check(t, info["team_info"])
			defaults := nestedBudget().check(t, view["team_member_budget_table"])
			require.InDelta(t, 1, defaults["max_budget"], 0)
			meta, _ := view["metadata"].(map[string]any)
			require.Equal(t, defaults["budget_id"], meta["team_member_budget_id"])
			for _, m := range items(t, info["team_memberships"]) {
				if m["user_id"] == ann {
					require.Equal(t, defaults["budget_id"], membershipRow().check(t, any(m))["budget_id"])
				}
			}
			memberChanges(t, s, admin, team, ann, ben)
			teamUpdate(t, admin, team, defaults["budget_id"])
			memberErrors(t, admin, team, ann, ben)
		})
	}
}

func memberChanges(t *testing.T, s *stack.Stack, admin *stack.Client, team, ann, ben string) {
	t.Helper()
	several := []map[string]string{{"user_id": ann, "role": "user"}, {"user_id": ben, "role": "user"}}
	require.Len(t, admin.Post(t, "/team/member_add", map[string]any{"team_id": team, "member": several}).OK(t)["updated_users"], 1, "those who are in it are passed over")
	refusal{http.StatusBadRequest, "team_member_already_in_team", "user_id", "User with user_id=" + ann + " already in team"}.
		check(t, admin.Post(t, "/team/member_add", map[string]any{"team_id": team, "member": several}))
	refusal{http.StatusBadRequest, "team_member_already_in_team", "user_id", "User with user_id=" + ben + " already in team"}.
		check(t, admin.Post(t, "/team/member_add", map[string]any{"team_id": team, "member": map[string]string{"user_id": ben, "role": "user"}}))

	changed := shape{"team_id": "string", "user_id": "string", "user_email": "string?", "max_budget_in_team": "number?", "tpm_limit": "number?", "rpm_limit": "number?"}.
		check(t, admin.Post(t, "/team/member_update", map[string]any{"team_id": team, "user_id": ben, "role": "admin", "max_budget_in_team": 3, "rpm_limit": 2}).OK(t))
	require.InDelta(t, 3, changed["max_budget_in_team"], 0)
	require.InDelta(t, 2, changed["rpm_limit"], 0)
	view, _ := admin.Get(t, "/team/info?team_id="+team).OK(t)["team_info"].(map[string]any)
	require.Contains(t, view["members_with_roles"], map[string]any{"user_id": ben, "user_email": nil, "role": "admin"})

	key := s.NewKey(t, map[string]any{"team_id": team, "user_id": ben})
	atOnce(t, s, key, "mock")
	left := teamView().check(t, admin.Post(t, "/team/member_delete", map[string]any{"team_id": team, "user_id": ben}).OK(t))
	require.Len(t, left["members_with_roles"], 2)
	obeys(t, s, key, "mock", http.StatusUnauthorized)
	user, _ := admin.Get(t, "/user/info?user_id="+strings.ReplaceAll(ben, " ", "%20")).OK(t)["user_info"].(map[string]any)
	require.Empty(t, user["teams"])
}

// teamUpdate changes what all members have, and metadata that says nothing of it.
func teamUpdate(t *testing.T, admin *stack.Client, team string, budget any) {
	t.Helper()
	changed := shape{"team_id": "string", "data": "object"}.check(t, admin.Post(t, "/team/update", map[string]any{
		"team_id": team, "team_alias": "core", "models": []string{"mock"}, "team_member_rpm_limit": 20, "team_member_budget": nil, "metadata": map[string]any{"floor": 2}, "rpm_limit": 100,
	}).OK(t))
	view := teamView().check(t, changed["data"])
	require.Equal(t, map[string]any{"floor": 2.0, "team_member_budget_id": budget}, view["metadata"])
	require.Equal(t, "core", view["team_alias"])
	require.InDelta(t, 100, view["rpm_limit"], 0)
	info, _ := admin.Get(t, "/team/info?team_id="+team).OK(t)["team_info"].(map[string]any)
	defaults := nestedBudget().check(t, info["team_member_budget_table"])
	require.InDelta(t, 20, defaults["rpm_limit"], 0)
	require.Nil(t, defaults["max_budget"])
	require.Equal(t, []any{"mock"}, admin.Post(t, "/team/update", map[string]any{"team_id": team, "blocked": false}).OK(t)["data"].(map[string]any)["models"])
	checkError(t, admin.Post(t, "/team/update", `{"team_id":"nothing"}`), http.StatusNotFound, "Team not found, passed team_id=nothing")
	checkInvalid(t, admin.Post(t, "/team/update", `{}`), "missing", "team_id")
}

func memberErrors(t *testing.T, admin *stack.Client, team, ann, ben string) {
	t.Helper()
	one := map[string]string{"user_id": "u", "role": "user"}
	checkError(t, admin.Post(t, "/team/member_add", map[string]any{"team_id": "nothing", "member": one}), http.StatusNotFound, "Team not found for team_id=nothing")
	for _, path := range []string{"/team/member_update", "/team/member_delete"} {
		checkError(t, admin.Post(t, path, `{"team_id":"nothing","user_id":"u"}`), http.StatusBadRequest, "Team id=nothing does not exist in db")
		checkInvalid(t, admin.Post(t, path, `{"user_id":"u"}`), "missing", "team_id")
		checkInvalid(t, admin.Post(t, path, map[string]any{"team_id": team}), "value_error", "body")
		checkInvalid(t, admin.Post(t, path, map[string]any{"team_id": team, "user_id": strings.Repeat("x", tooLong)}), "string_too_long", "user_id")
	}
	checkError(t, admin.Post(t, "/team/member_delete", map[string]any{"team_id": team, "user_id": ben}), http.StatusBadRequest, "User not found in team")
	checkError(t, admin.Post(t, "/team/member_update", map[string]any{"team_id": team, "user_id": ben}), http.StatusBadRequest,
		"User id doesn't exist in team table. Data=team_id="+team+" user_id="+ben)
	checkInvalid(t, admin.Post(t, "/team/member_add", map[string]any{"team_id": team}), "missing", "member")
	checkInvalid(t, admin.Post(t, "/team/member_add", map[string]any{"team_id": team, "member": map[string]string{"user_id": "u", "role": "king"}}), "enum", "role")
	checkInvalid(t, admin.Post(t, "/team/member_update", map[string]any{"team_id": team, "user_id": ann, "role": "king"}), "enum", "role")
	refusal{http.StatusBadRequest, "bad_request_error", "None", "max_budget_in_team cannot be negative. Received: -1"}.
		check(t, admin.Post(t, "/team/member_update", map[string]any{"team_id": team, "user_id": ann, "max_budget_in_team": -1}))
	refusal{http.StatusBadRequest, "bad_request_error", "None", "team_member_budget cannot be negative. Received: -1"}.check(t, admin.Post(t, "/team/new", `{"team_member_budget":-1}`))
}
