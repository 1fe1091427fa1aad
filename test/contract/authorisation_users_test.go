package contract_test

import "maps"

// addUserRows adds the routes of internal users, invitations and logins.
func addUserRows(all map[string]row) {
	// A user of the organisation alone, whom its admins may do with as they like.
	ofTheOrg := func(f *scene) string {
		return f.NewUser(f.t, map[string]any{"user_id": f.fresh(), "organizations": []string{"the-org"}})
	}
	lists := statuses{401, 401, 403, 403, 403, 200, 403, 403, 200, 200, 200}
	all["POST /user/update"] = row{statuses{401, 401, 401, 200, 401, 403, 401, 401, 401, 200, 200}, "", func(f *scene) any {
		return map[string]any{"user_id": f.user, "user_alias": f.fresh()}
	}}
	all["POST /user/bulk_update"] = row{adminOnly, "", func(f *scene) any {
		return map[string]any{"users": []map[string]any{{"user_id": f.user, "user_alias": f.fresh()}}}
	}}
	all["POST /user/delete"] = row{ofOrg, "", func(f *scene) any { return map[string]any{"user_ids": []string{ofTheOrg(f)}} }}
	all["GET /user/list"] = row{lists, "", nil}
	all["GET /user/get_users"] = row{lists, "", nil}
	all["POST /user/get_users"] = row{lists, "", nil}
	all["GET /v2/user/info"] = row{statuses{401, 401, 404, 200, 404, 200, 404, 404, 404, 200, 200}, "?user_id=USER", nil}
	all["GET /user/available_roles"] = row{anyKey, "", nil}
	all["GET /user/filter/ui"] = row{anyKey, "", nil}
	all["GET /user/available_users"] = row{adminOnly, "", nil}

	invites := statuses{401, 401, 400, 400, 400, 400, 400, 400, 200, 200, 200}
	invited := func(more map[string]any) maker {
		return func(f *scene) any {
			body := map[string]any{"invitation_id": f.Master().Post(f.t, "/invitation/new", map[string]any{"user_id": ofTheOrg(f)}).OK(f.t)["id"]}
			maps.Copy(body, more)
			return body
		}
	}
	all["POST /invitation/new"] = row{invites, "", func(f *scene) any { return map[string]any{"user_id": ofTheOrg(f)} }}
	all["POST /invitation/update"] = row{invites, "", invited(map[string]any{"is_accepted": true})}
	all["POST /invitation/delete"] = row{invites, "", invited(nil)}
	all["GET /invitation/info"] = row{statuses{401, 401, 400, 400, 400, 200, 400, 400, 200, 200, 200}, "?invitation_id=INVITATION", nil}
	all["GET /onboarding/get_token"] = row{public.but(401), "?invite_link=nothing", nil}
	all["POST /onboarding/claim_token"] = row{public.but(401), "", func(*scene) any {
		return `{"invitation_link":"nothing","user_id":"u","password":"a long password"}`
	}}
	all["POST /v2/login"] = row{public.but(422), "", func(*scene) any { return "{}" }}
}
