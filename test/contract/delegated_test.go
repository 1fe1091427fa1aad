package contract_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

// An admin of a team makes keys for its members, whoever these are elsewhere:
// such a key calls models, and manages nothing in the member's name.
func TestKeys_of_others_do_not_act_for_them(t *testing.T) {
	t.Parallel()
	c := newCompany(t, mockConfig)
	c.NewUser(t, map[string]any{"user_id": "root", "user_role": "proxy_admin"})
	step{who: c.lead, path: "/team/member_add", body: `{"team_id":"team","member":[{"user_id":"root","role":"user"},{"user_id":"boss","role":"user"}]}`}.run(t)
	forRoot, _ := step{who: c.lead, path: "/key/generate", body: `{"team_id":"team","user_id":"root"}`}.run(t)["key"].(string)
	forBoss, _ := step{who: c.lead, path: "/key/generate", body: `{"team_id":"team","user_id":"boss"}`}.run(t)["key"].(string)
	rootsOwn := c.NewKey(t, map[string]any{"user_id": "root", "team_id": "team"})
	requireAdmin(t, c.Client(rootsOwn))
	taken, _ := step{who: c.lead, path: "/key/regenerate", body: `{"key":"` + rootsOwn + `"}`}.run(t)["key"].(string)

	for name, key := range map[string]string{"of an admin": forRoot, "of an admin, with a new text": taken, "of an organisation's admin": forBoss} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := c.Client(key)
			atOnce(t, c.Stack, key, "mock")
			for _, s := range []step{
				{who: client, path: "/user/new", body: `{"user_role":"proxy_admin"}`},
				{who: client, path: "/user/new", body: `{"organizations":["org"]}`},
				{who: client, path: "/user/update", body: `{"user_id":"root","password":"something-else"}`},
				{who: client, path: "/user/update", body: `{"user_id":"boss","user_email":"lead@example.com"}`},
				{who: client, path: "/key/generate", body: `{}`},
				{who: client, path: "/key/generate", body: `{"team_id":"team"}`},
				{who: client, path: "/organization/member_add", body: `{"organization_id":"org","member":{"user_id":"lead","role":"org_admin"}}`},
				{who: client, path: "/team/member_update", body: `{"team_id":"team","user_id":"member","role":"admin"}`},
				{who: client, path: "/cache/flushall", body: `{}`},
			} {
				got := s.who.Post(t, s.path, s.body)
				require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, got.Status, "%s %s: %s", s.path, s.body, got.Body)
			}
			require.Equal(t, http.StatusUnauthorized, client.Get(t, "/audit").Status)
			again, _ := client.Post(t, "/key/regenerate", map[string]any{"key": key}).OK(t)["key"].(string)
			require.Equal(t, http.StatusUnauthorized, c.Client(again).Get(t, "/audit").Status, "whoever asks for it is not the user")
		})
	}
	t.Run("until its user asks for a new text", func(t *testing.T) {
		t.Parallel()
		key := c.NewKey(t, map[string]any{"user_id": "root", "team_id": "team"})
		known, _ := step{who: c.lead, path: "/key/regenerate", body: `{"key":"` + key + `"}`}.run(t)["key"].(string)
		root := c.Client(c.NewKey(t, map[string]any{"user_id": "root"}))
		graced, _ := step{who: root, path: "/key/regenerate", body: `{"key":"` + known + `","grace_period":"1h"}`}.run(t)["key"].(string)
		require.Equal(t, http.StatusUnauthorized, c.Client(known).Get(t, "/audit").Status, "the former text is known to another")
		own, _ := step{who: root, path: "/key/regenerate", body: `{"key":"` + graced + `"}`}.run(t)["key"].(string)
		requireAdmin(t, c.Client(own))
		require.Equal(t, http.StatusUnauthorized, c.Client(known).Get(t, "/key/info").Status)
	})
}

func requireAdmin(t *testing.T, who *stack.Client) {
	t.Helper()
	require.Equal(t, http.StatusOK, who.Get(t, "/audit").Status)
}
