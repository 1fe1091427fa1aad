package contract_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

// TestAccessGroups_of_models: a key that names a group may use what is in it.
func TestAccessGroups_of_models(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, DataPlanes: 2})
	admin := s.Master()
	for _, id := range []string{"a1", "a2", "b1"} {
		admin.Post(t, "/model/new", mockModel(id, "group-"+id[:1], nil)).OK(t)
	}
	key := s.NewKey(t, map[string]any{"models": []string{"the-group"}})
	obeys(t, s, key, "group-a", http.StatusForbidden)
	change := shape{"access_group": "string", "model_names": "array?", "model_ids": "array?", "models_updated": "number"}
	made := change.check(t, admin.Post(t, "/access_group/new", `{"access_group":"the-group","model_names":["group-a"]}`).OK(t))
	require.Equal(t, map[string]any{"access_group": "the-group", "model_names": []any{"group-a"}, "model_ids": nil, "models_updated": 2.0}, made)
	obeys(t, s, key, "group-a", http.StatusOK)
	obeys(t, s, key, "group-b", http.StatusForbidden)

	info := map[string]any{"access_group": "the-group", "model_names": []any{"group-a"}, "deployment_count": 2.0}
	require.Equal(t, info, admin.Get(t, "/access_group/the-group/info").OK(t))
	require.Equal(t, map[string]any{"access_groups": []any{info}}, admin.Get(t, "/access_group/list").OK(t))

	change.check(t, do(t, admin, http.MethodPut, "/access_group/the-group/update", `{"model_ids":["b1"]}`).OK(t))
	obeys(t, s, key, "group-a", http.StatusForbidden)
	obeys(t, s, key, "group-b", http.StatusOK)
	gone := do(t, admin, http.MethodDelete, "/access_group/the-group/delete", nil).OK(t)
	require.Equal(t, map[string]any{"access_group": "the-group", "models_updated": 1.0, "message": "Access group 'the-group' deleted successfully"}, gone)
	obeys(t, s, key, "group-b", http.StatusForbidden)
	require.Equal(t, []string{"created", "updated", "updated"}, actions(t, s, "proxy_model_table", "a1"))
	for face, url := range faces(s) {
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			accessGroupErrors(t, admin.At(url))
		})
	}
}

func accessGroupErrors(t *testing.T, admin *stack.Client) {
	t.Helper()
	detail := func(r stack.Reply, status int, message string) {
		t.Helper()
		require.Equal(t, status, r.Status, "%s", r.Body)
		require.JSONEq(t, string(stack.Body(t, map[string]any{"detail": map[string]string{"error": message}})), string(r.Body))
	}
	const none = "Either model_names or model_ids must be provided and non-empty"
	detail(admin.Post(t, "/access_group/new", `{"access_group":"g"}`), http.StatusBadRequest, none)
	detail(admin.Post(t, "/access_group/new", `{"access_group":"g","model_names":[]}`), http.StatusBadRequest, none)
	detail(admin.Post(t, "/access_group/new", `{"model_names":["group-a"]}`), http.StatusBadRequest, "access_group is required and must not be empty")
	detail(admin.Post(t, "/access_group/new", `{"access_group":"g","model_names":["mock"]}`), http.StatusBadRequest,
		"Can't find model 'mock' in Database. Access group management is only supported for database models.")
	notFound := "Access group 'nothing' not found"
	detail(admin.Get(t, "/access_group/nothing/info"), http.StatusNotFound, notFound)
	detail(do(t, admin, http.MethodPut, "/access_group/nothing/update", `{"model_names":["group-a"]}`), http.StatusNotFound, notFound)
	detail(do(t, admin, http.MethodDelete, "/access_group/nothing/delete", nil), http.StatusNotFound, notFound)
	admin.Post(t, "/access_group/new", `{"access_group":"twice","model_names":["group-a"]}`)
	detail(admin.Post(t, "/access_group/new", `{"access_group":"twice","model_names":["group-a"]}`), http.StatusConflict,
		"Access group 'twice' already exists. Use PUT /access_group/twice/update to modify it.")
	require.Equal(t, http.StatusUnprocessableEntity, admin.Post(t, "/access_group/new", `{"access_group":"g","model_names":"group-a"}`).Status)
}

func accessGroupView() shape {
	return shape{
		"access_group_id": "string", "access_group_name": "string", "description": "string?", "access_model_names": "array", "access_mcp_server_ids": "array",
		"access_agent_ids": "array", "assigned_team_ids": "array", "assigned_key_ids": "array", "created_at": "time", "created_by": "string?",
		"updated_at": "time", "updated_by": "string?",
	}
}

const twoModels = `
model_list:
- {model_name: mock, litellm_params: {model: mock/echo}}
- {model_name: other, litellm_params: {model: mock/echo}}
- {model_name: third, litellm_params: {model: mock/echo}}
litellm_settings: {store_audit_logs: true}
`

// TestAccessGroups_unified: keys and teams are given a group by its id, and use
// what is in it beside their own models.
func TestAccessGroups_unified(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: twoModels, DataPlanes: 2})
	for face, url := range faces(s) {
		for _, path := range []string{"/v1/access_group", "/v1/unified_access_group"} {
			t.Run(face+path, func(t *testing.T) {
				t.Parallel()
				unifiedLife(t, s, s.Master().At(url), path, face+path)
			})
		}
	}
}

func unifiedLife(t *testing.T, s *stack.Stack, admin *stack.Client, path, name string) {
	t.Helper()
	team := s.NewTeam(t, map[string]any{"models": []string{"mock"}})
	key := s.NewKey(t, map[string]any{"models": []string{"mock"}})
	inTeam := s.NewKey(t, map[string]any{"team_id": team})
	for _, k := range []string{key, inTeam} {
		obeys(t, s, k, "other", http.StatusForbidden)
	}
	r := admin.Post(t, path, map[string]any{
		"access_group_name": name, "description": "d", "access_model_names": []string{"other"}, "assigned_team_ids": []string{team}, "assigned_key_ids": []string{key},
	})
	require.Equal(t, http.StatusCreated, r.Status, "%s", r.Body)
	made := accessGroupView().check(t, any(r.Object(t)))
	id, _ := made["access_group_id"].(string)
	require.Equal(t, []any{ident.HashKey(key)}, made["assigned_key_ids"])
	require.Equal(t, []any{team}, made["assigned_team_ids"])
	for _, k := range []string{key, inTeam} {
		obeys(t, s, k, "other", http.StatusOK)
		obeys(t, s, k, "mock", http.StatusOK)
		obeys(t, s, k, "third", http.StatusForbidden)
		require.True(t, contains(t, s.Client(k).Get(t, "/v1/models"), `"other"`))
		require.True(t, contains(t, s.Client(k).Get(t, "/model/info"), `"other"`))
		require.False(t, contains(t, s.Client(k).Get(t, "/model/info"), `"third"`))
	}
	keyInfo, _ := admin.Get(t, "/key/info?key="+ident.HashKey(key)).OK(t)["info"].(map[string]any)
	require.Equal(t, []any{id}, keyInfo["access_group_ids"])
	require.Equal(t, made, accessGroupView().check(t, admin.Get(t, path+"/"+id).OK(t)))

	changed := do(t, admin, http.MethodPut, path+"/"+id, `{"access_model_ids":["third"],"assigned_team_ids":[]}`).OK(t)
	require.Equal(t, "d", accessGroupView().check(t, any(changed))["description"], "what is not sent stays")
	obeys(t, s, key, "third", http.StatusOK)
	obeys(t, s, key, "other", http.StatusForbidden)
	obeys(t, s, inTeam, "third", http.StatusForbidden)
	var list []map[string]any
	decode(t, admin.Get(t, path), &list)
	require.NotEmpty(t, list)

	twice := admin.Post(t, path, map[string]any{"access_group_name": name})
	checkDetail(t, twice, http.StatusConflict, "Access group '"+name+"' already exists")
	checkDetail(t, admin.Post(t, path, map[string]any{"access_group_name": name + "2", "assigned_team_ids": []string{"nothing"}}), http.StatusNotFound, "Team 'nothing' not found")
	require.Equal(t, http.StatusUnprocessableEntity, admin.Post(t, path, `{}`).Status)
	require.Equal(t, http.StatusUnprocessableEntity, admin.Post(t, path, `{"access_group_name":"x","access_model_names":"y"}`).Status)

	gone := do(t, admin, http.MethodDelete, path+"/"+id, nil)
	require.Equal(t, http.StatusNoContent, gone.Status)
	require.Empty(t, gone.Body)
	obeys(t, s, key, "third", http.StatusForbidden)
	obeys(t, s, key, "mock", http.StatusOK)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		checkDetail(t, do(t, admin, method, path+"/"+id, nil), http.StatusNotFound, "Access group '"+id+"' not found")
	}
	require.Equal(t, []string{"created", "updated", "deleted"}, actions(t, s, "access_group_table", id))
	require.Equal(t, []string{"updated", "updated"}, actions(t, s, "verification_token", ident.HashKey(key))[1:])
}
