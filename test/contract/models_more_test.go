package contract_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// mockModel is the body of /model/new for a deployment of the built-in provider.
func mockModel(id, name string, info map[string]any) map[string]any {
	about := map[string]any{"id": id}
	maps.Copy(about, info)
	return map[string]any{"model_name": name, "litellm_params": map[string]any{"model": "mock/echo"}, "model_info": about}
}

// TestModel_patch: only what is sent changes, null takes a price away, and a
// blocked deployment is not called.
func TestModel_patch(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, DataPlanes: 2})
	for face, address := range faces(s) {
		admin, id := s.Master().At(address), "patched at "+face
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			body := mockModel(id, id, map[string]any{"tier": "paid"})
			body["litellm_params"] = map[string]any{"model": "mock/echo", "input_cost_per_token": 0.5, "rpm": 900}
			admin.Post(t, "/model/new", body).OK(t)
			path := "/model/" + url.PathEscape(id) + "/update"
			patch := func(body string) map[string]any {
				return modelRow().check(t, do(t, admin, http.MethodPatch, path, body).OK(t))
			}
			row := patch(`{"litellm_params":{"input_cost_per_token":null,"rpm":null,"tpm":5000},"model_info":{"note":"n"}}`)
			require.Equal(t, map[string]any{"model": "mock/echo", "rpm": 900.0, "tpm": 5000.0}, row["litellm_params"])
			require.Equal(t, map[string]any{"id": id, "db_model": true, "tier": "paid", "note": "n"}, row["model_info"])
			obeys(t, s, stack.MasterKey, id, http.StatusOK)
			require.Equal(t, true, patch(`{"blocked":true}`)["blocked"])
			obeys(t, s, stack.MasterKey, id, http.StatusBadRequest)
			require.Equal(t, id, patch(`{"model_info":{"tier":"free"}}`)["model_name"])
			obeys(t, s, stack.MasterKey, id, http.StatusBadRequest)
			require.Equal(t, false, patch(`{"blocked":false}`)["blocked"])
			obeys(t, s, stack.MasterKey, id, http.StatusOK)
			require.Equal(t, []string{"created", "updated", "blocked", "updated", "unblocked"}, actions(t, s, "proxy_model_table", id))

			refusal{http.StatusNotFound, "not_found_error", nil, "Model nothing not found on proxy."}.check(t, do(t, admin, http.MethodPatch, "/model/nothing/update", `{}`))
			require.Equal(t, http.StatusUnprocessableEntity, do(t, admin, http.MethodPatch, path, `{"blocked":"perhaps"}`).Status)
			require.Equal(t, http.StatusBadRequest, do(t, admin, http.MethodPatch, path, `{"litellm_params":{"model":"no-provider"}}`).Status)
		})
	}
}

// TestModels_of_a_team: an admin of the team makes them, only the team calls
// them, and by the name that was given.
func TestModels_of_a_team(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, DataPlanes: 2})
	s.NewUser(t, map[string]any{"user_id": "lead", "user_role": "internal_user"})
	team := s.NewTeam(t, map[string]any{"models": []string{"mock"}, "members_with_roles": []map[string]string{{"user_id": "lead", "role": "admin"}}})
	lead := s.Client(s.NewKey(t, map[string]any{"user_id": "lead"}))
	member, stranger := s.NewKey(t, map[string]any{"team_id": team}), s.NewKey(t, nil)

	row := modelRow().check(t, lead.Post(t, "/model/new", mockModel("ours-1", "ours", map[string]any{"team_id": team})).OK(t))
	require.Regexp(t, "^model_name_"+team+"_", row["model_name"])
	require.Equal(t, "lead", row["created_by"])
	obeys(t, s, member, "ours", http.StatusOK)
	obeys(t, s, stranger, "ours", http.StatusBadRequest)
	require.Equal(t, []any{"mock", "ours"}, teamModels(t, s, team))

	for key, sees := range map[string]bool{member: true, stranger: false} {
		var list struct{ Data []map[string]any }
		decode(t, s.Client(key).Get(t, "/model/info"), &list)
		require.Equal(t, sees, slices.ContainsFunc(list.Data, func(m map[string]any) bool { return m["model_name"] == "ours" }))
		require.Equal(t, sees, contains(t, s.Client(key).Get(t, "/v1/models"), `"ours"`))
	}

	lead.Post(t, "/model/update", map[string]any{"model_name": "ours-too", "model_info": map[string]any{"id": "ours-1"}}).OK(t)
	obeys(t, s, member, "ours-too", http.StatusOK)
	require.Equal(t, []any{"mock", "ours-too"}, teamModels(t, s, team))
	teamRefusals(t, lead, team)
	lead.Post(t, "/model/delete", `{"id":"ours-1"}`).OK(t)
	obeys(t, s, member, "ours-too", http.StatusForbidden)
	require.Equal(t, []any{"mock"}, teamModels(t, s, team))
	require.Equal(t, []string{"created", "updated", "deleted"}, actions(t, s, "proxy_model_table", "ours-1"))
	r := s.Master().Post(t, "/model/new", mockModel("x", "x", map[string]any{"team_id": "nobodys"}))
	require.Equal(t, http.StatusBadRequest, r.Status, "%s", r.Body)
	require.Contains(t, string(r.Body), "Team id=nobodys does not exist in db")
}

func contains(t *testing.T, r stack.Reply, text string) bool {
	t.Helper()
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	return slices.Contains(quotedTexts(string(r.Body)), text)
}

// quotedTexts are the texts in a piece of JSON, with their quotes.
func quotedTexts(body string) []string {
	var all []string
	from := -1
	for i, c := range body {
		switch {
		case c != '"':
		case from < 0:
			from = i
		default:
			all, from = append(all, body[from:i+1]), -1
		}
	}
	return all
}

func teamModels(t *testing.T, s *stack.Stack, team string) []any {
	t.Helper()
	info, _ := s.Master().Get(t, "/team/info?team_id="+team).OK(t)["team_info"].(map[string]any)
	models, _ := info["models"].([]any)
	return models
}

// teamRefusals: what an admin of a team must not reach for.
func teamRefusals(t *testing.T, lead *stack.Client, team string) {
	t.Helper()
	for name, params := range map[string]map[string]any{
		"the environment":         {"model": "openai/gpt-4o", "api_key": "os.environ/DATABASE_URL"},
		"deep in the environment": {"model": "openai/gpt-4o", "api_key": "k", "more": map[string]any{"x": []string{"os.environ/DATABASE_URL"}}},
		"shared credentials":      {"model": "openai/gpt-4o", "litellm_credential_name": "shared"},
		"the gateway's own key":   {"model": "openai/gpt-4o"},
		"the network":             {"model": "openai/gpt-4o", "api_key": "k", "api_base": "http://10.0.0.1/v1"},
		"an address":              {"model": "openai/gpt-4o", "api_key": "k", "api_base": "https://169.254.169.254/v1"},
		"a host of the network":   {"model": "openai/gpt-4o", "api_key": "k", "api_base": "https://postgres/v1"},
		"prices":                  {"model": "mock/echo", "input_cost_per_token": 0},
	} {
		body := map[string]any{"model_name": "reaching", "litellm_params": params, "model_info": map[string]any{"team_id": team}}
		require.Equal(t, http.StatusForbidden, lead.Post(t, "/model/new", body).Status, name)
	}
	require.Equal(t, http.StatusForbidden, lead.Post(t, "/model/new", mockModel("y", "y", nil)).Status)
	require.Equal(t, http.StatusForbidden, lead.Post(t, "/model/new", mockModel("y", "y", map[string]any{"team_id": "another"})).Status)
	require.Equal(t, http.StatusForbidden, lead.Post(t, "/model/delete", `{"id":"nothing"}`).Status)
	require.Equal(t, http.StatusForbidden, do(t, lead, http.MethodPatch, "/model/ours-1/update", `{"blocked":true}`).Status)
	require.Equal(t, http.StatusForbidden, do(t, lead, http.MethodPatch, "/model/ours-1/update", `{"model_info":{"team_id":"another"}}`).Status)
}

// TestModel_led_elsewhere: a team's admin does not lead credentials that others
// gave to a host of their own.
func TestModel_led_elsewhere(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig})
	s.NewUser(t, map[string]any{"user_id": "lead", "user_role": "internal_user"})
	team := s.NewTeam(t, map[string]any{"members_with_roles": []map[string]string{{"user_id": "lead", "role": "admin"}}})
	lead := s.Client(s.NewKey(t, map[string]any{"user_id": "lead"}))
	body := mockModel("given", "given", map[string]any{"team_id": team})
	body["litellm_params"] = map[string]any{"model": "openai/gpt-4o", "api_key": "sk-of-the-installation"}
	s.Master().Post(t, "/model/new", body).OK(t)
	r := do(t, lead, http.MethodPatch, "/model/given/update", `{"litellm_params":{"api_base":"https://mine.example.com/v1"}}`)
	require.Equal(t, http.StatusForbidden, r.Status, "%s", r.Body)
	do(t, lead, http.MethodPatch, "/model/given/update", `{"litellm_params":{"rpm":5}}`).OK(t)
	do(t, lead, http.MethodPatch, "/model/given/update", `{"litellm_params":{"api_base":"https://mine.example.com/v1","api_key":"sk-mine"}}`).OK(t)
}

const pagedConfig = `
model_list:
- {model_name: b-of-the-file, litellm_params: {model: openai/gpt-4o, api_key: k}, model_info: {id: b}}
- {model_name: a-of-the-file, litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: k}, model_info: {id: a}}
- {model_name: a-of-the-file, litellm_params: {model: openai/gpt-4o-mini, api_key: k, rpm: 7}, model_info: {id: c}}
`

func TestModel_info_pages(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: pagedConfig})
	s.Master().Post(t, "/model/new", mockModel("d", "d-of-the-database", nil)).OK(t)
	narrow := s.Client(s.NewKey(t, map[string]any{"models": []string{"b-of-the-file"}}))
	for face, url := range faces(s) {
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			admin := s.Master().At(url)
			page := func(c *stack.Client, query string) ([]string, map[string]any) {
				o := shape{"data": "array", "total_count": "number", "current_page": "number", "total_pages": "number", "size": "number"}.
					check(t, c.Get(t, "/v2/model/info"+query).OK(t))
				ids := []string{}
				list, _ := o["data"].([]any)
				for _, one := range list {
					info, _ := shape{"model_name": "string", "litellm_params": "object", "model_info": "object"}.check(t, one)["model_info"].(map[string]any)
					id, _ := info["id"].(string)
					ids = append(ids, id)
				}
				return ids, o
			}
			for query, want := range map[string][]string{
				"": {"b", "a", "c", "d"}, "?sortBy=model_name": {"a", "c", "b", "d"}, "?sortBy=model_name&sortOrder=desc": {"d", "b", "a", "c"},
				"?page=2&size=3": {"d"}, "?page=9": {}, "?search=GPT-4O-M": {"c"}, "?model=a-of-the-file": {"a", "c"}, "?modelId=d": {"d"}, "?search=nothing": {},
				"?user_models_only=true": {"d"},
			} {
				got, _ := page(admin, query)
				require.Equal(t, want, got, query)
			}
			_, o := page(admin, "?size=3")
			require.InDelta(t, 4, o["total_count"], 0)
			require.InDelta(t, 2, o["total_pages"], 0)
			got, o := page(admin, "?search=nothing")
			require.Empty(t, got)
			require.Equal(t, map[string]any{"data": []any{}, "total_count": 0.0, "current_page": 1.0, "total_pages": 0.0, "size": 50.0}, o)
			got, _ = page(narrow.At(url), "")
			require.Equal(t, []string{"b"}, got)
			for _, query := range []string{"?page=0", "?size=0", "?page=x", "?sortBy=nothing"} {
				require.Equal(t, http.StatusUnprocessableEntity, admin.Get(t, "/v2/model/info"+query).Status, query)
			}
			modelGroups(t, admin, narrow.At(url))
		})
	}
}

func modelGroups(t *testing.T, admin, narrow *stack.Client) {
	t.Helper()
	var groups struct{ Data []map[string]any }
	decode(t, admin.Get(t, "/model_group/info"), &groups)
	require.Len(t, groups.Data, 3)
	group := shape{
		"model_group": "string", "providers": "array", "max_input_tokens": "number?", "max_output_tokens": "number?", "input_cost_per_token": "number?",
		"output_cost_per_token": "number?", "mode": "string?", "tpm": "number?", "rpm": "number?", "supports_parallel_function_calling": "bool",
		"supports_vision": "bool", "supports_web_search": "bool", "supports_reasoning": "bool", "supports_function_calling": "bool",
		"supported_openai_params": "array", "configurable_clientside_auth_params": "array?", "is_public_model_group": "bool",
	}
	for _, g := range groups.Data {
		group.check(t, any(g))
	}
	a := groups.Data[0]
	require.Equal(t, "a-of-the-file", a["model_group"])
	require.Equal(t, []any{"anthropic", "openai"}, a["providers"])
	require.InDelta(t, 7, a["rpm"], 0)
	require.InDelta(t, 3e-6, a["input_cost_per_token"], 1e-9, "the dearest")
	decode(t, admin.Get(t, "/model_group/info?model_group=b-of-the-file"), &groups)
	require.Len(t, groups.Data, 1)
	decode(t, narrow.Get(t, "/model_group/info"), &groups)
	require.Len(t, groups.Data, 1)
	require.Equal(t, http.StatusNotFound, admin.Get(t, "/model_group/info?model_group=nothing").Status)

	var prices map[string]map[string]any
	for _, path := range []string{"/get/litellm_model_cost_map", "/public/litellm_model_cost_map"} {
		decode(t, admin.Get(t, path), &prices)
		require.InDelta(t, 2.5e-6, prices["gpt-4o"]["input_cost_per_token"], 1e-9)
		require.Equal(t, "openai", prices["gpt-4o"]["litellm_provider"])
	}
	shape{"status": "string", "message": "string", "models_count": "number", "timestamp": "time"}.check(t, admin.Post(t, "/reload/model_cost_map", nil).OK(t))
	var settings []map[string]any
	decode(t, admin.Get(t, "/model/settings"), &settings)
	require.NotEmpty(t, settings)
	for _, one := range settings {
		shape{"name": "string", "fields": "array"}.check(t, any(one))
	}
}

func TestModel_metrics(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: "model_list:\n" + v.Deployment("gpt", "gpt-4o")})
	admin := s.Master()
	for path, empty := range map[string]string{
		"/model/metrics": `{"data":[],"all_api_bases":[]}`, "/model/streaming_metrics": `{"data":[],"all_api_bases":[]}`,
		"/model/metrics/slow_responses": `[]`, "/model/metrics/exceptions": `{"data":[],"exception_types":[]}`,
	} {
		require.JSONEq(t, empty, string(admin.Get(t, path).Body), path)
	}
	key := s.NewKey(t, nil)
	s.Client(key).Post(t, chatPath, hello("gpt")).OK(t)
	gate := make(chan struct{}) // what is over before its first piece was sent has no time to it
	v.Script("gpt-4o", fakevendor.Answer(fakevendor.Options{Pieces: []string{"a", "b"}, Gate: gate}))
	stream := s.Client(key).Stream(t, chatPath, with("gpt", map[string]any{"stream": true}))
	_, more := stream.Next()
	require.True(t, more)
	close(gate)
	_, err := stream.Rest()
	require.NoError(t, err)
	stream.Close()
	s.WaitBooked(t, key, 2)
	for _, path := range []string{"/model/metrics", "/model/streaming_metrics"} {
		var m struct {
			Data   []map[string]any
			Places []string `json:"all_api_bases"`
		}
		decode(t, admin.Get(t, path+"?_selected_model_group=gpt"), &m)
		require.Len(t, m.Data, 1, path)
		require.Len(t, m.Places, 1, path)
		require.Contains(t, m.Data[0], m.Places[0])
		require.Regexp(t, `^\d{4}-\d\d-\d\d$`, m.Data[0]["date"])
	}
	var slow []map[string]any
	decode(t, admin.Get(t, "/model/metrics/slow_responses?_selected_model_group=gpt"), &slow)
	require.Len(t, slow, 1)
	require.InDelta(t, 2, shape{"api_base": "string", "total_count": "number", "slow_count": "number"}.check(t, any(slow[0]))["total_count"], 0)
	require.Equal(t, http.StatusBadRequest, admin.Get(t, "/model/metrics?startTime=yesterday").Status)
	require.Equal(t, http.StatusBadRequest, admin.Get(t, "/model/metrics?startTime=2020-01-01").Status)
}

func fallbackView() shape {
	return shape{"model": "string", "fallback_models": "array", "fallback_type": "string"}
}

const fallbackConfig = `
model_list:
- {model_name: broken, litellm_params: {model: openai/gpt-4o, api_key: k, api_base: "http://127.0.0.1:1/v1"}}
- {model_name: spare, litellm_params: {model: mock/echo}}
- {model_name: of-the-file, litellm_params: {model: openai/gpt-4o, api_key: k, api_base: "http://127.0.0.1:1/v1"}}
router_settings: {num_retries: 0, disable_cooldowns: true, fallbacks: [{of-the-file: [spare]}]}
litellm_settings: {store_audit_logs: true}
`

// TestFallbacks: what an admin stores is obeyed by every data plane.
func TestFallbacks(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: fallbackConfig, DataPlanes: 2})
	admin := s.Master()
	answers := func(ok bool) {
		t.Helper()
		for _, url := range s.DataPlanes() {
			stack.Await(t, "fallbacks at "+url, func() bool {
				return (admin.At(url).Post(t, chatPath, hello("broken")).Status == http.StatusOK) == ok
			})
		}
	}
	answers(false)
	none := admin.Get(t, "/fallback/broken")
	require.Equal(t, http.StatusNotFound, none.Status)
	require.JSONEq(t, `{"detail":{"error":"No general fallbacks configured for model 'broken'"}}`, string(none.Body))
	made := admin.Post(t, "/fallback", `{"model":"broken","fallback_models":["spare"]}`).OK(t)
	fallbackView().with(shape{"message": "string"}).check(t, made)
	require.Equal(t, "Fallback configuration created successfully", made["message"])
	answers(true)
	require.Equal(t, "Fallback configuration updated successfully", admin.Post(t, "/fallback", `{"model":"broken","fallback_models":["spare","of-the-file"]}`).OK(t)["message"])
	require.Equal(t, map[string]any{"model": "broken", "fallback_models": []any{"spare", "of-the-file"}, "fallback_type": "general"},
		fallbackView().check(t, admin.Get(t, "/fallback/broken").OK(t)))
	admin.Post(t, "/fallback", `{"model":"broken","fallback_models":["spare"],"fallback_type":"context_window"}`).OK(t)
	require.Equal(t, "context_window", admin.Get(t, "/fallback/broken?fallback_type=context_window").OK(t)["fallback_type"])
	gone := do(t, admin, http.MethodDelete, "/fallback/broken", nil).OK(t)
	require.Equal(t, map[string]any{"model": "broken", "fallback_type": "general", "message": "Fallback configuration deleted successfully"}, gone)
	answers(false)
	require.Equal(t, []string{"created", "updated", "created", "deleted"}, actions(t, s, "fallback_table", "broken"))
	require.Equal(t, []any{"spare"}, admin.Get(t, "/fallback/of-the-file").OK(t)["fallback_models"])
	for face, url := range faces(s) {
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			fallbackErrors(t, admin.At(url))
		})
	}
}

func fallbackErrors(t *testing.T, admin *stack.Client) {
	t.Helper()
	detail := func(r stack.Reply, status int, message string, available bool) {
		t.Helper()
		require.Equal(t, status, r.Status, "%s", r.Body)
		var body struct {
			Detail struct {
				Error     string   `json:"error"`
				Available []string `json:"available_models"`
			} `json:"detail"`
		}
		require.NoError(t, json.Unmarshal(r.Body, &body))
		require.Equal(t, message, body.Detail.Error)
		if available {
			require.Equal(t, []string{"broken", "of-the-file", "spare"}, body.Detail.Available)
		}
	}
	detail(admin.Post(t, "/fallback", `{"model":"x","fallback_models":["spare"]}`), http.StatusNotFound, "Model 'x' not found in router", true)
	detail(admin.Post(t, "/fallback", `{"model":"broken","fallback_models":["x"]}`), http.StatusBadRequest, "Invalid fallback models: ['x']", true)
	detail(admin.Post(t, "/fallback", `{"model":"broken","fallback_models":["broken"]}`), http.StatusBadRequest, "Model 'broken' cannot be its own fallback", false)
	detail(do(t, admin, http.MethodDelete, "/fallback/nothing", nil), http.StatusNotFound, "No general fallbacks configured for model 'nothing'", false)
	require.Equal(t, http.StatusBadRequest, do(t, admin, http.MethodDelete, "/fallback/of-the-file", nil).Status)
	for _, body := range []string{
		`{}`, `{"model":"broken"}`, `{"model":"broken","fallback_models":[]}`, `{"model":"broken","fallback_models":["spare","spare"]}`,
		`{"model":"broken","fallback_models":["spare"],"fallback_type":"x"}`, `{"model":"broken","fallback_models":"spare"}`,
	} {
		require.Equal(t, http.StatusUnprocessableEntity, admin.Post(t, "/fallback", body).Status, body)
	}
	require.Equal(t, http.StatusUnprocessableEntity, admin.Get(t, "/fallback/broken?fallback_type=x").Status)
}

const listedConfig = `
model_list:
- {model_name: gpt, litellm_params: {model: openai/gpt-4o, api_key: k}, model_info: {access_groups: [beta]}}
- {model_name: spare, litellm_params: {model: mock/echo}}
router_settings: {fallbacks: [{gpt: [spare]}], context_window_fallbacks: [{spare: [gpt]}]}
`

// TestModel_list_options: what LiteLLM's list can be asked for besides.
func TestModel_list_options(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: listedConfig})
	key := s.Client(s.NewKey(t, map[string]any{"models": []string{"beta"}}))
	list := func(c *stack.Client, query string) (ids []string, fallbacks [][]string) {
		var body struct {
			Object string
			Data   []struct {
				ID       string
				Metadata *struct{ Fallbacks []string }
			}
		}
		decode(t, c.Get(t, "/v1/models"+query), &body)
		require.Equal(t, "list", body.Object)
		for _, m := range body.Data {
			ids = append(ids, m.ID)
			if m.Metadata != nil {
				fallbacks = append(fallbacks, m.Metadata.Fallbacks)
			}
		}
		return ids, fallbacks
	}
	ids, fallbacks := list(s.Master(), "?scope=expand")
	require.Equal(t, []string{"gpt", "spare"}, ids)
	require.Empty(t, fallbacks)
	_, fallbacks = list(s.Master(), "?include_metadata=true")
	require.Equal(t, [][]string{{"spare"}, {}}, fallbacks)
	_, fallbacks = list(s.Master(), "?include_metadata=true&fallback_type=context_window")
	require.Equal(t, [][]string{{}, {"gpt"}}, fallbacks)
	_, fallbacks = list(key, "?include_metadata=true")
	require.Equal(t, [][]string{{}}, fallbacks, "what the key may not use is not named")
	ids, _ = list(key, "?include_model_access_groups=true")
	require.Equal(t, []string{"gpt", "beta"}, ids)
	ids, _ = list(s.Master(), "?only_model_access_groups=true")
	require.Equal(t, []string{"beta"}, ids)
	checkDetail(t, key.Get(t, "/models?scope=all"), http.StatusBadRequest, "Invalid scope parameter. Only 'expand' is currently supported.")
	require.Equal(t, http.StatusBadRequest, key.Get(t, "/models?fallback_type=x").Status)

	o := key.With("anthropic-version", "2023-06-01").Get(t, "/v1/models").OK(t)
	shape{"data": "array", "has_more": "bool", "first_id": "string", "last_id": "string"}.check(t, any(o))
	data, _ := o["data"].([]any)
	one := shape{
		"type": "string", "id": "string", "display_name": "string", "created_at": "time", "max_input_tokens": "number?", "max_tokens": "number?",
	}.check(t, data[0])
	require.InDelta(t, 128000, one["max_input_tokens"], 0)
}
