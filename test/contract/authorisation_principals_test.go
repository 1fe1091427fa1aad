package contract_test

import (
	"maps"
	"testing"
)

// addPrincipals makes what the rows of budgets, customers, organisations and
// tags are about.
func (f *fixture) addPrincipals(t *testing.T) {
	t.Helper()
	admin := f.Master()
	admin.Post(t, "/budget/new", `{"budget_id":"the-budget"}`).OK(t)
	admin.Post(t, "/customer/new", `{"user_id":"the-customer"}`).OK(t)
	admin.Post(t, "/tag/new", `{"name":"the-tag"}`).OK(t)
}

// made calls a route that makes something under a fresh id, and returns a body
// with that id.
func made(path, member string, more map[string]any, body func(id string) map[string]any) maker {
	return func(f *scene) any {
		id := f.fresh()
		fields := map[string]any{member: id}
		maps.Copy(fields, more)
		f.Master().Post(f.t, path, fields).OK(f.t)
		return body(id)
	}
}

func addPrincipalRows(all map[string]row) {
	fresh := func(member string, more map[string]any) maker {
		return func(f *scene) any {
			fields := map[string]any{member: f.fresh()}
			maps.Copy(fields, more)
			return fields
		}
	}
	same := func(body string) maker { return func(*scene) any { return body } }
	list := func(member string) func(id string) map[string]any {
		return func(id string) map[string]any { return map[string]any{member: []string{id}} }
	}
	all["POST /budget/new"] = row{adminOnly, "", same("{}")}
	all["POST /budget/update"] = row{adminOnly, "", same(`{"budget_id":"the-budget","rpm_limit":5}`)}
	all["POST /budget/info"] = row{adminOnly, "", same(`{"budgets":["the-budget"]}`)}
	all["GET /budget/settings"] = row{adminOnly, "?budget_id=the-budget", nil}
	all["GET /budget/list"] = row{adminOnly, "", nil}
	all["POST /budget/delete"] = row{adminOnly, "", made("/budget/new", "budget_id", nil, func(id string) map[string]any { return map[string]any{"id": id} })}
	for _, prefix := range []string{"/customer", "/end_user"} {
		all["POST "+prefix+"/new"] = row{adminOnly, "", fresh("user_id", nil)}
		all["POST "+prefix+"/update"] = row{adminOnly, "", same(`{"user_id":"the-customer","alias":"a"}`)}
		all["POST "+prefix+"/delete"] = row{adminOnly, "", made("/customer/new", "user_id", nil, list("user_ids"))}
		all["POST "+prefix+"/block"] = row{adminOnly, "", same(`{"user_ids":["another-customer"]}`)}
		all["POST "+prefix+"/unblock"] = row{adminOnly, "", same(`{"user_ids":["another-customer"]}`)}
		all["GET "+prefix+"/info"] = row{adminOnly, "?end_user_id=the-customer", nil}
		all["GET "+prefix+"/list"] = row{adminOnly, "", nil}
	}
	alias := map[string]any{"organization_alias": "A"}
	all["POST /organization/new"] = row{adminOnly, "", fresh("organization_id", alias)}
	all["PATCH /organization/update"] = row{adminOnly, "", same(`{"organization_id":"the-org","organization_alias":"B"}`)}
	all["DELETE /organization/delete"] = row{adminOnly, "", made("/organization/new", "organization_id", alias, list("organization_ids"))}
	all["GET /organization/list"] = row{anyKey, "", nil}
	all["GET /organization/info"] = row{ofOrg, "?organization_id=the-org", nil}
	all["POST /organization/info"] = row{ofOrg, "", same(`{"organizations":["the-org"]}`)}
	member := func(path string, body func(f *scene, user string) map[string]any) maker {
		return func(f *scene) any {
			user := f.fresh()
			if path != "" {
				f.Master().Post(f.t, path, body(f, user)).OK(f.t)
			}
			return body(f, user)
		}
	}
	inOrg := func(_ *scene, user string) map[string]any {
		return map[string]any{"organization_id": "the-org", "user_id": user, "member": map[string]string{"user_id": user, "role": "internal_user"}}
	}
	inTeam := func(f *scene, user string) map[string]any {
		return map[string]any{"team_id": f.team, "user_id": user, "member": map[string]string{"user_id": user, "role": "user"}}
	}
	all["POST /organization/member_add"] = row{ofOrg, "", member("", inOrg)}
	all["PATCH /organization/member_update"] = row{ofOrg, "", member("/organization/member_add", inOrg)}
	all["DELETE /organization/member_delete"] = row{ofOrg, "", member("/organization/member_add", inOrg)}
	all["POST /team/update"] = row{ofTeam, "", func(f *scene) any { return map[string]any{"team_id": f.team, "team_alias": f.fresh()} }}
	all["POST /team/member_add"] = row{ofTeam, "", member("", inTeam)}
	all["POST /team/member_update"] = row{ofTeam, "", member("/team/member_add", inTeam)}
	all["POST /team/member_delete"] = row{ofTeam, "", member("/team/member_add", inTeam)}
	all["POST /tag/new"] = row{adminOnly, "", fresh("name", nil)}
	all["POST /tag/update"] = row{adminOnly, "", same(`{"name":"the-tag","description":"d"}`)}
	all["POST /tag/info"] = row{adminOnly, "", same(`{"names":["the-tag"]}`)}
	all["GET /tag/list"] = row{adminOnly, "", nil}
	all["POST /tag/delete"] = row{adminOnly, "", made("/tag/new", "name", nil, func(id string) map[string]any { return map[string]any{"name": id} })}
}
