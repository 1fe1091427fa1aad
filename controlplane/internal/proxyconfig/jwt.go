package proxyconfig

import (
	"github.com/tianjillm/tianjillm/shared/contract"
)

// jwtKeys are the keys of litellm_jwtauth. As at LiteLLM an unknown one is an
// error: a rule that is not obeyed lets somebody in.
const jwtKeys = `
admin_allowed_routes admin_jwt_scope custom_validate end_user_id_jwt_field enforce_rbac enforce_scope_based_access
enforce_team_based_model_access jwt_litellm_role_map object_id_jwt_field org_id_jwt_field public_allowed_routes public_key_ttl role_mappings
roles_jwt_field routing_overrides scope_mappings sync_user_role_and_teams team_alias_jwt_field team_allowed_routes team_id_default
team_id_jwt_field team_id_upsert team_ids_jwt_field unregistered_jwt_client_behavior upsert_sso_user_to_team user_allowed_email_domain
user_allowed_roles user_email_jwt_field user_id_jwt_field user_id_upsert user_roles_jwt_field virtual_key_claim_field
`

// LiteLLM's defaults.
const (
	defaultAdminScope = "litellm_proxy_admin"
	defaultUserClaim  = "sub"
	defaultTeamClaim  = "client_id"
)

func defaultAdminRoutes() []string {
	return []string{"management_routes", "spend_tracking_routes", "global_spend_tracking_routes", "info_routes"}
}

func defaultTeamRoutes() []string { return []string{"openai_routes", "info_routes"} }

// readJWT reads enable_jwt_auth and litellm_jwtauth.
func readJWT(general *object) *contract.JWTSettings {
	on, o := general.enabled("enable_jwt_auth"), general.object("litellm_jwtauth")
	o.knownOnly(keysOf(jwtKeys))
	s := &contract.JWTSettings{
		AdminScope: o.or("admin_jwt_scope", defaultAdminScope), AdminRoutes: o.routes("admin_allowed_routes", defaultAdminRoutes()),
		TeamRoutes: o.routes("team_allowed_routes", defaultTeamRoutes()),
		UserClaim:  o.or("user_id_jwt_field", defaultUserClaim), NeedUser: o.get("user_id_jwt_field") != nil,
		EmailClaim: o.text("user_email_jwt_field"), OrgClaim: o.text("org_id_jwt_field"), EndUserClaim: o.text("end_user_id_jwt_field"),
		TeamClaim: o.text("team_id_jwt_field"), TeamsClaim: o.text("team_ids_jwt_field"), TeamAliasClaim: o.text("team_alias_jwt_field"),
		DefaultTeam: o.label("team_id_default"), EmailDomain: o.text("user_allowed_email_domain"),
		UserRolesClaim: o.text("user_roles_jwt_field"), UserRoles: o.texts("user_allowed_roles"),
		RolesClaim: o.text("roles_jwt_field"), ObjectClaim: o.text("object_id_jwt_field"),
		Roles: o.jwtRoles("role_mappings", "role", "internal_role"), UserRoleMap: o.jwtRoles("jwt_litellm_role_map", "jwt_role", "litellm_role"),
		Scopes: o.jwtScopes(), EnforceScopes: o.enabled("enforce_scope_based_access"),
		EnforceRoles: o.enabled("enforce_rbac") || general.enabled("enforce_rbac"), EnforceTeams: o.enabled("enforce_team_based_model_access"),
		UpsertUsers: o.enabled("user_id_upsert"), UpsertTeams: o.enabled("team_id_upsert"), Sync: o.enabled("sync_user_role_and_teams"),
		KeyClaim: o.text("virtual_key_claim_field"),
	}
	if ttl := o.seconds("public_key_ttl"); ttl != nil {
		s.KeySeconds = int64(ttl.Seconds())
	}
	s.NeedTeam = s.TeamClaim != "" || s.TeamsClaim != ""
	if !s.NeedTeam && s.TeamAliasClaim == "" {
		s.TeamClaim = defaultTeamClaim // read where it names a team that there is
	}
	s.RejectUnmapped = o.oneOf("unregistered_jwt_client_behavior", "fallback_team_mapping", "reject") == "reject"
	o.checkJWT(s)
	if !on {
		if o.node != nil {
			o.problems.warnf(o.node.place(o.path), "this has no effect without enable_jwt_auth: true")
		}
		return nil
	}
	return s
}

// checkJWT reports what does not fit together, and what is not obeyed here.
func (o *object) checkJWT(s *contract.JWTSettings) {
	need := func(wrong bool, key, message string) {
		if wrong {
			o.problems.errorf(o.place(key), "%s", message)
		}
	}
	need((s.UserRolesClaim == "") != (len(s.UserRoles) == 0), "user_allowed_roles", "user_roles_jwt_field and user_allowed_roles go together: set both or none")
	need(s.ObjectClaim != "" && len(s.Roles) == 0, "object_id_jwt_field", "object_id_jwt_field needs role_mappings")
	need((len(s.Roles) > 0 || len(s.UserRoleMap) > 0) && s.RolesClaim == "", "role_mappings", "roles need roles_jwt_field, the claim that holds them")
	need(len(s.Scopes) > 0 && !s.EnforceScopes, "scope_mappings", "scope_mappings needs enforce_scope_based_access: true")
	need(s.RejectUnmapped && s.KeyClaim == "", "unregistered_jwt_client_behavior", "reject needs virtual_key_claim_field")
	need(o.get("custom_validate") != nil, "custom_validate", "custom_validate names Python code, which does not run here; use audiences, issuers and roles")
	need(o.get("routing_overrides") != nil, "routing_overrides", "routing_overrides is not offered here")
	for _, key := range []string{"public_allowed_routes", "upsert_sso_user_to_team"} {
		if o.get(key) != nil {
			o.problems.warnf(o.place(key), "this has no effect here")
		}
	}
}

// place is where a key stands, or its section where it does not.
func (o *object) place(key string) Place {
	if n := o.get(key); n != nil {
		return n.place(join(o.path, key))
	}
	if o.node != nil {
		return o.node.place(o.path)
	}
	return Place{Path: o.path}
}

// knownOnly reports keys that are not known as mistakes.
func (o *object) knownOnly(known keySet) {
	if o.node == nil {
		return
	}
	for _, f := range o.node.fields {
		if !known.has(f.key) {
			o.problems.errorf(Place{File: f.value.file, Line: f.line, Path: join(o.path, f.key)}, "unknown key%s", hint(f.key, known, nil))
		}
	}
}

// or is a text, or def where there is none.
func (o *object) or(key, def string) string {
	if t := o.text(key); t != "" {
		return t
	}
	return def
}

func (o *object) routes(key string, def []string) []string {
	if o.get(key) == nil {
		return def
	}
	return o.texts(key)
}

// each calls f with each mapping of a list.
func (o *object) each(key string, f func(*object)) {
	list, path := o.get(key), join(o.path, key)
	if list == nil {
		return
	}
	if list.kind != listKind {
		o.wrong(list, path, "a list")
		return
	}
	for i, n := range list.items {
		if one := objectAt(o.problems, n, index(path, i)); one.node != nil {
			f(one)
		}
	}
}

func (o *object) jwtRoles(key, claimed, role string) []contract.JWTRole {
	var all []contract.JWTRole
	o.each(key, func(one *object) {
		one.knownOnly(keysOf(claimed, role))
		r := contract.JWTRole{Claimed: one.required(claimed, "the role that a token has")}
		words := []string{"proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"}
		if key == "role_mappings" {
			words = append(words, "team")
		}
		one.required(role, "the role that it stands for")
		r.Role = one.oneOf(role, words...)
		all = append(all, r)
	})
	return all
}

func (o *object) jwtScopes() []contract.JWTScope {
	var all []contract.JWTScope
	o.each("scope_mappings", func(one *object) {
		one.knownOnly(keysOf(`models routes scope`))
		all = append(all, contract.JWTScope{Scope: one.required("scope", "the scope of a token"), Models: one.texts("models"), Routes: one.texts("routes")})
	})
	return all
}
