package contract_test

import "maps"

// addTeamRows adds the routes of teams beside making, changing and showing one.
func addTeamRows(all map[string]row) {
	ofTheOrg := func(f *scene) string {
		return f.NewTeam(f.t, map[string]any{"team_id": f.fresh(), "organization_id": "the-org", "members_with_roles": []map[string]string{
			{"user_id": f.user, "role": "user"}, {"user_id": "the-team-admin", "role": "admin"},
		}})
	}
	onTeam := func(more map[string]any) maker {
		return func(f *scene) any {
			body := map[string]any{"team_id": ofTheOrg(f)}
			maps.Copy(body, more)
			return body
		}
	}
	// What a team may do and cost is not for its own admins, nor for its keys.
	governed := statuses{401, 401, 403, 403, 401, 403, 403, 403, 200, 200, 200}
	seen := statuses{401, 401, 403, 403, 403, 200, 403, 200, 200, 200, 200}
	all["GET /v2/team/list"] = row{statuses{401, 401, 404, 200, 200, 200, 404, 200, 200, 200, 200}, "", nil}
	all["GET /team/available"] = row{anyKey.but(400), "", nil} // the fixture opens none
	all["GET /team/filter/ui"] = row{anyKey, "", nil}
	all["GET /team/metadata_schema"] = row{anyKey, "", nil}
	all["GET /team/permissions_list"] = row{seen, "?team_id=TEAM", nil}
	all["POST /team/delete"] = row{governed, "", func(f *scene) any { return map[string]any{"team_ids": []string{ofTheOrg(f)}} }}
	all["POST /team/block"] = row{governed, "", onTeam(nil)}
	all["POST /team/unblock"] = row{governed, "", onTeam(nil)}
	all["POST /team/model/add"] = row{governed, "", onTeam(map[string]any{"models": []string{"mock"}})}
	all["POST /team/model/delete"] = row{governed, "", onTeam(map[string]any{"models": []string{"mock"}})}
	all["POST /team/permissions_update"] = row{ofTeam, "", onTeam(map[string]any{"team_member_permissions": []string{"/key/info"}})}
	all["POST /team/permissions_bulk_update"] = row{adminOnly, "", func(f *scene) any {
		return map[string]any{"permissions": []string{"/key/info"}, "team_ids": []string{ofTheOrg(f)}}
	}}
	all["POST /team/bulk_member_add"] = row{ofTeam, "", func(f *scene) any {
		return map[string]any{"team_id": ofTheOrg(f), "members": []map[string]string{{"user_id": f.fresh(), "role": "user"}}}
	}}
	all["GET /team/:team_id/members/me"] = row{statuses{401, 401, 403, 200, 403, 404, 404, 200, 404, 404, 404}, "", nil}
	all["GET /team/:team_id/callback"] = row{seen, "", nil}
	all["POST /team/:team_id/callback"] = row{ofTeam, "", func(f *scene) any {
		return map[string]any{"callback_name": f.fresh(), "callback_type": "success", "callback_vars": map[string]string{"langfuse_host": "https://logs.example.com"}}
	}}
	all["DELETE /team/:team_id/callback/:callback_name"] = row{ofTeam.but(404), "", nil}
	all["POST /team/:team_id/disable_logging"] = row{ofTeam, "", nil}
	all["POST /team/:team_id/reset_spend"] = row{governed, "", func(*scene) any { return `{"reset_to":0}` }}
}
