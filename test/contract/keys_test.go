package contract_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

// faces are the two addresses at which management is reached.
func faces(s *stack.Stack) map[string]string {
	return map[string]string{"through a data plane": s.DataPlane(0), "at the control plane": s.ControlPlane(0)}
}

// TestKeys follows a key through its life, through both faces, and holds that
// both data planes obey.
//
//nolint:paralleltest // the steps of a life follow each other
func TestKeys(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig, DataPlanes: 2, ControlPlanes: 2})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			t.Run("defaults", func(t *testing.T) { keyDefaults(t, s, admin) })
			t.Run("life", func(t *testing.T) { keyLife(t, s, admin) })
			t.Run("fields", func(t *testing.T) { keyFields(t, admin) })
			t.Run("regenerate", func(t *testing.T) { keyRegenerate(t, s, admin) })
			t.Run("errors", func(t *testing.T) { keyErrors(t, admin) })
		})
	}
	t.Run("list", func(t *testing.T) {
		t.Parallel()
		keyList(t, s)
	})
}

func keyDefaults(t *testing.T, s *stack.Stack, admin *stack.Client) {
	t.Helper()
	made := generatedKey().check(t, admin.Post(t, "/key/generate", nil).OK(t))
	key, _ := made["key"].(string)
	require.Regexp(t, `^sk-[A-Za-z0-9_-]{22}$`, key)
	require.Equal(t, ident.HashKey(key), made["token"])
	require.Equal(t, made["token"], made["token_id"])
	require.Equal(t, "sk-..."+key[len(key)-4:], made["key_name"])
	require.Equal(t, "default_user_id", made["created_by"])
	require.Zero(t, made["spend"])
	for _, name := range []string{"expires", "max_budget", "tpm_limit", "rpm_limit", "user_id", "team_id", "key_alias", "blocked"} {
		require.Nil(t, made[name], name)
	}
	require.Empty(t, made["models"])
	atOnce(t, s, key, "mock")
}

func keyLife(t *testing.T, s *stack.Stack, admin *stack.Client) {
	t.Helper()
	key, _ := admin.Post(t, "/key/generate", `{"models":["mock"],"max_budget":12.5,"metadata":{"a":1}}`).OK(t)["key"].(string)
	hash := ident.HashKey(key)
	atOnce(t, s, key, "mock")

	info := admin.Get(t, "/key/info?key="+key).OK(t)
	shape{"key": "string", "info": "object"}.check(t, info)
	require.Equal(t, key, info["key"])
	shown := keyInfo().check(t, info["info"])
	require.InDelta(t, 12.5, shown["max_budget"], 0)
	require.Equal(t, []any{"mock"}, shown["models"])
	own := s.Client(key).Get(t, "/key/info").OK(t)
	require.Equal(t, hash, own["key"], "a key that asks for itself gets its hash")

	updated := keyRow().with(shape{"key": "string"}).check(t, admin.Post(t, "/key/update", map[string]any{"key": key, "models": []string{"secret-model"}}).OK(t))
	require.Equal(t, key, updated["key"])
	require.Equal(t, hash, updated["token"])
	require.Equal(t, map[string]any{"a": 1.0}, updated["metadata"], "what was not sent stays")
	obeys(t, s, key, "mock", http.StatusForbidden)
	obeys(t, s, key, "secret-model", http.StatusOK)

	blocked := keyRow().check(t, admin.Post(t, "/key/block", map[string]any{"key": hash}).OK(t))
	require.Equal(t, true, blocked["blocked"])
	obeys(t, s, key, "secret-model", http.StatusUnauthorized)
	require.Equal(t, false, keyRow().check(t, admin.Post(t, "/key/unblock", map[string]any{"key": key}).OK(t))["blocked"])
	obeys(t, s, key, "secret-model", http.StatusOK)

	gone := admin.Post(t, "/key/delete", map[string]any{"keys": []string{key}}).OK(t)
	require.Equal(t, map[string]any{"deleted_keys": []any{key}}, gone)
	obeys(t, s, key, "secret-model", http.StatusUnauthorized)
	refusal{http.StatusNotFound, "not_found_error", "key", "Key not found in database"}.check(t, admin.Get(t, "/key/info?key="+key))
	for _, url := range s.DataPlanes() {
		refusal{http.StatusUnauthorized, "token_not_found_in_db", "key", "Invalid proxy server token passed"}.check(t, s.Client(key).At(url).Get(t, "/v1/models"))
	}
}

func keyFields(t *testing.T, admin *stack.Client) {
	t.Helper()
	alias, org := "alias-"+ident.NewKey(), unique()
	admin.Post(t, "/organization/new", map[string]any{"organization_id": org, "organization_alias": "O"}).OK(t)
	sent := map[string]any{
		"key_alias": alias, "duration": "30d", "models": []string{"mock", "openai/*"}, "spend": 0.25, "max_budget": 10, "user_id": "u", "team_id": "t",
		"organization_id": org, "max_parallel_requests": 3, "metadata": map[string]any{"team": "core"}, "tpm_limit": 1000, "rpm_limit": 10,
		"budget_duration": "1d", "allowed_cache_controls": []string{"no-cache"}, "permissions": map[string]any{"p": true}, "blocked": false,
		"aliases": map[string]any{"fast": "mock"}, "allowed_routes": []string{"llm_api_routes"}, "model_rpm_limit": map[string]any{"mock": 5},
		"tags": []string{"blue"}, "guardrails": []string{"pii"}, "model_max_budget": map[string]any{"mock": map[string]any{"budget_limit": 1.5}},
		"a_member_of_the_future": 1,
	}
	made := generatedKey().check(t, admin.Post(t, "/key/generate", sent).OK(t))
	for name, want := range map[string]any{
		"key_alias": alias, "models": []any{"mock", "openai/*"}, "spend": 0.25, "max_budget": 10.0, "user_id": "u", "team_id": "t", "organization_id": org,
		"max_parallel_requests": 3.0, "tpm_limit": 1000.0, "rpm_limit": 10.0, "budget_duration": "1d", "allowed_cache_controls": []any{"no-cache"},
		"permissions": map[string]any{"p": true}, "blocked": false, "aliases": map[string]any{"fast": "mock"}, "allowed_routes": []any{"llm_api_routes"},
		"model_rpm_limit": map[string]any{"mock": 5.0}, "tags": []any{"blue"}, "guardrails": []any{"pii"},
		"model_max_budget": map[string]any{"mock": map[string]any{"budget_limit": 1.5}},
	} {
		require.Equal(t, want, made[name], name)
	}
	meta, _ := made["metadata"].(map[string]any)
	require.Equal(t, "core", meta["team"])
	require.Equal(t, []any{"blue"}, meta["tags"], "kept in metadata, as LiteLLM does")
	text, _ := made["expires"].(string)
	expires, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(30*24*time.Hour), expires, time.Minute)

	// null clears, and a key can be given back its endless life.
	updated := admin.Post(t, "/key/update", map[string]any{"key": made["key"], "max_budget": nil, "duration": "-1", "tpm_limit": nil}).OK(t)
	for _, name := range []string{"max_budget", "expires", "tpm_limit"} {
		require.Nil(t, updated[name], name)
	}
	require.InDelta(t, 10, updated["rpm_limit"], 0)
	refusal{http.StatusBadRequest, "bad_request_error", "key_alias", "Key with alias '" + alias + "' already exists. Unique key aliases across all keys are required."}.
		check(t, admin.Post(t, "/key/generate", map[string]any{"key_alias": alias}))
	require.Equal(t, map[string]any{"deleted_keys": []any{alias}}, admin.Post(t, "/key/delete", map[string]any{"key_aliases": []string{alias}}).OK(t))
}

func keyRegenerate(t *testing.T, s *stack.Stack, admin *stack.Client) {
	t.Helper()
	old, _ := admin.Post(t, "/key/generate", `{"models":["mock"],"spend":1.5}`).OK(t)["key"].(string)
	atOnce(t, s, old, "mock")
	made := generatedKey().check(t, admin.Post(t, "/key/regenerate", map[string]any{"key": old}).OK(t))
	second, _ := made["key"].(string)
	require.NotEqual(t, old, second)
	require.InDelta(t, 1.5, made["spend"], 0, "spend is kept")
	require.Equal(t, []any{"mock"}, made["models"])
	atOnce(t, s, second, "mock")
	obeys(t, s, old, "mock", http.StatusUnauthorized)

	chosen := ident.NewKey()
	made = admin.Post(t, "/key/"+ident.HashKey(second)+"/regenerate", map[string]any{"new_key": chosen, "max_budget": 3}).OK(t)
	require.Equal(t, chosen, made["key"])
	require.InDelta(t, 3, made["max_budget"], 0)
	atOnce(t, s, chosen, "mock")
	obeys(t, s, second, "mock", http.StatusUnauthorized)
	refusal{http.StatusNotFound, "not_found_error", "key", "not found"}.check(t, admin.Post(t, "/key/regenerate", map[string]any{"key": old}))
}

func keyErrors(t *testing.T, admin *stack.Client) {
	t.Helper()
	const unheard = "sk-unheard-of-0123"
	bad := func(message string) refusal { return refusal{http.StatusBadRequest, "bad_request_error", nil, message} }
	bad("Invalid key format. LiteLLM Virtual Key must start with 'sk-'.").check(t, admin.Post(t, "/key/generate", `{"key":"pk-mine-0123"}`))
	chosen := ident.NewKey()
	require.Equal(t, chosen, admin.Post(t, "/key/generate", map[string]any{"key": chosen}).OK(t)["key"])
	bad("Key already exists.").check(t, admin.Post(t, "/key/generate", map[string]any{"key": chosen}))
	refusal{http.StatusBadRequest, "bad_request_error", "None", "max_budget cannot be negative. Received: -1"}.check(t, admin.Post(t, "/key/generate", `{"max_budget":-1}`))
	refusal{http.StatusNotFound, "not_found_error", "key", "not found"}.check(t, admin.Post(t, "/key/update", map[string]any{"key": unheard}))
	refusal{http.StatusNotFound, "not_found_error", "key", "not found"}.check(t, admin.Post(t, "/key/block", map[string]any{"key": unheard}))
	refusal{http.StatusNotFound, "not_found_error", "keys", "No keys found"}.check(t, admin.Post(t, "/key/delete", map[string]any{"keys": []string{unheard}}))
	refusal{http.StatusBadRequest, "bad_request_error", nil, "Invalid key format."}.check(t, admin.Post(t, "/key/block", `{"key":"nonsense"}`))
	for path, body := range map[string]string{
		"/key/update": "{}", "/key/delete": "{}", "/key/block": "{}", "/key/generate": `{"models":7}`, "/key/unblock": "no JSON",
	} {
		r := admin.Post(t, path, body)
		require.Equal(t, http.StatusUnprocessableEntity, r.Status, "%s: %s", path, r.Body)
		detail, _ := r.Object(t)["detail"].([]any)
		require.Len(t, detail, 1)
		shape{"type": "string", "loc": "array", "msg": "string"}.check(t, detail[0])
	}
	require.Equal(t, http.StatusMethodNotAllowed, admin.Get(t, "/key/generate").Status)
	require.Equal(t, http.StatusRequestEntityTooLarge, admin.Post(t, "/key/generate", `{"metadata":"`+string(make([]byte, 5<<20))+`"}`).Status)
}

func keyList(t *testing.T, s *stack.Stack) {
	t.Helper()
	var hashes []any
	for range 5 {
		hashes = append(hashes, ident.HashKey(s.NewKey(t, map[string]any{"user_id": "lister", "team_id": "listed"})))
	}
	page := shape{"keys": "array", "total_count": "number", "current_page": "number", "total_pages": "number"}
	first := page.check(t, s.Master().Get(t, "/key/list?user_id=lister&size=2&sort_by=created_at&sort_order=asc").OK(t))
	require.Equal(t, hashes[:2], first["keys"])
	require.InDelta(t, 5, first["total_count"], 0)
	require.InDelta(t, 3, first["total_pages"], 0)
	last := page.check(t, s.Master().Get(t, "/key/list?team_id=listed&size=2&page=3&sort_by=created_at&sort_order=asc&return_full_object=true").OK(t))
	rows, _ := last["keys"].([]any)
	require.Len(t, rows, 1)
	require.Equal(t, hashes[4], listedKey().check(t, rows[0])["token"])
	require.Equal(t, http.StatusBadRequest, s.Master().Get(t, "/key/list?sort_by=nonsense").Status)
	require.Equal(t, http.StatusUnprocessableEntity, s.Master().Get(t, "/key/list?size=1000").Status)
}
