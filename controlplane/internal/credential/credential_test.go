package credential_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/credential"
	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	st.KeepAudit(store.AuditOptions{Keep: true})
	return st
}

// kit is the services of an installation with a salt key.
func kit(t *testing.T, st *store.Store, salt string) (*credential.Service, *model.Service) {
	t.Helper()
	box, err := seal.New(salt)
	require.NoError(t, err)
	lookup := func(name string) (string, bool) { return "value of " + name, name == "VENDOR_KEY" }
	models := model.New(st, box, &proxyconfig.Config{}, lookup, slog.New(slog.DiscardHandler))
	return credential.New(st, models.Vault(), models), models
}

func request[T any](t *testing.T, body string) *T {
	t.Helper()
	var r T
	require.NoError(t, json.Unmarshal([]byte(body), &r))
	return &r
}

func master() caller.Caller { return caller.Caller{Master: true, UserID: caller.AdminUserID} }

// What a credential says reaches the deployments that name it, resolved, and
// what a deployment says itself comes first.
func TestValues_reach_deployments(t *testing.T) {
	t.Parallel()
	st := open(t)
	credentials, models := kit(t, st, "salt")
	_, err := credentials.New(t.Context(), master(), request[credential.Request](t,
		`{"credential_name":"c","credential_values":{"api_key":"os.environ/VENDOR_KEY","api_base":"https://one.example.com/v1"}}`))
	require.NoError(t, err)
	for id, params := range map[string]string{"takes": ``, "has": `,"api_base":"https://own.example.com/v1"`} {
		_, err := models.New(t.Context(), master(), request[model.Request](t,
			`{"model_name":"m","litellm_params":{"model":"openai/gpt-4o","litellm_credential_name":"c"`+params+`},"model_info":{"id":"`+id+`"}}`))
		require.NoError(t, err)
	}
	base := func(id string) string {
		d, err := models.Deployment(t.Context(), id, nil)
		require.NoError(t, err)
		require.NotNil(t, d)
		require.NotEmpty(t, d.Sealed)
		return d.APIBase
	}
	require.Equal(t, "https://one.example.com/v1", base("takes"))
	require.Equal(t, "https://own.example.com/v1", base("has"))
	_, err = credentials.Update(t.Context(), master(), "c", request[credential.Request](t, `{"credential_values":{"api_base":"https://two.example.com/v1"}}`))
	require.NoError(t, err)
	require.Equal(t, "https://two.example.com/v1", base("takes"))
	ids, err := models.Using(t.Context(), st.DB(), "c")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"takes", "has"}, ids)

	view, err := credentials.ByName(t.Context(), master(), "c")
	require.NoError(t, err)
	require.Equal(t, "os****EY", view.Values["api_key"])
	_, err = credentials.Delete(t.Context(), master(), "c")
	require.NoError(t, err)
	d, err := models.Deployment(t.Context(), "takes", nil)
	require.NoError(t, err)
	require.Nil(t, d, "one without its credential is not called")
}

// Nothing of a value stands in the database, and another salt key opens none.
func TestValues_are_sealed(t *testing.T) {
	t.Parallel()
	st := open(t)
	credentials, models := kit(t, st, "salt")
	_, err := credentials.New(t.Context(), master(), request[credential.Request](t, `{"credential_name":"c","credential_values":{"odd":{"deep":"vendor-secret-0123456789"},"short":"pin"}}`))
	require.NoError(t, err)
	var found int
	for _, table := range []string{"credentials_table", "audit_log", "outbox"} {
		require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FROM "+table+" t WHERE row_to_json(t)::text LIKE '%vendor-secret%' OR row_to_json(t)::text LIKE '%pin%'").Scan(&found))
		require.Zero(t, found, table)
	}
	view, err := credentials.ByName(t.Context(), master(), "c")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"odd": "****", "short": "****"}, view.Values)

	box, err := seal.New("next salt")
	require.NoError(t, err)
	require.NoError(t, st.InTx(t.Context(), func(tx *store.Tx) error {
		n, err := models.Vault().Reseal(t.Context(), tx, box)
		require.Equal(t, 1, n)
		return err
	}))
	_, err = credentials.ByName(t.Context(), master(), "c")
	require.ErrorIs(t, err, seal.ErrOpen)
	next, _ := kit(t, st, "next salt")
	_, err = next.ByName(t.Context(), master(), "c")
	require.NoError(t, err)
	list, err := credentials.List(t.Context(), master())
	require.NoError(t, err)
	require.Len(t, list.Credentials, 1, "one that can not be opened is listed, and can be deleted")
	_, err = credentials.Delete(t.Context(), master(), "c")
	require.NoError(t, err)
}
