package contract_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
	"github.com/tianjillm/tianjillm/testkit/oidctest"
)

// jwtStack runs an installation that takes tokens of a provider; rules are further
// lines of litellm_jwtauth.
func jwtStack(t *testing.T, idp *oidctest.Provider, rules string) *stack.Stack {
	t.Helper()
	return stack.Start(t, stack.Options{
		Config: `
model_list:
- model_name: mock
  litellm_params: {model: mock/echo, input_cost_per_token: 0.001, output_cost_per_token: 0.001}
- model_name: other
  litellm_params: {model: mock/echo}
litellm_settings: {store_audit_logs: true}
general_settings:
  enable_jwt_auth: true
  litellm_jwtauth:
    public_key_ttl: 600
` + rules,
		Env: map[string]string{"JWT_PUBLIC_KEY_URL": idp.KeysURL(), "JWT_AUDIENCE": "other,tianji", "JWT_ISSUER": idp.URL},
	})
}

const jwtRules = `
    user_id_jwt_field: sub
    user_id_upsert: true
    user_email_jwt_field: email
    team_ids_jwt_field: groups
    end_user_id_jwt_field: customer
    roles_jwt_field: realm.roles
    jwt_litellm_role_map: [{jwt_role: auditor, litellm_role: proxy_admin_viewer}]
`

func TestJWT_good_tokens_on_both_planes(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, jwtRules)
	s.NewTeam(t, map[string]any{"team_id": "crew", "models": []string{"mock"}})
	for _, algorithm := range []string{"RS256", "ES256"} {
		user := "somebody-" + algorithm
		token := idp.Sign(algorithm, idp.Claims(map[string]any{"sub": user, "email": user + "@example.com", "groups": []string{"nobody's", "crew"}, "customer": "the-customer"}), nil)
		c := s.Client(token)
		answer := c.Post(t, "/v1/chat/completions", hello("mock")).OK(t)
		require.NotEmpty(t, answer["choices"])
		info := c.Get(t, "/user/info").OK(t) // forwarded to the control plane
		require.Equal(t, user, info["user_id"])
		require.Equal(t, user, c.At(s.ControlPlane(0)).Get(t, "/user/info").OK(t)["user_id"])
		require.Equal(t, http.StatusForbidden, c.Post(t, "/v1/chat/completions", hello("other")).Status, "the team's models")
		require.Equal(t, http.StatusUnauthorized, c.Post(t, "/budget/new", `{}`).Status, "no admin")
		row := jwtUser(t, s, user)
		require.Equal(t, user+"@example.com", row["user_email"])
		stack.Await(t, "the spend of "+user, func() bool {
			var n int
			require.NoError(t, s.DB().QueryRow(t.Context(), `SELECT count(*) FROM spend_logs WHERE user_id = $1 AND team_id = 'crew' AND end_user = 'the-customer'
				AND api_key LIKE 'hashed-jwt-%' AND length(api_key) = 75 AND spend_nano > 0`, user).Scan(&n))
			return n == 1
		})
	}
	// The keys go on as they were.
	s.Client(s.NewKey(t, nil)).Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	require.Equal(t, http.StatusUnauthorized, s.Client("sk-a.b.c").Post(t, "/v1/chat/completions", hello("mock")).Status)
	stack.Await(t, "the audit trail of who was made", func() bool {
		var n int
		require.NoError(t, s.DB().QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE table_name = 'user_table' AND action = 'created' AND changed_by = object_id`).Scan(&n))
		return n == 2
	})
}

func jwtUser(t *testing.T, s *stack.Stack, id string) map[string]any {
	t.Helper()
	info, _ := s.Master().Get(t, "/user/info?user_id="+id).OK(t)["user_info"].(map[string]any)
	return info
}

func TestJWT_bad_tokens_on_both_planes(t *testing.T) {
	t.Parallel()
	idp, stranger := oidctest.Start(t), oidctest.Start(t)
	s := jwtStack(t, idp, jwtRules)
	s.Client(idp.Token(map[string]any{"sub": "u"})).Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	kid, public := idp.PublicKey()
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	unsigned := jwt.NewWithClaims(jwt.SigningMethodNone, idp.Claims(map[string]any{"sub": "u"}))
	unsigned.Header["kid"] = kid
	none, err := unsigned.SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)
	symmetric := jwt.NewWithClaims(jwt.SigningMethodHS256, idp.Claims(map[string]any{"sub": "u"}))
	symmetric.Header["kid"] = kid
	confused, err := symmetric.SignedString(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	require.NoError(t, err)
	hour := time.Now().Add(-time.Hour).Unix()
	for name, tc := range map[string]struct {
		token  string
		status int
		want   string
	}{
		"audience":    {idp.Token(map[string]any{"sub": "u", "aud": "another"}), 401, "Invalid audience"},
		"issuer":      {idp.Token(map[string]any{"sub": "u", "iss": "https://evil.example.com"}), 401, "Invalid issuer"},
		"expired":     {idp.Token(map[string]any{"sub": "u", "exp": hour}), 401, "Token Expired"},
		"no end":      {idp.Token(map[string]any{"sub": "u", "exp": nil}), 401, "required claim"},
		"none":        {none, 401, "Signature verification failed"},
		"HS256":       {confused, 401, "Signature verification failed"},
		"unknown key": {stranger.Token(map[string]any{"sub": "u", "iss": idp.URL}), 401, "No matching public key"},
		"another's":   {stranger.Sign("RS256", idp.Claims(map[string]any{"sub": "u"}), map[string]any{"kid": kid}), 401, "Signature verification failed"},
		"rubbish":     {"a.b.c", 401, "not a token"},
		"no user":     {idp.Token(nil), 401, "No user id"},
	} {
		for _, base := range []string{s.DataPlane(0), s.ControlPlane(0)} {
			r := s.Client(tc.token).At(base).Get(t, map[bool]string{true: "/v1/models", false: "/key/list"}[base == s.DataPlane(0)])
			require.Equal(t, tc.status, r.Status, "%s at %s: %s", name, base, r.Body)
			e, _ := r.Object(t)["error"].(map[string]any)
			require.Equal(t, "auth_error", e["type"], name)
			require.Contains(t, e["message"], tc.want, name)
			require.NotContains(t, string(r.Body), tc.token, name)
		}
	}
}

func TestJWT_keys_rotate_and_the_provider_may_be_away(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, jwtRules)
	asks := func(token string) int {
		status := s.Client(token).Post(t, "/v1/chat/completions", hello("mock")).Status
		require.Equal(t, status, map[bool]int{true: 200, false: status}[status == 200])
		return status
	}
	before := idp.Token(map[string]any{"sub": "u"})
	require.Equal(t, 200, asks(before))
	idp.SetDown(true)
	require.Equal(t, 200, asks(idp.Token(map[string]any{"sub": "u", "n": 1})), "with the keys that are known")
	require.Equal(t, 200, s.Client(before).Get(t, "/key/list").Status)
	idp.SetDown(false)
	idp.Rotate()
	after := idp.Token(map[string]any{"sub": "u", "n": 2})
	stack.Await(t, "the new keys on the data plane", func() bool { return asks(after) == 200 })
	stack.Await(t, "the new keys on the control plane", func() bool { return s.Client(after).Get(t, "/key/list").Status == 200 })
	fetched := idp.Fetched()
	idp.SetDown(true)
	for i := range 30 {
		require.Equal(t, 401, asks(idp.Sign("RS256", idp.Claims(map[string]any{"sub": "u"}), map[string]any{"kid": fmt.Sprint(i)})), "made-up keys")
	}
	require.LessOrEqual(t, idp.Fetched(), fetched+1)
}

func TestJWT_roles(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, jwtRules)
	admin := s.Client(idp.Token(map[string]any{"scope": "openid litellm_proxy_admin"}))
	made := admin.Post(t, "/team/new", `{"team_id":"made"}`).OK(t)
	require.Equal(t, "made", made["team_id"])
	admin.Get(t, "/key/list").OK(t)
	r := admin.Post(t, "/v1/chat/completions", hello("mock"))
	require.Equal(t, http.StatusForbidden, r.Status, "%s", r.Body)
	require.Contains(t, string(r.Body), "Admin not allowed to access this route")
	require.Equal(t, http.StatusForbidden, admin.Get(t, "/audit").Status, "admin_allowed_routes")

	auditor := s.Client(idp.Token(map[string]any{"sub": "auditor", "realm": map[string]any{"roles": []string{"auditor"}}}))
	auditor.Get(t, "/audit").OK(t)
	require.Equal(t, http.StatusForbidden, auditor.Post(t, "/team/new", `{}`).Status)
	require.Equal(t, http.StatusForbidden, auditor.Post(t, "/v1/chat/completions", hello("mock")).Status)
	require.Equal(t, "proxy_admin_viewer", jwtUser(t, s, "auditor")["user_role"])

	team := s.Client(idp.Token(map[string]any{"groups": "made"}))
	team.Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	team.Get(t, "/v1/models").OK(t)
	require.Equal(t, http.StatusForbidden, team.Post(t, "/v1/messages", hello("mock")).Status, "team_allowed_routes")
	require.Equal(t, http.StatusForbidden, team.Post(t, "/key/generate", `{}`).Status)
	team.Get(t, "/team/info?team_id=made").OK(t)

	s.Master().Post(t, "/user/update", `{"user_id":"auditor","user_role":"internal_user"}`).OK(t)
	auditor.Get(t, "/audit").OK(t)
}

func TestJWT_teams(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, jwtRules)
	s.NewTeam(t, map[string]any{"team_id": "first", "models": []string{"mock"}})
	s.NewTeam(t, map[string]any{"team_id": "second", "models": []string{"other"}, "rpm_limit": 2})
	token := idp.Token(map[string]any{"sub": "u", "groups": []string{"first", "second"}})
	c := s.Client(token)
	c.Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	c.Post(t, "/v1/chat/completions", hello("other")).OK(t) // of the second team
	require.Equal(t, http.StatusForbidden, c.With("x-litellm-team-id", "first").Post(t, "/v1/chat/completions", hello("other")).Status)
	r := c.With("x-litellm-team-id", "third").Post(t, "/v1/chat/completions", hello("other"))
	require.Equal(t, http.StatusForbidden, r.Status)
	require.Contains(t, string(r.Body), "not in your JWT token's teams")
	// Another token of the same team is held to the same limit.
	again := s.Client(idp.Token(map[string]any{"sub": "v", "groups": "second"}))
	stack.Await(t, "the team's limit", func() bool {
		return again.Post(t, "/v1/chat/completions", hello("other")).Status == http.StatusTooManyRequests
	})
	require.Equal(t, http.StatusTooManyRequests, c.With("x-litellm-team-id", "second").Post(t, "/v1/chat/completions", hello("other")).Status)
	c.Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	stack.Await(t, "the spend of both teams", func() bool {
		var first, second int
		require.NoError(t, s.DB().QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE team_id = 'first'), count(*) FILTER (WHERE team_id = 'second')
			FROM spend_logs WHERE user_id = 'u' AND status = 'success'`).Scan(&first, &second))
		return first == 2 && second == 1
	})
	r = s.Client(idp.Token(map[string]any{"sub": "u", "groups": "nobody's"})).Post(t, "/v1/chat/completions", hello("mock"))
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.Contains(t, string(r.Body), "Team doesn't exist in db")
	s.Master().Post(t, "/team/update", `{"team_id":"first","blocked":true}`).OK(t)
	r = s.Client(idp.Token(map[string]any{"sub": "u", "groups": "first"})).Post(t, "/v1/chat/completions", hello("mock"))
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.Contains(t, string(r.Body), "is blocked")
}

func TestJWT_without_upsert_users_must_be_known(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, `
    user_id_jwt_field: sub
    user_email_jwt_field: email
    user_allowed_email_domain: example.com
    team_id_jwt_field: team
    team_id_upsert: true
    sync_user_role_and_teams: true
`)
	r := s.Client(idp.Token(map[string]any{"sub": "u", "email": "u@example.com", "team": "t"})).Post(t, "/v1/chat/completions", hello("mock"))
	require.Equal(t, http.StatusUnauthorized, r.Status)
	require.Contains(t, string(r.Body), "User doesn't exist in db")
	require.Equal(t, http.StatusForbidden, s.Client(idp.Token(map[string]any{"sub": "u", "email": "u@evil.com", "team": "t"})).Get(t, "/key/list").Status)

	s.NewUser(t, map[string]any{"user_id": "known", "user_email": "u@example.com"})
	c := s.Client(idp.Token(map[string]any{"sub": "u", "email": "u@example.com", "team": "t2"}))
	c.Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	require.Equal(t, "known", c.Get(t, "/user/info").OK(t)["user_id"], "by the address")
	require.Equal(t, []any{"t2"}, jwtUser(t, s, "known")["teams"], "joined by the token")
	s.Client(idp.Token(map[string]any{"sub": "u", "email": "u@example.com", "team": "t3"})).Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	require.Equal(t, []any{"t3"}, jwtUser(t, s, "known")["teams"])
}

func TestJWT_enrolment_needs_the_control_plane_only_once(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, jwtRules)
	known := idp.Token(map[string]any{"sub": "known"})
	s.Client(known).Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	s.StopControlPlane(0)
	s.Client(known).Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	s.Client(idp.Token(map[string]any{"sub": "known", "n": 1})).Post(t, "/v1/chat/completions", hello("mock")).OK(t)
	r := s.Client(idp.Token(map[string]any{"sub": "new"})).Post(t, "/v1/chat/completions", hello("mock"))
	require.Equal(t, http.StatusServiceUnavailable, r.Status, "%s", r.Body)
	require.NotEmpty(t, r.Header.Get("Retry-After"))
}

func TestJWT_mapping_to_virtual_keys(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := jwtStack(t, idp, `
    virtual_key_claim_field: azp
    unregistered_jwt_client_behavior: reject
`)
	admin, key := s.Master(), s.NewKey(t, map[string]any{"models": []string{"mock"}, "key_alias": "robot"})
	token := idp.Token(map[string]any{"azp": "robot-1"})
	c := s.Client(token)
	for _, base := range s.DataPlanes() {
		r := c.At(base).Post(t, "/v1/chat/completions", hello("mock"))
		require.Equal(t, http.StatusForbidden, r.Status)
		require.Contains(t, string(r.Body), "JWT Key Mapping: No registered mapping for azp='robot-1'. Access denied.")
	}
	made := admin.Post(t, "/jwt/key/mapping/new", map[string]any{"jwt_claim_name": "azp", "jwt_claim_value": "robot-1", "key": key, "description": "d"}).OK(t)
	id, _ := made["id"].(string)
	require.Equal(t, "azp", made["jwt_claim_name"])
	require.Equal(t, true, made["is_active"])
	require.Equal(t, "default_user_id", made["created_by"])
	require.NotContains(t, made, "token")
	obeys(t, s, token, "mock", http.StatusOK)
	require.Equal(t, http.StatusForbidden, c.Post(t, "/v1/chat/completions", hello("other")).Status, "the key's models")
	require.Contains(t, fmt.Sprint(c.Get(t, "/key/info").OK(t)["info"]), "robot", "the key itself, on the control plane")
	stack.Await(t, "the spend of the key", func() bool { return len(s.SpendRows(t, key)) > 0 })

	require.Equal(t, http.StatusConflict, admin.Post(t, "/jwt/key/mapping/new", map[string]any{"jwt_claim_name": "azp", "jwt_claim_value": "robot-1", "key": key}).Status)
	require.Equal(t, http.StatusNotFound, admin.Post(t, "/jwt/key/mapping/new", map[string]any{"jwt_claim_name": "azp", "jwt_claim_value": "x", "key": "sk-nobody-has-it"}).Status)
	require.Equal(t, http.StatusUnprocessableEntity, admin.Post(t, "/jwt/key/mapping/new", `{"jwt_claim_name":"azp"}`).Status)
	require.Equal(t, http.StatusUnprocessableEntity, admin.Post(t, "/jwt/key/mapping/new", map[string]any{"jwt_claim_name": "", "jwt_claim_value": "x", "key": key}).Status)
	require.Equal(t, http.StatusNotFound, admin.Post(t, "/jwt/key/mapping/update", `{"id":"nobody's"}`).Status)
	list := admin.Get(t, "/jwt/key/mapping/list").OK(t)
	require.InDelta(t, 1, list["total_count"], 0)
	require.Equal(t, id, admin.Get(t, "/jwt/key/mapping/info?id="+id).OK(t)["id"])

	// A key that gets another text takes its mappings along.
	next, _ := admin.Post(t, "/key/regenerate", map[string]any{"key": key}).OK(t)["key"].(string)
	s.Heard(t)
	obeys(t, s, token, "mock", http.StatusOK)
	admin.Post(t, "/jwt/key/mapping/update", map[string]any{"id": id, "is_active": false}).OK(t)
	obeys(t, s, token, "mock", http.StatusForbidden)
	admin.Post(t, "/jwt/key/mapping/update", map[string]any{"id": id, "is_active": true}).OK(t)
	obeys(t, s, token, "mock", http.StatusOK)
	admin.Post(t, "/key/block", map[string]any{"key": next}).OK(t)
	obeys(t, s, token, "mock", http.StatusUnauthorized)
	admin.Post(t, "/key/delete", map[string]any{"keys": []string{next}}).OK(t)
	obeys(t, s, token, "mock", http.StatusForbidden)
	require.Equal(t, http.StatusForbidden, c.Get(t, "/key/info").Status)
	admin.Post(t, "/jwt/key/mapping/delete", map[string]any{"id": id}).OK(t)
	require.Equal(t, http.StatusNotFound, admin.Get(t, "/jwt/key/mapping/info?id="+id).Status)
	rows, err := s.DB().Query(t.Context(), `SELECT action FROM audit_log WHERE table_name = 'jwt_key_mapping' ORDER BY updated_at`)
	require.NoError(t, err)
	actions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"created", "updated", "updated", "deleted"}, actions)
}
