package contract_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

// actions are what the audit trail has of an object, the oldest first.
func actions(t *testing.T, s *stack.Stack, table, id string) []string {
	t.Helper()
	rows, err := s.DB().Query(t.Context(), "SELECT action FROM audit_log WHERE table_name = $1 AND object_id = $2 ORDER BY updated_at, seq", table, id)
	require.NoError(t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var action string
		require.NoError(t, rows.Scan(&action))
		all = append(all, action)
	}
	require.NoError(t, rows.Err())
	return all
}

// do sends a body with any method.
func do(t *testing.T, c *stack.Client, method, path string, body any) stack.Reply {
	t.Helper()
	return c.Do(t, method, path, stack.Body(t, body))
}

const storedCredentials = `
model_list:
- {model_name: of-the-file, litellm_params: {model: openai/gpt-of-the-file, litellm_credential_name: later}}
credential_list:
- {credential_name: in-the-file, credential_values: {api_key: sk-of-the-file-0123456789}}
litellm_settings: {store_audit_logs: true}
router_settings: {num_retries: 0, disable_cooldowns: true}
`

func credentialView() shape {
	return shape{"credential_name": "string", "credential_values": "object", "credential_info": "object"}
}

// TestCredentials_stored follows a credential through its life: deployments of
// the file and of the database use what it says now, on every data plane.
func TestCredentials_stored(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: storedCredentials, DataPlanes: 2, ControlPlanes: 2})
	admin := s.Master()
	body := map[string]any{
		"credential_name":   "later",
		"credential_values": map[string]any{"api_key": "sk-wrong-credential", "api_base": v.URL()},
		"credential_info":   map[string]any{"description": "for all", "custom_llm_provider": "openai"},
	}
	obeys(t, s, stack.MasterKey, "of-the-file", http.StatusBadRequest)
	require.Equal(t, map[string]any{"success": true, "message": "Credential created successfully"}, admin.Post(t, "/credentials", body).OK(t))
	obeys(t, s, stack.MasterKey, "of-the-file", http.StatusUnauthorized)
	admin.Post(t, "/model/new", map[string]any{
		"model_name": "stored", "litellm_params": map[string]any{"model": "openai/gpt-stored", "litellm_credential_name": "later"}, "model_info": map[string]any{"id": "stored-id"},
	}).OK(t)
	obeys(t, s, stack.MasterKey, "stored", http.StatusUnauthorized)

	patch := map[string]any{"credential_values": map[string]any{"api_key": fakevendor.Key}, "credential_info": map[string]any{"custom_llm_provider": nil}}
	require.Equal(t, "Credential updated successfully", do(t, admin, http.MethodPatch, "/credentials/later", patch).OK(t)["message"])
	obeys(t, s, stack.MasterKey, "of-the-file", http.StatusOK)
	obeys(t, s, stack.MasterKey, "stored", http.StatusOK)

	shown := credentialView().check(t, admin.At(s.ControlPlane(1)).Get(t, "/credentials/by_name/later").OK(t))
	require.Equal(t, map[string]any{"description": "for all"}, shown["credential_info"])
	values, _ := shown["credential_values"].(map[string]any)
	require.Equal(t, v.URL(), values["api_base"])
	require.Regexp(t, `^(..)?\*{4}(..)?$`, values["api_key"])
	list := admin.Get(t, "/credentials").OK(t)
	all, _ := list["credentials"].([]any)
	require.Len(t, all, 2, "that of the file is shown too")
	for _, path := range []string{"/credentials", "/credentials/by_name/later", "/model/info", "/audit?page_size=100"} {
		r := admin.Get(t, path)
		noSecrets(t, path, r.Body)
		require.NotContains(t, string(r.Body), "sk-of-the-file-0123456789", path)
		require.NotContains(t, string(r.Body), "sk-wrong-credential", path)
	}
	noSecretsInPostgres(t, s)

	require.Equal(t, "Credential deleted successfully", do(t, admin, http.MethodDelete, "/credentials/later", nil).OK(t)["message"])
	obeys(t, s, stack.MasterKey, "of-the-file", http.StatusBadRequest)
	obeys(t, s, stack.MasterKey, "stored", http.StatusBadRequest)
	require.Equal(t, []string{"created", "updated", "deleted"}, actions(t, s, "credentials_table", "later"))

	admin.Post(t, "/credentials", map[string]any{"credential_name": "later", "credential_values": map[string]any{"api_key": fakevendor.Key, "api_base": v.URL()}}).OK(t)
	obeys(t, s, stack.MasterKey, "stored", http.StatusOK)
}

// TestCredentials_of_models: one can be made of what a deployment has.
func TestCredentials_of_models(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: storedCredentials})
	for face, url := range faces(s) {
		admin, id := s.Master().At(url), strings.ReplaceAll(face, " ", "-")
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			admin.Post(t, "/model/new", modelBody(v, "source-"+id, id)).OK(t)
			r := admin.Get(t, "/credentials/by_model/"+id)
			noSecrets(t, "by_model", r.Body)
			shown := credentialView().check(t, r.OK(t))
			require.Equal(t, "source-"+id+"-credential-"+id, shown["credential_name"])
			admin.Post(t, "/credentials", map[string]any{"credential_name": "with/slash-" + id, "model_id": id}).OK(t)
			r = admin.Get(t, "/credentials/by_name/with/slash-"+id)
			noSecrets(t, "by_name", r.Body)
			require.Equal(t, "with/slash-"+id, r.OK(t)["credential_name"])
			admin.Post(t, "/model/new", map[string]any{
				"model_name": "copy-" + id, "litellm_params": map[string]any{"model": "openai/gpt-copy-" + id, "litellm_credential_name": "with/slash-" + id},
			}).OK(t)
			obeys(t, s, stack.MasterKey, "copy-"+id, http.StatusOK)
			credentialErrors(t, admin)
		})
	}
}

func credentialErrors(t *testing.T, admin *stack.Client) {
	t.Helper()
	internal := func(status int, message string) refusal {
		return refusal{status, "internal_server_error", "None", message}
	}
	values := map[string]string{"api_key": "0123456789abcdef"}
	internal(http.StatusBadRequest, "Credential values or model ID are required").check(t, admin.Post(t, "/credentials", `{"credential_name":"x"}`))
	internal(http.StatusNotFound, "Model not found").check(t, admin.Post(t, "/credentials", `{"credential_name":"x","model_id":"nothing"}`))
	internal(http.StatusNotFound, "Model not found").check(t, admin.Get(t, "/credentials/by_model/nothing"))
	internal(http.StatusBadRequest, "config file").check(t, admin.Post(t, "/credentials", map[string]any{"credential_name": "in-the-file", "credential_values": values}))
	internal(http.StatusBadRequest, "config file").check(t, do(t, admin, http.MethodDelete, "/credentials/in-the-file", nil))
	notFound := internal(http.StatusNotFound, "Credential not found. Got credential name: nothing")
	notFound.check(t, admin.Get(t, "/credentials/by_name/nothing"))
	notFound.check(t, do(t, admin, http.MethodPatch, "/credentials/nothing", map[string]any{"credential_values": values}))
	notFound.check(t, do(t, admin, http.MethodDelete, "/credentials/nothing", nil))
	for _, body := range []string{
		`{"credential_values":{"a":"b"}}`, `{"credential_name":"","credential_values":{"a":"b"}}`, `{"credential_name":7}`, `{"credential_name":"x","credential_values":[]}`,
		`{"credential_name":"` + strings.Repeat("x", 600) + `","credential_values":{"a":"b"}}`,
	} {
		require.Equal(t, http.StatusUnprocessableEntity, admin.Post(t, "/credentials", body).Status, body)
	}
	admin.Post(t, "/credentials", map[string]any{"credential_name": "twice", "credential_values": values})
	internal(http.StatusConflict, "already exists").check(t, admin.Post(t, "/credentials", map[string]any{"credential_name": "twice", "credential_values": values}))
	internal(http.StatusBadRequest, "can not be renamed").check(t, do(t, admin, http.MethodPatch, "/credentials/twice", `{"credential_name":"other"}`))
	var list struct {
		Success     bool
		Credentials []json.RawMessage
	}
	decode(t, admin.Get(t, "/credentials"), &list)
	require.True(t, list.Success)
	require.NotEmpty(t, list.Credentials)
}
