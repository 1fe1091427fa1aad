package contract_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

func TestTeams(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig, DataPlanes: 2})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			made := teamView().check(t, admin.Post(t, "/team/new", `{"team_alias":"core","models":["mock"],"model_aliases":{"fast":"mock"},"max_budget":5,
				"members_with_roles":[{"user_id":"ann","role":"admin"}],"metadata":{"floor":2},"tpm_limit":100000}`).OK(t))
			id, _ := made["team_id"].(string)
			require.Regexp(t, `^[0-9a-f-]{36}$`, id)
			require.Equal(t, "core", made["team_alias"])
			require.Equal(t, false, made["blocked"])
			require.InDelta(t, 5, made["max_budget"], 0)

			key := s.NewKey(t, map[string]any{"team_id": id, "user_id": "ann"})
			atOnce(t, s, key, "fast")
			require.Equal(t, http.StatusForbidden, s.Client(key).Post(t, chatPath, hello("secret-model")).Status)

			info := shape{"team_id": "string", "team_info": "object", "keys": "array", "team_memberships": "array"}.check(t, admin.Get(t, "/team/info?team_id="+id).OK(t))
			require.Equal(t, id, teamView().check(t, info["team_info"])["team_id"])
			keys, _ := info["keys"].([]any)
			require.Len(t, keys, 1)
			require.Equal(t, ident.HashKey(key), keyRow().check(t, keys[0])["token"])

			refusal{http.StatusNotFound, "auth_error", "None", "Team not found, passed team id: nothing."}.check(t, admin.Get(t, "/team/info?team_id=nothing"))
			require.Equal(t, http.StatusUnprocessableEntity, admin.Get(t, "/team/info").Status)
			refusal{http.StatusBadRequest, "invalid_request_error", nil, "Team id = " + id + " already exists. Please use a different team id."}.
				check(t, admin.Post(t, "/team/new", map[string]any{"team_id": id}))
			require.Equal(t, http.StatusUnprocessableEntity, admin.Post(t, "/team/new", `{"members_with_roles":[{"user_id":"x","role":"king"}]}`).Status)
		})
	}
}

func TestTeam_list(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	for _, alias := range []string{"b", "a", "c"} {
		s.NewTeam(t, map[string]any{"team_alias": alias, "members_with_roles": []map[string]string{{"user_id": "only-" + alias, "role": "user"}}})
	}
	for face, url := range faces(s) {
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			var list []map[string]any
			decode(t, s.Master().At(url).Get(t, "/team/list"), &list)
			require.Len(t, list, 3)
			for i, alias := range []string{"a", "b", "c"} {
				require.Equal(t, alias, list[i]["team_alias"])
				teamView().with(shape{"keys": "array", "team_memberships": "array"}).check(t, any(list[i]))
			}
			decode(t, s.Master().At(url).Get(t, "/team/list?user_id=only-b"), &list)
			require.Len(t, list, 1)
		})
	}
}
