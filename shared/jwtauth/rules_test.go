package jwtauth_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/jwtauth"
	"github.com/tianjillm/tianjillm/shared/policy"
)

func claimsOf(tb testing.TB, text string) jwtauth.Claims {
	tb.Helper()
	var c jwtauth.Claims
	require.NoError(tb, json.Unmarshal([]byte(text), &c))
	return c
}

func TestSubject(t *testing.T) {
	t.Parallel()
	full := contract.JWTSettings{
		AdminScope: "litellm_proxy_admin", UserClaim: "sub", NeedUser: true, EmailClaim: "user.email", TeamClaim: `app\.team`, TeamsClaim: "groups",
		NeedTeam: true, OrgClaim: "org", EndUserClaim: "customer",
	}
	roles := contract.JWTSettings{
		UserClaim: "sub", RolesClaim: "realm.roles", ObjectClaim: "oid", EnforceRoles: true,
		Roles: []contract.JWTRole{{Claimed: "boss", Role: "proxy_admin"}, {Claimed: "crew", Role: "team"}, {Claimed: "person", Role: "internal_user"}, {Claimed: "guest reader", Role: "internal_user_viewer"}},
	}
	scopes := contract.JWTSettings{EnforceScopes: true, Scopes: []contract.JWTScope{
		{Scope: "cheap", Models: []string{"small"}, Routes: []string{"/chat/completions"}}, {Scope: "more", Models: []string{"large"}, Routes: []string{"/embeddings"}}, {Scope: "all"},
	}}
	for name, tc := range map[string]struct {
		set    contract.JWTSettings
		claims string
		want   jwtauth.Subject
	}{
		"everything": {
			full, `{"sub":"u","user":{"email":"u@example.com"},"app.team":"t","groups":["a","t","b"],"org":7,"customer":"c"}`,
			jwtauth.Subject{UserID: "u", Email: "u@example.com", Teams: []string{"t", "a", "b"}, OrgID: "7", EndUser: "c"},
		},
		"admin by a scope":            {full, `{"scope":"openid litellm_proxy_admin","sub":"u"}`, jwtauth.Subject{Admin: true, Role: policy.ProxyAdmin, UserID: "u"}},
		"admin by a list of scopes":   {full, `{"scope":["litellm_proxy_admin"]}`, jwtauth.Subject{Admin: true, Role: policy.ProxyAdmin}},
		"no admin by a part of one":   {full, `{"sub":"u","scope":"litellm_proxy_admin_not"}`, jwtauth.Subject{UserID: "u"}},
		"an address nobody has":       {full, `{"sub":"u","email_verified":false,"user":{"email":"u@example.com"}}`, jwtauth.Subject{UserID: "u"}},
		"a team only":                 {full, `{"groups":"a"}`, jwtauth.Subject{Teams: []string{"a"}}},
		"a default team":              {contract.JWTSettings{UserClaim: "sub", DefaultTeam: "d"}, `{"sub":"u"}`, jwtauth.Subject{UserID: "u", Teams: []string{"d"}}},
		"a role of admins":            {roles, `{"realm":{"roles":["boss"]}}`, jwtauth.Subject{Admin: true, Role: policy.ProxyAdmin}},
		"a role of teams":             {roles, `{"sub":"u","oid":"t","realm":{"roles":["crew"]}}`, jwtauth.Subject{Teams: []string{"t"}}},
		"a role of users":             {roles, `{"sub":"u","oid":"v","realm":{"roles":"x person"}}`, jwtauth.Subject{UserID: "v"}},
		"a role with a space":         {roles, `{"sub":"u","realm":{"roles":"guest reader"}}`, jwtauth.Subject{UserID: "u", Role: policy.InternalUserViewer}},
		"a scope":                     {scopes, `{"scope":"cheap"}`, jwtauth.Subject{Models: []string{"small"}, Routes: []string{"/chat/completions"}}},
		"two scopes":                  {scopes, `{"scope":"cheap more"}`, jwtauth.Subject{Models: []string{"small", "large"}, Routes: []string{"/chat/completions", "/embeddings"}}},
		"a scope of everything":       {scopes, `{"scope":"cheap all"}`, jwtauth.Subject{}},
		"an id with a control":        {contract.JWTSettings{UserClaim: "sub"}, `{"sub":"a\u0000b"}`, jwtauth.Subject{}},
		"an id that is an object":     {contract.JWTSettings{UserClaim: "sub"}, `{"sub":{"a":1}}`, jwtauth.Subject{}},
		"a role of LiteLLM":           {contract.JWTSettings{UserClaim: "sub", RolesClaim: "roles", UserRoleMap: []contract.JWTRole{{Claimed: "lead", Role: "proxy_admin_viewer"}}}, `{"sub":"u","roles":["lead"]}`, jwtauth.Subject{UserID: "u", Role: policy.ProxyAdminViewer}},
		"a value that leads to a key": {contract.JWTSettings{KeyClaim: "email", RejectUnmapped: true}, `{"email":"a@example.com"}`, jwtauth.Subject{KeyClaim: "a@example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := open(t, &vendor{}, tc.set)
			got, err := a.Subject(claimsOf(t, tc.claims))
			require.NoError(t, err)
			require.Equal(t, [...]any{tc.want.Admin, tc.want.Role, tc.want.UserID, tc.want.Email, tc.want.OrgID, tc.want.EndUser, tc.want.Teams, tc.want.Models, tc.want.Routes, tc.want.KeyClaim},
				[...]any{got.Admin, got.Role, got.UserID, got.Email, got.OrgID, got.EndUser, got.Teams, got.Models, got.Routes, got.KeyClaim})
		})
	}
}

func TestSubject_refuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set    contract.JWTSettings
		claims string
		status int
		want   string
	}{
		"no user":          {contract.JWTSettings{UserClaim: "sub", NeedUser: true}, `{}`, 401, "No user id"},
		"no team":          {contract.JWTSettings{UserClaim: "sub", TeamClaim: "team", NeedTeam: true}, `{"sub":"u"}`, 401, "No team id"},
		"another domain":   {contract.JWTSettings{EmailClaim: "email", EmailDomain: "example.com"}, `{"email":"u@evil.com"}`, 403, "domain"},
		"a longer domain":  {contract.JWTSettings{EmailClaim: "email", EmailDomain: "example.com"}, `{"email":"u@notexample.com"}`, 403, "domain"},
		"no address":       {contract.JWTSettings{EmailClaim: "email", EmailDomain: "example.com"}, `{}`, 403, "domain"},
		"no role":          {contract.JWTSettings{UserClaim: "sub", RolesClaim: "roles", EnforceRoles: true, Roles: []contract.JWTRole{{Claimed: "a", Role: "team"}}}, `{"sub":"u","roles":["b"]}`, 403, "enforce_rbac"},
		"a guessed team":   {contract.JWTSettings{UserClaim: "sub", TeamClaim: "client_id", EnforceRoles: true}, `{"sub":"u","client_id":"c"}`, 403, "enforce_rbac"},
		"no allowed role":  {contract.JWTSettings{UserClaim: "sub", UserRolesClaim: "roles", UserRoles: []string{"basic"}}, `{"sub":"u","roles":["other"]}`, 403, "user_allowed_roles"},
		"no scope":         {contract.JWTSettings{EnforceScopes: true, Scopes: []contract.JWTScope{{Scope: "a"}}}, `{"scope":"b"}`, 403, "scope"},
		"no team enforced": {contract.JWTSettings{UserClaim: "sub", EnforceTeams: true}, `{"sub":"u"}`, 403, "No teams found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, &vendor{}, tc.set).Subject(claimsOf(t, tc.claims))
			var public *apierr.Error
			require.ErrorAs(t, err, &public)
			require.Equal(t, tc.status, public.Status)
			require.Contains(t, public.Message, tc.want)
		})
	}
}

func FuzzSubject(f *testing.F) {
	a := open(f, &vendor{}, contract.JWTSettings{
		AdminScope: "admin", UserClaim: "sub", EmailClaim: "a.b", TeamClaim: `x\.y`, TeamsClaim: "groups", RolesClaim: "r", OrgClaim: "o", EndUserClaim: "e",
		ObjectClaim: "oid", Roles: []contract.JWTRole{{Claimed: "t", Role: "team"}},
	})
	for _, seed := range []string{`{}`, `{"sub":"u","groups":["a",1,null,{}]}`, `{"a":{"b":"x@y"}}`, `{"scope":"admin"}`, `{"r":"t","oid":5}`, `{"x.y":"t","a":[1]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c jwtauth.Claims
		if json.Unmarshal(data, &c) != nil {
			return
		}
		s, err := a.Subject(c)
		if err != nil {
			return
		}
		if len(s.Teams) > 64 {
			t.Fatal("too many teams")
		}
		for _, id := range append([]string{s.UserID, s.Email, s.OrgID, s.EndUser}, s.Teams...) {
			if len(id) > 256 || !utf8.ValidString(id) {
				t.Fatalf("an id that can name nobody: %q", id)
			}
		}
	})
}

// FuzzKeys reads what a provider publishes.
func FuzzKeys(f *testing.F) {
	set, err := json.Marshal(keySet(newSigners(f)))
	require.NoError(f, err)
	for _, seed := range []string{string(set), `{"keys":[]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`, `{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"}]}`, `{"keys":"x"}`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, data []byte) { jwtauth.ParseSet(data) })
}
