package contract_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

// listedKey is a key in a list of whole ones.
func listedKey() shape { return keyRow().with(shape{"org_id": "string?"}) }

// tokens are the hashes that a list of keys has, in their order.
func tokens(t *testing.T, c *stack.Client, query string) []string {
	t.Helper()
	list, ok := c.Get(t, "/key/list?size=100&sort_by=created_at&sort_order=asc&"+query).OK(t)["keys"].([]any)
	require.True(t, ok)
	out := make([]string, len(list))
	for i, one := range list {
		if row, whole := one.(map[string]any); whole {
			one = row["token"]
		}
		out[i], _ = one.(string)
	}
	return out
}

func TestKey_lists_show_what_the_caller_may_see(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig, "/key/generate")
	hash := func(made map[string]any) string {
		h, _ := made["token"].(string)
		require.NotEmpty(t, h)
		return h
	}
	generate := func(who *stack.Client, path, body string) string {
		t.Helper()
		return hash(who.Post(t, path, body).OK(t))
	}
	lead, member := c.lead.Get(t, "/key/info").OK(t)["key"].(string), c.member.Get(t, "/key/info").OK(t)["key"].(string)
	ofMember := generate(c.member, "/key/generate", `{"team_id":"team"}`)
	account := generate(c.lead, "/key/service-account/generate", `{"team_id":"team"}`)
	forMember := generate(c.lead, "/key/generate", `{"team_id":"team","user_id":"member"}`)
	c.NewTeam(t, map[string]any{"team_id": "far"})
	far := generate(c.Master(), "/key/generate", `{"team_id":"far","user_id":"lead"}`)

	require.Equal(t, []string{lead, far}, tokens(t, c.lead, ""))
	require.Equal(t, []string{lead, ofMember, account, forMember, far}, tokens(t, c.lead, "include_team_keys=true"))
	require.Equal(t, []string{lead, account, forMember, far}, tokens(t, c.lead, "include_created_by_keys=true"))
	require.Equal(t, []string{member, ofMember, forMember}, tokens(t, c.member, ""))
	require.Equal(t, []string{member, ofMember, account, forMember}, tokens(t, c.member, "include_team_keys=true"), "of others only what is nobody's")
	require.Equal(t, []string{lead, ofMember, account, forMember, far}, tokens(t, c.Master(), "user_id=lead&include_team_keys=true"))
	require.Equal(t, []string{ofMember, account, forMember}, tokens(t, c.lead, "team_id=team"))
	require.Contains(t, tokens(t, c.Master(), ""), far)

	// What somebody made for a team that they have left is not theirs to see.
	c.Master().Post(t, "/team/member_delete", `{"team_id":"team","user_id":"lead"}`).OK(t)
	require.NotContains(t, tokens(t, c.lead, "include_created_by_keys=true&include_team_keys=true"), account)

	for query, message := range map[string]string{
		"user_id=lead": "another user's", "team_id=far": "this team's", "organization_id=org": "this organization's",
	} {
		refusal{http.StatusForbidden, "bad_request_error", "None", "You are not authorized to check " + message + " keys"}.check(t, c.user.Get(t, "/key/list?"+query))
	}
	refusal{http.StatusBadRequest, "invalid_request_error", nil, "Currently only 'deleted' is supported."}.check(t, c.user.Get(t, "/key/list?status=lost"))
	require.Equal(t, http.StatusUnprocessableEntity, c.user.Get(t, "/key/list?include_team_keys=perhaps").Status)
}

func TestKey_lists_sort_filter_and_expand(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	s.NewUser(t, map[string]any{"user_id": "u", "user_email": "u@example.com", "user_alias": "U"})
	var all []string
	for i := range 7 {
		all = append(all, ident.HashKey(s.NewKey(t, map[string]any{
			"user_id": "u", "key_alias": fmt.Sprintf("alias-%d", (i*3)%7), "spend": float64((i * 5) % 7), "max_budget": float64(10 + (i*2)%7),
			"project_id": fmt.Sprintf("p%d", i%2), "access_group_ids": []string{fmt.Sprintf("g%d", i%3), "all"},
		})))
	}
	ordered := func(column string) []string {
		t.Helper()
		rows, err := s.DB().Query(t.Context(), "SELECT token FROM verification_token WHERE user_id = 'u' ORDER BY "+column)
		require.NoError(t, err)
		defer rows.Close()
		var out []string
		for rows.Next() {
			var token string
			require.NoError(t, rows.Scan(&token))
			out = append(out, token)
		}
		require.NoError(t, rows.Err())
		return out
	}
	for name, column := range map[string]string{
		"spend": "spend_nano", "max_budget": "max_budget_nano", "created_at": "created_at", "updated_at": "updated_at", "token": "token", "key_alias": "key_alias",
	} {
		for _, order := range []string{"asc", "desc"} {
			var got []string
			for page := range 3 {
				list := s.Master().Get(t, fmt.Sprintf("/key/list?user_id=u&size=3&page=%d&sort_by=%s&sort_order=%s", page+1, name, order)).OK(t)
				require.InDelta(t, 7, list["total_count"], 0)
				for _, one := range list["keys"].([]any) {
					got = append(got, one.(string))
				}
			}
			require.Equal(t, ordered(column+" "+order), got, "%s %s", name, order)
		}
	}
	require.Len(t, tokens(t, s.Master(), "project_id=p1"), 3)
	require.Len(t, tokens(t, s.Master(), "access_group_id=g0"), 3)
	require.Len(t, tokens(t, s.Master(), "access_group_id=all&key_alias=alias-0"), 1)
	require.Empty(t, s.Master().Get(t, "/key/list?user_id=u&page=9").OK(t)["keys"])

	expanded := listedKey().with(shape{"user": "object?", "created_by_user": "object?"})
	rows, _ := s.Master().Get(t, "/key/list?user_id=u&size=1&expand=user").OK(t)["keys"].([]any)
	require.Len(t, rows, 1)
	one := expanded.check(t, rows[0])
	require.Equal(t, "u@example.com", one["user"].(map[string]any)["user_email"])
	require.Nil(t, one["created_by_user"], "the master key is nobody's")

	own, _ := s.Client(s.NewKey(t, map[string]any{"user_id": "u"})).Post(t, "/key/generate", `{}`).OK(t)["token"].(string)
	rows, _ = s.Master().Get(t, "/key/list?expand=user&key_hash="+own).OK(t)["keys"].([]any)
	shape{"user_id": "string", "user_email": "string?", "user_alias": "string?"}.check(t, expanded.check(t, rows[0])["created_by_user"])

	s.Master().Post(t, "/key/delete", map[string]any{"keys": all[:3]}).OK(t)
	deleted := keyRow().with(shape{"id": "string", "deleted_at": "time", "deleted_by": "string?", "deleted_by_api_key": "string?", "litellm_changed_by": "string?"})
	gone, _ := s.Master().Get(t, "/key/list?status=deleted&user_id=u&sort_by=created_at&sort_order=asc").OK(t)["keys"].([]any)
	require.Len(t, gone, 3)
	first := deleted.check(t, gone[0])
	require.Equal(t, all[0], first["token"])
	require.Equal(t, "p0", first["project_id"])
	require.Len(t, s.Master().Get(t, "/key/list?status=deleted&project_id=p1").OK(t)["keys"], 1)
}

func TestKey_aliases(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig)
	for alias, body := range map[string]map[string]any{
		"b_own": {"user_id": "member"}, "a-team": {"team_id": "team"}, "Z100%": {"user_id": "user"}, "c": {"user_id": "boss"},
	} {
		body["key_alias"] = alias
		c.NewKey(t, body)
	}
	page := shape{"aliases": "array", "total_count": "number", "current_page": "number", "total_pages": "number", "size": "number"}
	names := func(who *stack.Client, query string) any {
		t.Helper()
		return page.check(t, who.Get(t, "/key/aliases"+query).OK(t))["aliases"]
	}
	require.ElementsMatch(t, []any{"Z100%", "a-team", "b_own", "c"}, names(c.Master(), ""))
	require.Equal(t, []any{"a-team", "b_own"}, names(c.member, ""))
	require.Equal(t, []any{"a-team"}, names(c.lead, ""))
	require.Equal(t, []any{"b_own"}, names(c.Master(), "?search=OWN"))
	require.Equal(t, []any{"b_own"}, names(c.Master(), "?search=_"), "nothing in it stands for anything else")
	require.Equal(t, []any{"Z100%"}, names(c.Master(), "?search=%25"))
	require.Equal(t, []any{}, names(c.Client(c.NewKey(t, nil)), ""))
	second := page.check(t, c.Master().Get(t, "/key/aliases?size=2&page=2").OK(t))
	require.Len(t, second["aliases"], 2)
	require.InDelta(t, 4, second["total_count"], 0)
	require.InDelta(t, 2, second["total_pages"], 0)
	require.Equal(t, http.StatusUnprocessableEntity, c.Master().Get(t, "/key/aliases?size=101").Status)
}

func TestKey_infos(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig)
	one, two := c.NewKey(t, map[string]any{"user_id": "user", "object_permission": map[string]any{"vector_stores": []string{"v"}}}), c.NewKey(t, map[string]any{"user_id": "member"})
	sent := map[string]any{"keys": []string{two, ident.HashKey(one), "sk-unheard-of-0123"}}
	infos := func(who *stack.Client) []any {
		t.Helper()
		got := shape{"key": "array", "info": "array"}.check(t, who.Post(t, "/v2/key/info", sent).OK(t))
		require.Equal(t, []any{two, ident.HashKey(one), "sk-unheard-of-0123"}, got["key"])
		return got["info"].([]any)
	}
	all := infos(c.Master())
	require.Len(t, all, 2)
	require.Equal(t, ident.HashKey(two), keyRow().check(t, all[0])["token"])
	require.Equal(t, []any{"v"}, keyRow().check(t, all[1])["object_permission"].(map[string]any)["vector_stores"])
	own := infos(c.user)
	require.Len(t, own, 1, "what the caller may not see is left out")
	require.Equal(t, ident.HashKey(one), own[0].(map[string]any)["token"])
	for _, body := range []string{"", "{}", `{"keys":null}`} {
		r := c.Master().Post(t, "/v2/key/info", body)
		require.Equal(t, http.StatusUnprocessableEntity, r.Status)
		require.JSONEq(t, `{"detail":{"message":"Malformed request. No keys passed in."}}`, string(r.Body))
	}
	checkInvalid(t, c.Master().Post(t, "/v2/key/info", map[string]any{"keys": make([]string, 1001)}), "too_long", "keys")
}
