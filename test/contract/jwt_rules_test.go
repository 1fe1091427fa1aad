package contract_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/testkit/oidctest"
)

func TestJWT_role_mappings_and_aliases_of_teams(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, `
    roles_jwt_field: roles
    object_id_jwt_field: azp
    role_mappings: [{role: crew, internal_role: team}, {role: boss, internal_role: proxy_admin}]
    team_alias_jwt_field: team_name
    team_id_upsert: true
    enforce_rbac: true
`)
	r := s.Client(idp.Token(map[string]any{"sub": "u"})).Post(t, "/v1/chat/completions", hello("mock"))
	require.Equal(t, http.StatusForbidden, r.Status, "%s", r.Body)
	require.Contains(t, string(r.Body), "enforce_rbac is set to True")
	boss := s.Client(idp.Token(map[string]any{"roles": []string{"boss"}}))
	boss.Post(t, "/team/new", `{"team_id":"known","team_alias":"The Crew","models":["mock"]}`).OK(t)
	boss.Post(t, "/team/new", `{"team_id":"the-robots"}`).OK(t)

	aliased := s.Client(idp.Token(map[string]any{"sub": "u", "team_name": "The Crew"}))
	aliased.Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	require.Equal(t, http.StatusForbidden, aliased.Post(t, "/v1/chat/completions", hello("other")).Status, "the team's models")
	s.Client(idp.Token(map[string]any{"sub": "u", "team_name": "new"})).Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	boss.Get(t, "/team/info?team_id=new").OK(t)

	robot := s.Client(idp.Token(map[string]any{"sub": "u", "azp": "the-robots", "roles": "crew"}))
	robot.Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	require.Equal(t, http.StatusForbidden, robot.Post(t, "/key/generate", `{}`).Status)
	robot.Get(t, "/team/info?team_id=the-robots").OK(t)
	require.Equal(t, http.StatusForbidden, robot.Get(t, "/team/info?team_id=known").Status, "another team")
}

func TestJWT_scopes(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, `
    enforce_scope_based_access: true
    scope_mappings:
    - {scope: cheap, models: [mock], routes: [/v1/chat/completions, /v1/models]}
    - {scope: look, routes: [info_routes]}
`)
	cheap := s.Client(idp.Token(map[string]any{"scope": "openid cheap"}))
	cheap.Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	require.Equal(t, http.StatusForbidden, cheap.Post(t, "/v1/chat/completions", hello("other")).Status)
	require.Equal(t, http.StatusForbidden, cheap.Post(t, "/v1/embeddings", `{"model":"mock","input":"x"}`).Status)
	require.Equal(t, http.StatusForbidden, cheap.Get(t, "/key/list").Status)
	look := s.Client(idp.Token(map[string]any{"scope": "look"}))
	require.Equal(t, http.StatusForbidden, look.Post(t, "/v1/chat/completions", hello("mock")).Status)
	look.Get(t, "/key/list").OK(t)
	none := s.Client(idp.Token(map[string]any{"scope": "openid"}))
	for _, base := range []string{s.DataPlane(0), s.ControlPlane(0)} {
		require.Equal(t, http.StatusForbidden, none.At(base).Get(t, "/health").Status)
	}
}

// Where no mapping leads to a key, the claims decide.
func TestJWT_mappings_with_a_fallback(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, `
    user_id_jwt_field: sub
    virtual_key_claim_field: azp
    unregistered_jwt_client_behavior: fallback_team_mapping
`)
	s.NewUser(t, map[string]any{"user_id": "known"})
	key := s.NewKey(t, map[string]any{"models": []string{"mock"}})
	of := func(user string) string { return idp.Token(map[string]any{"sub": user, "azp": "app"}) }
	known, unknown := s.Client(of("known")), s.Client(of("nobody"))
	known.Post(t, "/v1/chat/completions", hello("other")).OK(t)
	require.Equal(t, http.StatusUnauthorized, unknown.Post(t, "/v1/chat/completions", hello("mock")).Status)
	require.Equal(t, http.StatusUnauthorized, unknown.Get(t, "/key/list").Status)
	s.Master().Post(t, "/jwt/key/mapping/new", map[string]any{"jwt_claim_name": "azp", "jwt_claim_value": "app", "key": key}).OK(t)
	obeys(t, s, of("nobody"), "mock", http.StatusOK)
	require.Equal(t, http.StatusForbidden, known.Post(t, "/v1/chat/completions", hello("other")).Status, "it is the key now")
	unknown.Get(t, "/key/info").OK(t)
}
