package contract_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

// company is an organisation with a team, and the keys of those who are in it.
type company struct {
	*stack.Stack

	// member and lead are in the team, boss is an admin of the organisation, and
	// user is in nothing.
	member, lead, boss, user *stack.Client
}

func newCompany(t *testing.T, config string, permissions ...string) *company {
	t.Helper()
	c := &company{Stack: stack.Start(t, stack.Options{Config: config})}
	for _, id := range []string{"member", "lead", "boss", "user"} {
		c.NewUser(t, map[string]any{"user_id": id, "user_role": "internal_user"})
	}
	c.Master().Post(t, "/organization/new", `{"organization_id":"org","organization_alias":"Org"}`).OK(t)
	c.Master().Post(t, "/organization/member_add", `{"organization_id":"org","member":{"user_id":"boss","role":"org_admin"}}`).OK(t)
	c.NewTeam(t, map[string]any{"team_id": "team", "organization_id": "org", "team_member_permissions": permissions, "members_with_roles": []map[string]string{
		{"user_id": "member", "role": "user"}, {"user_id": "lead", "role": "admin"},
	}})
	of := func(user string) *stack.Client { return c.Client(c.NewKey(t, map[string]any{"user_id": user})) }
	c.member, c.lead, c.boss, c.user = of("member"), of("lead"), of("boss"), of("user")
	return c
}

// step is a request and what comes of it; an empty message is a success.
type step struct {
	who     *stack.Client
	path    string
	body    string
	status  int
	message string
}

func (s step) run(t *testing.T) map[string]any {
	t.Helper()
	got := s.who.Post(t, s.path, s.body)
	if s.message == "" {
		return got.OK(t)
	}
	require.Equal(t, s.status, got.Status, "%s %s: %s", s.path, s.body, got.Body)
	require.Contains(t, string(got.Body), s.message, "%s %s", s.path, s.body)
	return nil
}

func TestUsers_manage_their_own_keys(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig)
	c.NewUser(t, map[string]any{"user_id": "limited", "models": []string{"mock"}})
	limited := c.Client(c.NewKey(t, map[string]any{"user_id": "limited"}))
	made := step{who: c.user, path: "/key/generate", body: `{"max_budget":5}`}.run(t)
	require.Equal(t, "user", made["user_id"], "a key of a user is their own")
	require.Equal(t, "user", made["created_by"])
	token, _ := made["token"].(string)
	key := `{"key":"` + token + `"`
	theirs := `{"key":"` + ident.HashKey(c.NewKey(t, map[string]any{"user_id": "member"})) + `"`
	for _, s := range []step{
		{who: c.user, path: "/key/update", body: key + `,"max_budget":7,"models":["mock"],"user_id":"user"}`},
		{c.user, "/key/update", key + `,"user_id":"member"}`, 403, "User can only create keys for themselves. Got user_id=member, Your ID=user"},
		{c.user, "/key/update", key + `,"user_id":null}`, 403, "Non-admin users cannot remove the user_id from a key."},
		{c.user, "/key/update", key + `,"permissions":{"get_spend_routes":true}}`, 403, "Only proxy admins can set the permissions of a key."},
		{c.user, "/key/update", key + `,"spend":0}`, 403, "You must be a proxy admin or team admin to reset key spend"},
		{c.user, "/key/update", key + `,"blocked":true}`, 403, "You are not authorized to update this key"},
		{c.user, "/key/update", key + `,"organization_id":"org"}`, 403, "Caller is not a member of organization_id=org"},
		{c.user, "/key/update", key + `,"team_id":"team"}`, 403, "User=user is not a member of the team=team"},
		{c.user, "/key/update", theirs + `,"key_alias":"mine"}`, 403, "You are not authorized to update this key"},
		{c.user, "/key/generate", `{"user_id":"member"}`, 403, "User can only create keys for themselves. Got user_id=member, Your ID=user"},
		{c.user, "/key/generate", `{"permissions":{"get_spend_routes":true}}`, 403, "Only proxy admins can set the permissions of a key."},
		{c.user, "/key/generate", `{"team_id":"team"}`, 400, "User=user not assigned to team=team"},
		{c.user, "/key/generate", `{"team_id":"nobody's"}`, 400, "Team not found for team_id=nobody's. Non-admin users cannot create keys for non-existent teams."},
		{limited, "/key/generate", `{"aliases":{"mock":"secret-model"}}`, 403, "aliases: the owner of the key may not use the model secret-model"},
		{who: limited, path: "/key/generate", body: `{"aliases":{"fast":"mock"}}`},
		{who: c.user, path: "/key/regenerate", body: key + `}`},
		{c.user, "/key/regenerate", theirs + `}`, 403, "You are not authorized to regenerate this key"},
		{c.user, "/key/delete", `{"keys":["` + strings.TrimPrefix(strings.Trim(theirs, `{"`), `key":"`) + `"]}`, 403, "You are not authorized to delete this key"},
		{c.user, "/key/service-account/generate", `{}`, 400, "team_id is required for service account keys. Please specify `team_id` in the request body."},
		{c.user, "/key/service-account/generate", `{"team_id":"nobody's"}`, 400, "team_id does not exist in the database. Please specify a valid `team_id` in the request body."},
	} {
		s.run(t)
	}
	require.EqualValues(t, 7, c.Master().Get(t, "/key/list?user_id=user&return_full_object=true").OK(t)["keys"].([]any)[0].(map[string]any)["max_budget"])
}

func TestTeams_say_what_their_members_may(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig, "/key/generate", "/key/update", "/team/key/list")
	made := step{who: c.member, path: "/key/generate", body: `{"team_id":"team"}`}.run(t)
	require.Equal(t, "member", made["user_id"])
	ofMember := `{"key":"` + made["token"].(string) + `"`
	account := step{who: c.lead, path: "/key/service-account/generate", body: `{"team_id":"team","user_id":"lead"}`}.run(t)
	require.Nil(t, account["user_id"], "a service account is nobody's")
	ofTeam := `{"key":"` + account["token"].(string) + `"`
	service := c.Client(account["key"].(string))
	for _, s := range []step{
		{who: c.member, path: "/key/update", body: ofMember + `,"max_budget":1}`},
		{who: c.member, path: "/key/update", body: ofTeam + `,"max_budget":1}`},
		{c.member, "/key/block", ofTeam + `}`, 401, "Team member does not have permissions for endpoint: /key/block. You only have access to the following endpoints: ['/key/generate', '/key/update', '/team/key/list'] for team team."},
		{c.member, "/key/delete", `{"keys":["` + account["token"].(string) + `"]}`, 401, `"type":"team_member_permission_error","param":"/key/delete","code":"401"`},
		{c.member, "/key/generate", `{"team_id":"team","user_id":"lead"}`, 403, "User can only create keys for themselves."},
		{c.member, "/key/service-account/generate", `{"team_id":"team"}`, 401, "endpoint: /key/service-account/generate."},
		{c.member, "/team/update", `{"team_id":"team","team_alias":"Ours"}`, 403, "Call not allowed. User not proxy admin OR team admin. route=/team/update, team_id=team"},
		{c.member, "/team/member_update", `{"team_id":"team","user_id":"member","role":"admin"}`, 403, "Call not allowed. User not proxy admin OR team admin. route=/team/member_update"},

		{who: c.lead, path: "/key/generate", body: `{"team_id":"team","user_id":"member"}`},
		{c.lead, "/key/generate", `{"team_id":"team","user_id":"user"}`, 400, "User=user not assigned to team=team"},
		{who: c.lead, path: "/key/block", body: ofTeam + `}`},
		{service, "/key/generate", `{"team_id":"team"}`, 401, "Key is blocked."},
		{who: c.lead, path: "/key/unblock", body: ofTeam + `}`},
		{service, "/key/generate", `{"team_id":"team"}`, 401, "Your role=unknown"},
		{who: c.lead, path: "/team/member_add", body: `{"team_id":"team","member":{"user_id":"user","role":"user"}}`},
		{who: c.lead, path: "/key/generate", body: `{"team_id":"team","user_id":"user"}`},
		{who: c.lead, path: "/team/member_delete", body: `{"team_id":"team","user_id":"user"}`},
		{who: c.lead, path: "/team/update", body: `{"team_id":"team","team_alias":"Ours","team_member_budget":3}`},
		{c.lead, "/team/update", `{"team_id":"team","max_budget":1000}`, 403, "Team admins can not change what their team may do or cost."},
		{c.lead, "/team/update", `{"team_id":"team","models":[]}`, 403, "Team admins can not change what their team may do or cost."},
		{c.lead, "/team/new", `{}`, 401, "Only proxy admin can be used"},

		{who: c.boss, path: "/team/update", body: `{"team_id":"team","max_budget":1000}`},
		{c.boss, "/team/update", `{"team_id":"team","organization_id":""}`, 401, "Only proxy admin can be used"},
		{who: c.boss, path: "/key/update", body: ofTeam + `,"spend":0}`},
		{who: c.boss, path: "/key/delete", body: `{"keys":["` + made["token"].(string) + `"]}`},
	} {
		s.run(t)
	}
	require.Len(t, c.member.Get(t, "/key/list?team_id=team").OK(t)["keys"], 2)
	require.Len(t, c.lead.Get(t, "/key/list?team_id=team&user_id=member").OK(t)["keys"], 1)
	require.Equal(t, http.StatusForbidden, c.user.Get(t, "/key/list?team_id=team").Status)
	require.Equal(t, http.StatusOK, c.member.Get(t, "/key/info?key="+account["token"].(string)).Status)
	require.Equal(t, http.StatusForbidden, c.user.Get(t, "/key/info?key="+account["token"].(string)).Status)
}

func TestOrganizations_have_admins(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig)
	c.Master().Post(t, "/organization/new", `{"organization_id":"another","organization_alias":"Another"}`).OK(t)
	c.NewTeam(t, map[string]any{"team_id": "theirs", "organization_id": "another"})
	team := step{who: c.boss, path: "/team/new", body: `{"team_id":"second","organization_id":"org"}`}.run(t)
	require.Contains(t, team["members_with_roles"], map[string]any{"user_id": "boss", "user_email": nil, "role": "admin"})
	user := step{who: c.boss, path: "/user/new", body: `{"user_id":"new","organizations":["org"]}`}.run(t)
	first, _ := c.Client(user["key"].(string)).Get(t, "/key/info").OK(t)["info"].(map[string]any)
	require.Equal(t, "new", first["user_id"])
	for _, s := range []step{
		{who: c.boss, path: "/organization/member_update", body: ``, status: 405, message: "Method Not Allowed"},
		{c.boss, "/team/new", `{"organization_id":"another"}`, 401, "Only proxy admin can be used"},
		{c.boss, "/team/new", `{}`, 401, "Only proxy admin can be used"},
		{c.boss, "/user/new", `{"organizations":["org","another"]}`, 401, "Only proxy admin can be used"},
		{c.boss, "/user/new", `{"organizations":["org"],"user_role":"proxy_admin"}`, 403, "Only proxy admins can create administrative users."},
		{c.boss, "/team/update", `{"team_id":"theirs","team_alias":"Mine"}`, 403, "Call not allowed."},
		{c.boss, "/team/update", `{"team_id":"second","organization_id":"another"}`, 401, "Only proxy admin can be used"},
		{c.boss, "/organization/member_add", `{"organization_id":"another","member":{"user_id":"boss","role":"org_admin"}}`, 401, "Only proxy admin can be used"},
		{who: c.boss, path: "/organization/member_add", body: `{"organization_id":"org","member":{"user_id":"user","role":"internal_user"}}`},
		{who: c.user, path: "/key/generate", body: `{"organization_id":"org"}`},
		{who: c.boss, path: "/key/generate", body: `{"team_id":"team","user_id":"member"}`},
		{c.boss, "/organization/info", `{"organizations":["org","another"]}`, 401, "Only proxy admin can be used"},
		{c.lead, "/organization/info", `{"organizations":["org"]}`, 401, "Only proxy admin can be used"},
	} {
		s.run(t)
	}
	require.Len(t, c.boss.Get(t, "/key/list?organization_id=org").OK(t)["keys"], 1)
}

func TestViewers_only_look(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	for _, role := range []string{"proxy_admin_viewer", "internal_user_viewer"} {
		s.NewUser(t, map[string]any{"user_id": role, "user_role": role})
		who := s.Client(s.NewKey(t, map[string]any{"user_id": role}))
		for _, c := range []struct{ path, body string }{
			{chatPath, `{"model":"mock","messages":[{"role":"user","content":"Hello"}]}`},
			{"/v1/responses", `{"model":"mock","input":"Hello"}`},
			{"/openai/v1/chat/completions", `{}`},
		} {
			refusal{http.StatusForbidden, "auth_error", "None", "user not allowed to access this OpenAI routes, role= " + role}.check(t, who.Post(t, c.path, c.body))
		}
		who.Get(t, "/v1/models").OK(t)
	}
}

// settings are the rules of the test below.
const settings = mockConfig + `  admin_only_routes: ["/tag/*", "/v1/completions"]
litellm_settings:
  upperbound_key_generate_params: {max_budget: 100, budget_duration: 10d, duration: 30d, max_parallel_requests: 10, tpm_limit: 1000, rpm_limit: 60}
  default_key_generate_params: {max_budget: 1.5, models: [mock], metadata: {setting: default}, rpm_limit: 7}
  key_generation_settings:
    team_key_generation: {allowed_team_member_roles: [admin]}
    personal_key_generation: {allowed_user_roles: [proxy_admin, internal_user], required_params: [key_alias]}
`

func TestKeys_are_held_to_the_settings(t *testing.T) {
	t.Parallel()
	c := newCompany(t, settings, "/key/generate")
	c.NewUser(t, map[string]any{"user_id": "admin", "user_role": "proxy_admin"})
	admin := c.Client(c.NewKey(t, map[string]any{"user_id": "admin"}))
	made := step{who: c.Master(), path: "/key/generate", body: `{"rpm_limit":null,"tpm_limit":500}`}.run(t)
	for name, want := range map[string]any{
		"max_budget": 1.5, "rpm_limit": 7.0, "tpm_limit": 500.0, "max_parallel_requests": 10.0, "budget_duration": "10d",
		"models": []any{"mock"}, "metadata": map[string]any{"setting": "default"},
	} {
		require.Equal(t, want, made[name], name)
	}
	require.NotNil(t, made["expires"])
	key := `{"key":"` + made["token"].(string) + `"`
	over := func(name, asked, most string) string {
		return name + " is over max limit set in config - user_value=" + asked + "; max_value=" + most
	}
	for _, s := range []step{
		{c.Master(), "/key/generate", `{"max_budget":200}`, 400, over("max_budget", "200", "100")},
		{c.Master(), "/key/generate", `{"tpm_limit":1001}`, 400, over("tpm_limit", "1001", "1000")},
		{admin, "/key/generate", `{"rpm_limit":61}`, 400, over("rpm_limit", "61", "60")},
		{admin, "/key/generate", `{"max_parallel_requests":11}`, 400, over("max_parallel_requests", "11", "10")},
		{admin, "/key/generate", `{"budget_duration":"2w"}`, 400, over("budget_duration", "2w", "10d")},
		{admin, "/key/generate", `{"duration":"31d"}`, 400, over("duration", "31d", "30d")},
		{admin, "/key/generate", `{"duration":"-1"}`, 400, over("duration", "-1", "30d")},
		{admin, "/key/generate", `{"team_id":"nobody's"}`, 400, "Unable to find team object in database. Team ID: nobody's"},
		{admin, "/key/update", key + `,"max_budget":101}`, 400, over("max_budget", "101", "100")},
		{admin, "/key/regenerate", key + `,"rpm_limit":100}`, 400, over("rpm_limit", "100", "60")},
		{who: admin, path: "/key/update", body: key + `,"key_alias":"renamed","rpm_limit":null}`},
		{c.user, "/key/generate", `{}`, 400, "Required param key_alias not in data"},
		{who: c.user, path: "/key/generate", body: `{"key_alias":"named"}`},
		{c.member, "/key/generate", `{"team_id":"team"}`, 400, "Team member role user not in allowed_team_member_roles=['admin']"},
		{who: c.lead, path: "/key/generate", body: `{"team_id":"team"}`},

		{c.user, "/tag/info", `{"names":["a"]}`, 403, "user not allowed to access this route. Route=/tag/info is an admin only route"},
		{c.user, "/v1/completions", `{"model":"mock","prompt":"Hello"}`, 403, "user not allowed to access this route. Route=/v1/completions is an admin only route"},
		{who: c.user, path: "/completions", body: `{"model":"mock","prompt":"Hello"}`},
		{who: admin, path: "/v1/completions", body: `{"model":"mock","prompt":"Hello"}`},
		{who: c.Master(), path: "/v1/completions", body: `{"model":"mock","prompt":"Hello"}`},
	} {
		s.run(t)
	}
	info := c.Master().Get(t, "/key/info?key="+made["token"].(string)).OK(t)["info"].(map[string]any)
	require.EqualValues(t, 60, info["rpm_limit"], "what has an upper bound can not be without one")
	require.InDelta(t, 1.5, info["max_budget"], 0)
}

func TestInstallations_may_close_routes_and_personal_keys(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig+"  default_team_disabled: true\n  allowed_routes: [llm_api_routes, management_routes, \"/organization/*\"]\n", "/key/generate")
	key := `{"key":"` + ident.HashKey(c.NewKey(t, map[string]any{"user_id": "user"})) + `"`
	for _, s := range []step{
		{c.user, "/key/generate", `{}`, 400, "Personal key creation has been restricted by admin. Allowed roles=['proxy_admin']. Your role=internal_user"},
		{c.user, "/key/update", key + `,"max_budget":1000}`, 403, "You are not authorized to update this key"},
		{who: c.user, path: "/key/update", body: key + `,"key_alias":"mine"}`},
		{who: c.member, path: "/key/generate", body: `{"team_id":"team"}`},
		{c.Master(), "/tag/info", `{"names":["a"]}`, 403, "Route /tag/info not allowed"},
		{who: c.user, path: chatPath, body: `{"model":"mock","messages":[{"role":"user","content":"Hello"}]}`},
	} {
		s.run(t)
	}
	require.Equal(t, http.StatusForbidden, c.Master().Get(t, "/health").Status)
	require.Equal(t, http.StatusOK, c.Master().Get(t, "/health/readiness").Status)
}

// What a key is narrowed to, by a list or by its type, holds at both planes.
func TestAllowed_routes_narrow_a_key(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	s.NewUser(t, map[string]any{"user_id": "admin", "user_role": "proxy_admin"})
	get, chat, tags, generate := "/key/info", chatPath, "/tag/list", "/key/generate"
	for _, tc := range []struct {
		fields map[string]any
		open   []string
	}{
		{map[string]any{"key_type": "default"}, []string{get, chat, tags, generate}},
		{map[string]any{"key_type": "llm_api"}, []string{chat}},
		{map[string]any{"key_type": "management"}, []string{get, generate}},
		{map[string]any{"key_type": "read_only"}, []string{get}},
		{map[string]any{"allowed_routes": []string{"/tag", "/key/*"}}, []string{get, tags, generate}},
		{map[string]any{"allowed_routes": []string{"admin_viewer_routes"}}, []string{get, tags}},
	} {
		tc.fields["user_id"] = "admin"
		key := s.NewKey(t, tc.fields)
		for _, path := range []string{get, chat, tags, generate} {
			var got stack.Reply
			switch path {
			case chat:
				got = s.Client(key).Post(t, path, hello("mock"))
			case generate:
				got = s.Client(key).Post(t, path, "{}")
			default:
				got = s.Client(key).Get(t, path)
			}
			if slices.Contains(tc.open, path) {
				require.Equal(t, http.StatusOK, got.Status, "%v %s: %s", tc.fields, path, got.Body)
				continue
			}
			require.Equal(t, http.StatusForbidden, got.Status, "%v %s", tc.fields, path)
			require.JSONEq(t, `{"detail":"Virtual key is not allowed to call this route. Tried to call route: `+path+`"}`, string(got.Body))
		}
	}
}
