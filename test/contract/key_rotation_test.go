package contract_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

// TestKeys_grace follows a key through new texts, the former ones of which go on
// to work as the same key, at both data planes.
func TestKeys_grace(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig, DataPlanes: 2})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			graceLife(t, s, admin)
			graceWithout(t, s, admin)
			graceEnds(t, s, admin)
			graceErrors(t, admin)
		})
	}
}

// renewed gives a key a new text and returns it.
func renewed(t *testing.T, admin *stack.Client, key string, more map[string]any) string {
	t.Helper()
	body := map[string]any{"key": key}
	maps.Copy(body, more)
	second, _ := generatedKey().check(t, admin.Post(t, "/key/regenerate", body).OK(t))["key"].(string)
	require.NotEmpty(t, second)
	return second
}

func graceLife(t *testing.T, s *stack.Stack, admin *stack.Client) {
	t.Helper()
	day := map[string]any{"grace_period": "24h"}
	first := s.NewKey(t, map[string]any{"models": []string{"mock"}, "user_id": "keeper", "metadata": map[string]any{"a": 1}})
	atOnce(t, s, first, "mock")
	second := renewed(t, admin, first, day)
	for range 20 { // it works at every moment
		atOnce(t, s, first, "mock")
		atOnce(t, s, second, "mock")
	}
	third := renewed(t, admin, second, day)
	for _, key := range []string{first, second, third} {
		atOnce(t, s, key, "mock")
		require.Equal(t, ident.HashKey(third), s.Client(key).Get(t, "/key/info").OK(t)["key"], "whoever calls with it is the key")
		info, _ := admin.Get(t, "/key/info?key="+key).OK(t)["info"].(map[string]any)
		require.InDelta(t, 2, info["rotation_count"], 0)
	}
	// It is one key: a change is one of all texts.
	admin.Post(t, "/key/update", map[string]any{"key": third, "models": []string{"secret-model"}}).OK(t)
	for _, key := range []string{first, second, third} {
		obeys(t, s, key, "mock", http.StatusForbidden)
		obeys(t, s, key, "secret-model", http.StatusOK)
	}
	require.Len(t, admin.Get(t, "/key/list?user_id=keeper&key_hash="+ident.HashKey(third)).OK(t)["keys"], 1)
	for _, key := range []string{first, second} {
		require.Empty(t, admin.Get(t, "/key/list?key_hash="+ident.HashKey(key)).OK(t)["keys"])
		refusal{http.StatusNotFound, "not_found_error", "key", "not found"}.check(t, admin.Post(t, "/key/block", map[string]any{"key": key}))
	}
	admin.Post(t, "/key/block", map[string]any{"key": third}).OK(t)
	for _, key := range []string{first, second, third} {
		obeys(t, s, key, "secret-model", http.StatusUnauthorized)
		require.Equal(t, http.StatusUnauthorized, s.Client(key).Get(t, "/key/info").Status)
	}
	admin.Post(t, "/key/unblock", map[string]any{"key": third}).OK(t)
	obeys(t, s, first, "secret-model", http.StatusOK)

	// Deleting a former text ends it alone; deleting the key ends them all.
	require.Equal(t, []any{second}, admin.Post(t, "/key/delete", map[string]any{"keys": []string{second}}).OK(t)["deleted_keys"])
	obeys(t, s, second, "secret-model", http.StatusUnauthorized)
	obeys(t, s, first, "secret-model", http.StatusOK)
	admin.Post(t, "/key/delete", map[string]any{"keys": []string{third}}).OK(t)
	for _, key := range []string{first, second, third} {
		obeys(t, s, key, "secret-model", http.StatusUnauthorized)
		refusal{http.StatusUnauthorized, "token_not_found_in_db", "key", "Invalid proxy server token passed"}.check(t, s.Client(key).At(s.ControlPlane(0)).Get(t, "/key/list"))
	}
}

// A new text without grace ends all former ones.
func graceWithout(t *testing.T, s *stack.Stack, admin *stack.Client) {
	t.Helper()
	first := s.NewKey(t, nil)
	second := renewed(t, admin, first, map[string]any{"grace_period": "1d"})
	atOnce(t, s, first, "mock")
	third := renewed(t, admin, second, nil)
	atOnce(t, s, third, "mock")
	for _, key := range []string{first, second} {
		obeys(t, s, key, "mock", http.StatusUnauthorized)
	}
}

// Data planes refuse a former text when its time is over, without being told: the
// control plane may be away by then.
func graceEnds(t *testing.T, s *stack.Stack, admin *stack.Client) {
	t.Helper()
	first := s.NewKey(t, nil)
	began := time.Now()
	second := renewed(t, admin, first, map[string]any{"grace_period": "2s"})
	r := s.Client(first).At(s.DataPlane(1)).Post(t, chatPath, hello("mock"))
	if time.Since(began) < 2*time.Second {
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	}
	for _, url := range s.DataPlanes() {
		stack.Await(t, "the end of the former text", func() bool {
			return s.Client(first).At(url).Post(t, chatPath, hello("mock")).Status == http.StatusUnauthorized
		})
		require.GreaterOrEqual(t, time.Since(began), 2*time.Second)
	}
	require.Equal(t, http.StatusUnauthorized, s.Client(first).Get(t, "/key/info").Status)
	require.EqualValues(t, 1, s.Scalar(t, "SELECT count(*) FROM deprecated_verification_token WHERE token = $1", ident.HashKey(first)), "nobody has told them")
	atOnce(t, s, second, "mock")
}

func graceErrors(t *testing.T, admin *stack.Client) {
	t.Helper()
	key, _ := admin.Post(t, "/key/generate", `{}`).OK(t)["key"].(string)
	r := admin.Post(t, "/key/regenerate", map[string]any{"key": key, "grace_period": "soon"})
	refusal{http.StatusBadRequest, "invalid_request_error", nil, "grace_period"}.check(t, r)
	second := renewed(t, admin, key, map[string]any{"grace_period": "1h"})
	taken := refusal{http.StatusBadRequest, "bad_request_error", nil, "Key already exists."}
	taken.check(t, admin.Post(t, "/key/generate", map[string]any{"key": key}))
	taken.check(t, admin.Post(t, "/key/regenerate", map[string]any{"key": second, "new_key": key, "grace_period": "1h"}))
	refusal{http.StatusBadRequest, "bad_request_error", nil, "No key passed in."}.check(t, admin.Post(t, "/key/regenerate", `{}`))
	refusal{http.StatusBadRequest, "bad_request_error", nil, "Invalid key format."}.check(t, admin.Post(t, "/key/regenerate", map[string]any{"key": second, "new_key": "mine"}))
}

// A new text by default leaves the former one for as long as the settings say.
func TestKeys_grace_by_default(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig, Env: map[string]string{"LITELLM_KEY_ROTATION_GRACE_PERIOD": "1h"}})
	first := s.NewKey(t, nil)
	second := renewed(t, s.Master(), first, nil)
	atOnce(t, s, first, "mock")
	renewed(t, s.Master(), second, map[string]any{"grace_period": ""})
	obeys(t, s, first, "mock", http.StatusUnauthorized)
	obeys(t, s, second, "mock", http.StatusUnauthorized)
}

// Keys with auto_rotate get new texts by themselves where that is enabled, and the
// audit trail says so.
func TestKeys_rotate_by_themselves(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig + "litellm_settings: {store_audit_logs: true}\n", Env: map[string]string{
		"LITELLM_KEY_ROTATION_ENABLED": "true", "TIANJI_KEY_ROTATION_CHECK_INTERVAL_SECONDS": "1", "LITELLM_KEY_ROTATION_GRACE_PERIOD": "1d",
	}})
	made := generatedKey().check(t, s.Master().Post(t, "/key/generate", `{"auto_rotate":true,"rotation_interval":"1s","key_alias":"turning"}`).OK(t))
	require.Equal(t, true, made["auto_rotate"])
	require.Equal(t, "1s", made["rotation_interval"])
	require.NotNil(t, made["key_rotation_at"])
	still := s.NewKey(t, map[string]any{"auto_rotate": true, "rotation_interval": "30d"})
	first, _ := made["key"].(string)
	var rows []any
	stack.Await(t, "a second new text", func() bool {
		rows, _ = s.Master().Get(t, "/key/list?key_alias=turning&return_full_object=true").OK(t)["keys"].([]any)
		return len(rows) == 1 && rows[0].(map[string]any)["rotation_count"].(float64) > 1
	})
	require.NotEqual(t, made["token"], rows[0].(map[string]any)["token"])
	require.NotNil(t, rows[0].(map[string]any)["last_rotation_at"])
	obeys(t, s, first, "mock", http.StatusOK) // until the grace period is over
	logs, _ := s.Master().Get(t, "/audit?action=rotated&object_id="+made["token"].(string)).OK(t)["audit_logs"].([]any)
	require.Len(t, logs, 1)
	require.Equal(t, "key_rotation", logs[0].(map[string]any)["changed_by"])
	own, _ := s.Client(still).Get(t, "/key/info").OK(t)["info"].(map[string]any)
	require.Zero(t, own["rotation_count"])

	// It can be ended, and asked for only with an interval.
	stopped := s.Master().Post(t, "/key/update", map[string]any{"key": still, "auto_rotate": false}).OK(t)
	require.Nil(t, stopped["key_rotation_at"])
	bad := refusal{http.StatusBadRequest, "invalid_request_error", nil, "rotation_interval"}
	bad.check(t, s.Master().Post(t, "/key/generate", `{"auto_rotate":true}`))
	bad.check(t, s.Master().Post(t, "/key/generate", `{"auto_rotate":true,"rotation_interval":"often"}`))
}

// Where credentials are sealed with a salt of their own, a new master key needs
// nothing but to be set.
func TestMaster_key_is_replaced_by_its_owner(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	bad := func(body map[string]any, message string) {
		t.Helper()
		body["key"] = stack.MasterKey
		refusal{http.StatusBadRequest, "bad_request_error", nil, message}.check(t, s.Master().Post(t, "/key/regenerate", body))
	}
	bad(map[string]any{}, "new_master_key is required")
	bad(map[string]any{"new_master_key": "mine"}, "must start with sk-")
	bad(map[string]any{"new_master_key": stack.MasterKey}, "is the present one")
	bad(map[string]any{"new_master_key": "sk-another-0123456789"}, "set TIANJI_MASTER_KEY to the new key")
	s.NewUser(t, map[string]any{"user_id": "u", "user_role": "internal_user"})
	user := s.Client(s.NewKey(t, map[string]any{"user_id": "u"}))
	refusal{http.StatusForbidden, "auth_error", "None", "You are not authorized to regenerate this key"}.
		check(t, user.Post(t, "/key/regenerate", map[string]any{"key": ident.HashKey(stack.MasterKey), "new_master_key": "sk-another-0123456789"}))
}
