package contract_test

import (
	"net/http"
	"testing"
)

// unknownName is what stands for ":id" in the paths of this table.
const unknownName = "resp_unknown"

// addDeployments makes what the rows of deployments, credentials, access groups
// and fallbacks are about.
func (f *fixture) addDeployments(t *testing.T) {
	t.Helper()
	admin := f.Master()
	mock := func(id, name string, team any) {
		admin.Post(t, "/model/new", map[string]any{
			"model_name": name, "litellm_params": map[string]any{"model": "mock/echo"}, "model_info": map[string]any{"id": id, "team_id": team},
		}).OK(t)
	}
	mock(unknownName, "of-the-team", f.team)
	mock("in-the-group", "grouped", nil)
	admin.Post(t, "/access_group/new", map[string]any{"access_group": unknownName, "model_names": []string{"grouped"}}).OK(t)
	admin.Post(t, "/credentials", `{"credential_name":"mock","credential_values":{"api_key":"0123456789abcdef"}}`).OK(t)
	admin.Post(t, "/fallback", `{"model":"mock","fallback_models":["grouped"]}`).OK(t)
}

// teamModel makes a deployment of the team.
func (f *fixture) teamModel(t *testing.T) string {
	t.Helper()
	id := f.fresh()
	f.Master().Post(t, "/model/new", map[string]any{
		"model_name": id, "litellm_params": map[string]any{"model": "mock/echo"}, "model_info": map[string]any{"id": id, "team_id": f.team},
	}).OK(t)
	return id
}

func addDeploymentRows(all map[string]row) {
	same := func(body string) maker { return func(*scene) any { return body } }
	all["POST /model/new"] = row{ofTeam, "", func(f *scene) any {
		return map[string]any{
			"model_name": f.fresh(), "litellm_params": map[string]any{"model": "mock/echo"}, "model_info": map[string]any{"team_id": f.team},
		}
	}}
	all["POST /model/update"] = row{ofTeam, "", func(f *scene) any {
		return map[string]any{"model_info": map[string]any{"id": f.teamModel(f.t)}, "model_name": f.fresh()}
	}}
	all["POST /model/delete"] = row{ofTeam, "", func(f *scene) any { return map[string]any{"id": f.teamModel(f.t)} }}
	all["PATCH /model/:id/update"] = row{ofTeam, "", same(`{"litellm_params":{"rpm":5}}`)}
	for _, path := range []string{"/model/info", "/v1/model/info", "/v2/model/info", "/model_group/info", "/get/litellm_model_cost_map"} {
		all["GET "+path] = row{anyKey, "", nil}
	}
	all["GET /public/litellm_model_cost_map"] = row{public, "", nil}
	for _, path := range []string{"/model/metrics", "/model/streaming_metrics", "/model/metrics/slow_responses", "/model/metrics/exceptions", "/model/settings"} {
		all["GET "+path] = row{adminOnly, "", nil}
	}
	all["POST /reload/model_cost_map"] = row{adminOnly, "", nil}

	all["POST /credentials"] = row{adminOnly, "", func(f *scene) any {
		return map[string]any{"credential_name": f.fresh(), "credential_values": map[string]string{"api_key": "0123456789abcdef"}}
	}}
	all["GET /credentials"] = row{adminOnly, "", nil}
	all["GET /credentials/by_name/*"] = row{adminOnly, "", nil}
	all["GET /credentials/by_model/:id"] = row{adminOnly, "", nil}
	all["PATCH /credentials/*"] = row{adminOnly, "", same(`{"credential_info":{"description":"d"}}`)}
	all["DELETE /credentials/*"] = row{adminOnly.but(http.StatusNotFound), "-that-nobody-made", nil}

	all["POST /access_group/new"] = row{adminOnly, "", func(f *scene) any {
		return map[string]any{"access_group": f.fresh(), "model_ids": []string{"in-the-group"}}
	}}
	all["GET /access_group/list"] = row{adminOnly, "", nil}
	all["GET /access_group/:id/info"] = row{adminOnly, "", nil}
	all["PUT /access_group/:id/update"] = row{adminOnly, "", same(`{"model_names":["grouped"]}`)}
	all["DELETE /access_group/:name/delete"] = row{adminOnly.but(http.StatusNotFound), "", nil}
	for _, path := range []string{"/v1/access_group", "/v1/unified_access_group"} {
		all["POST "+path] = row{adminOnly.but(http.StatusCreated), "", func(f *scene) any { return map[string]any{"access_group_name": f.fresh()} }}
		all["GET "+path] = row{adminOnly, "", nil}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			all[method+" "+path+"/:id"] = row{adminOnly.but(http.StatusNotFound), "", nil}
		}
	}

	all["POST /fallback"] = row{adminOnly, "", same(`{"model":"mock","fallback_models":["grouped"]}`)}
	all["GET /fallback/*"] = row{adminOnly, "", nil}
	all["DELETE /fallback/*"] = row{adminOnly.but(http.StatusNotFound), "?fallback_type=context_window", nil}
}
