package proxyconfig_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func jwtOf(t *testing.T, text string) *contract.JWTSettings {
	t.Helper()
	cfg, _, err := proxyconfig.Parse("config.yaml", []byte(text), noEnvironment)
	require.NoError(t, err)
	return cfg.General.JWT
}

func TestJWT(t *testing.T) {
	t.Parallel()
	require.Nil(t, jwtOf(t, "general_settings: {litellm_jwtauth: {user_id_jwt_field: sub}}"), "it is off")
	require.Equal(t, &contract.JWTSettings{
		AdminScope: "litellm_proxy_admin", UserClaim: "sub", TeamClaim: "client_id",
		AdminRoutes: []string{"management_routes", "spend_tracking_routes", "global_spend_tracking_routes", "info_routes"},
		TeamRoutes:  []string{"openai_routes", "info_routes"},
	}, jwtOf(t, "general_settings: {enable_jwt_auth: true}"))
	require.Equal(t, &contract.JWTSettings{
		AdminScope: "admin", AdminRoutes: []string{"/health"}, TeamRoutes: []string{"llm_api_routes"}, KeySeconds: 60,
		UserClaim: "oid", NeedUser: true, EmailClaim: "email", EmailDomain: "example.com", TeamClaim: "team", TeamsClaim: "groups", NeedTeam: true,
		TeamAliasClaim: "team_name", OrgClaim: "org", EndUserClaim: "customer", DefaultTeam: "7",
		UserRolesClaim: "r", UserRoles: []string{"a"}, RolesClaim: "roles", ObjectClaim: "azp",
		Roles: []contract.JWTRole{{Claimed: "crew", Role: "team"}}, UserRoleMap: []contract.JWTRole{{Claimed: "lead", Role: "proxy_admin"}},
		Scopes: []contract.JWTScope{{Scope: "cheap", Models: []string{"small"}, Routes: []string{"/v1/chat/completions"}}}, EnforceScopes: true,
		EnforceRoles: true, EnforceTeams: true, UpsertUsers: true, UpsertTeams: true, Sync: true, KeyClaim: "sub", RejectUnmapped: true,
	}, jwtOf(t, `
general_settings:
  enable_jwt_auth: true
  litellm_jwtauth:
    admin_jwt_scope: admin
    admin_allowed_routes: [/health]
    team_allowed_routes: [llm_api_routes]
    public_key_ttl: 60
    user_id_jwt_field: oid
    user_email_jwt_field: email
    user_allowed_email_domain: example.com
    team_id_jwt_field: team
    team_ids_jwt_field: groups
    team_alias_jwt_field: team_name
    team_id_default: 7
    org_id_jwt_field: org
    end_user_id_jwt_field: customer
    user_roles_jwt_field: r
    user_allowed_roles: [a]
    roles_jwt_field: roles
    object_id_jwt_field: azp
    role_mappings: [{role: crew, internal_role: team}]
    jwt_litellm_role_map: [{jwt_role: lead, litellm_role: proxy_admin}]
    scope_mappings: [{scope: cheap, models: [small], routes: [/v1/chat/completions]}]
    enforce_scope_based_access: true
    enforce_rbac: true
    enforce_team_based_model_access: true
    user_id_upsert: true
    team_id_upsert: true
    sync_user_role_and_teams: true
    virtual_key_claim_field: sub
    unregistered_jwt_client_behavior: reject
`))
}

func TestJWT_mistakes(t *testing.T) {
	t.Parallel()
	for rules, want := range map[string]string{
		"user_id_jwtfield: sub":                           "unknown key; did you mean user_id_jwt_field?",
		"user_allowed_roles: [a]":                         "go together",
		"user_roles_jwt_field: a":                         "go together",
		"object_id_jwt_field: a":                          "needs role_mappings",
		"role_mappings: [{role: a, internal_role: team}]": "roles need roles_jwt_field",
		"roles_jwt_field: r\n    role_mappings: [{role: a, internal_role: x}]": "expected one of",
		"roles_jwt_field: r\n    role_mappings: [{internal_role: team}]":       "role is missing",
		"scope_mappings: [{scope: a}]":                                         "needs enforce_scope_based_access",
		"unregistered_jwt_client_behavior: reject":                             "needs virtual_key_claim_field",
		"unregistered_jwt_client_behavior: auto_register":                      "expected one of",
		"custom_validate: my.module":                                           "Python",
		"routing_overrides: {}":                                                "not offered",
	} {
		text := parseError(t, "general_settings:\n  enable_jwt_auth: true\n  litellm_jwtauth:\n    "+rules+"\n")
		require.Contains(t, text, want, rules)
		require.Contains(t, text, "config.yaml:", rules)
	}
}
