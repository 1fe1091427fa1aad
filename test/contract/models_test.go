package contract_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/stack"
)

func decode(t *testing.T, r stack.Reply, into any) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.NoError(t, json.Unmarshal(r.Body, into), "%s", r.Body)
}

// secrets are credentials in all places where a deployment may have one.
func secrets() []string {
	return []string{fakevendor.Key, "header-credential-1", "aws-credential-2", "nested-credential-3", "token-credential-4"}
}

func noSecrets(t *testing.T, where string, text []byte) {
	t.Helper()
	for _, s := range secrets() {
		require.NotContains(t, string(text), s, where)
	}
}

func modelBody(v *fakevendor.Vendor, name, id string) map[string]any {
	return map[string]any{
		"model_name": name,
		"litellm_params": map[string]any{
			"model": "openai/gpt-" + id, "api_base": v.URL(), "api_key": fakevendor.Key, "rpm": 7, "input_cost_per_token": 0.000003,
			"extra_headers": map[string]string{"X-Extra": "header-credential-1"}, "aws_secret_access_key": "aws-credential-2",
			"vertex_credentials": map[string]string{"private_key": "nested-credential-3"}, "azure_ad_token": "token-credential-4",
		},
		"model_info": map[string]any{"id": id, "mode": "chat", "tier": "paid"},
	}
}

// TestModels follows a deployment through its life and looks for its
// credentials wherever they must not be.
//
//nolint:tparallel,paralleltest // Postgres is searched after both
func TestModels(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{DataPlanes: 2, Config: mockConfig})
	for face, url := range faces(s) {
		id := strings.ReplaceAll(face, " ", "-")
		t.Run(face, func(t *testing.T) {
			modelLife(t, s, s.Master().At(url), v, "made-"+id, id)
			modelErrors(t, s.Master().At(url))
		})
	}
	noSecretsInPostgres(t, s)
}

func modelLife(t *testing.T, s *stack.Stack, admin *stack.Client, v *fakevendor.Vendor, name, id string) {
	t.Helper()
	r := admin.Post(t, "/model/new", modelBody(v, name, id))
	made := modelRow().check(t, r.OK(t))
	noSecrets(t, "/model/new", r.Body)
	require.Equal(t, id, made["model_id"])
	require.Equal(t, name, made["model_name"])
	require.Equal(t, map[string]any{"id": id, "mode": "chat", "tier": "paid", "db_model": true}, made["model_info"])
	obeys(t, s, stack.MasterKey, name, http.StatusOK)
	got := v.Last(t, "gpt-"+id)
	require.Equal(t, "header-credential-1", got.Header.Get("X-Extra"), "what is hidden is still used")

	for _, path := range []string{"/model/info?litellm_model_id=" + id, "/v1/model/info"} {
		r = admin.Get(t, path)
		noSecrets(t, path, r.Body)
		require.Contains(t, string(r.Body), `"`+name+`"`)
	}
	var list struct{ Data []map[string]any }
	decode(t, admin.Get(t, "/model/info?litellm_model_id="+id), &list)
	require.Len(t, list.Data, 1)
	info := shape{"model_name": "string", "litellm_params": "object", "model_info": "object"}.check(t, any(list.Data[0]))
	about, _ := info["model_info"].(map[string]any)
	require.Equal(t, id, about["id"])
	require.Equal(t, true, about["db_model"])
	require.Equal(t, "openai", about["litellm_provider"])
	require.InDelta(t, 0.000003, about["input_cost_per_token"], 1e-12)

	// What is not sent stays, the credentials too.
	r = admin.Post(t, "/model/update", map[string]any{
		"model_info": map[string]any{"id": id}, "litellm_params": map[string]any{"model": "openai/gpt-new-" + id, "api_key": nil},
	})
	modelRow().check(t, r.OK(t))
	noSecrets(t, "/model/update", r.Body)
	for _, url := range s.DataPlanes() {
		before := len(v.Calls("gpt-new-" + id))
		stack.Await(t, "the new model is asked for at "+url, func() bool {
			s.Master().At(url).Post(t, chatPath, hello(name)).OK(t)
			return len(v.Calls("gpt-new-"+id)) > before
		})
	}

	// An error of the vendor does not show them either.
	v.Script("gpt-new-"+id, fakevendor.Fail(http.StatusBadRequest, "no"))
	noSecrets(t, "an error", s.Master().Post(t, chatPath, hello(name)).Body)
	v.Script("gpt-new-" + id)

	gone := admin.Post(t, "/model/delete", map[string]any{"id": id}).OK(t)
	require.Equal(t, map[string]any{"message": "Model: " + id + " deleted successfully"}, gone)
	obeys(t, s, stack.MasterKey, name, http.StatusBadRequest)
	for _, url := range s.DataPlanes() {
		require.NotContains(t, string(s.Master().At(url).Get(t, "/v1/models").Body), name)
	}
	refusal{http.StatusBadRequest, "invalid_request_error", nil, "Model with id=" + id + " not found in db"}.check(t, admin.Post(t, "/model/delete", map[string]any{"id": id}))
	// The row must be there when Postgres is searched.
	admin.Post(t, "/model/new", modelBody(v, name, id)).OK(t)
}

func modelErrors(t *testing.T, admin *stack.Client) {
	t.Helper()
	require.Equal(t, http.StatusUnprocessableEntity, admin.Post(t, "/model/new", `{"litellm_params":{"model":"mock/echo"}}`).Status)
	r := admin.Post(t, "/model/new", `{"model_name":"x","litellm_params":{"model":"no-provider","api_key":"`+fakevendor.Key+`"}}`)
	require.Equal(t, http.StatusBadRequest, r.Status, "%s", r.Body)
	noSecrets(t, "a refused model", r.Body)
	refusal{http.StatusBadRequest, "auth_error", "None", "model_info.id not provided"}.check(t, admin.Post(t, "/model/update", "{}"))
	refusal{http.StatusBadRequest, "auth_error", "None", "model not found"}.check(t, admin.Post(t, "/model/update", `{"model_info":{"id":"nothing"}}`))
	require.Equal(t, http.StatusNotFound, admin.Get(t, "/model/info?litellm_model_id=nothing").Status)
}

// A model of the config file can not be changed or removed.
func TestModels_of_the_config_file(t *testing.T) {
	t.Parallel()
	v := fakevendor.Start(t)
	s := stack.Start(t, stack.Options{Config: "model_list:\n" + v.Deployment("gpt", "gpt-4o")})
	admin := s.Master()
	noSecrets(t, "/model/info", admin.Get(t, "/model/info").Body)
	refusal{http.StatusBadRequest, "auth_error", "None", "Can't edit model. Model in config."}.
		check(t, admin.Post(t, "/model/update", `{"model_info":{"id":"gpt-deployment"},"litellm_params":{"model":"openai/other"}}`))
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/model/delete", `{"id":"gpt-deployment"}`).Status)
	require.Equal(t, http.StatusBadRequest, admin.Post(t, "/model/new", `{"model_name":"x","litellm_params":{"model":"mock/echo"},"model_info":{"id":"gpt-deployment"}}`).Status)
	noSecretsInPostgres(t, s)
}

// noSecretsInPostgres searches every row of every table, as text and as bytes,
// for credentials and for the text of virtual keys.
func noSecretsInPostgres(t *testing.T, s *stack.Stack) {
	t.Helper()
	rows, err := s.DB().Query(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Greater(t, len(tables), 5)
	for _, table := range tables {
		rows, err := s.DB().Query(t.Context(), "SELECT convert_to(row_to_json(t)::text, 'UTF8') FROM "+pgx.Identifier{table}.Sanitize()+" t")
		require.NoError(t, err)
		all, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		require.NoError(t, err)
		for _, row := range all {
			noSecrets(t, table, row)
			for _, secret := range secrets() { // bytea is shown in hex
				require.False(t, bytes.Contains(row, []byte(hex.EncodeToString([]byte(secret)))), "%s holds a credential in a bytea", table)
			}
		}
	}
}

// The text of a virtual key is shown once and kept nowhere.
func TestKeys_are_not_stored(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	key := s.NewKey(t, map[string]any{"key_alias": "mine"})
	s.Client(key).Post(t, chatPath, hello("mock")).OK(t)
	s.WaitBooked(t, key, 1)
	for _, path := range []string{"/key/info?key=" + ident.HashKey(key), "/key/list?return_full_object=true", "/spend/logs"} {
		require.NotContains(t, string(s.Master().Get(t, path).Body), key, path)
	}
	for _, table := range []string{"verification_token", "spend_logs", "outbox", "usage_dead"} {
		require.Zero(t, s.Scalar(t, "SELECT count(*) FROM "+table+" t WHERE row_to_json(t)::text LIKE '%' || $1 || '%'", key), table)
		require.Zero(t, s.Scalar(t, "SELECT count(*) FROM "+table+" t WHERE row_to_json(t)::text LIKE '%' || $1 || '%'", stack.MasterKey), table)
	}
}
