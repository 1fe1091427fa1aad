package masterkey_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/masterkey"
	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/shared/secret"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	oldKey = "sk-old-master-key"
	newKey = "sk-new-master-key"
)

func models(t *testing.T, st *store.Store, salt string) *model.Service {
	t.Helper()
	box, err := seal.New(salt)
	require.NoError(t, err)
	return model.New(st, box, &proxyconfig.Config{}, func(string) (string, bool) { return "", false }, slog.New(slog.DiscardHandler))
}

// Once it is replaced, an installation with the new key reads all credentials, and
// one with the old key none.
func TestReplace(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	st.KeepAudit(store.AuditOptions{Keep: true})
	master := caller.Caller{Master: true, UserID: caller.AdminUserID}
	before := models(t, st, oldKey)
	for _, id := range []string{"a", "b"} {
		var r model.Request
		require.NoError(t, json.Unmarshal([]byte(`{"model_name":"m","litellm_params":{"model":"openai/gpt-4o","api_key":"vendor-secret"},"model_info":{"id":"`+id+`"}}`), &r))
		_, err := before.New(t.Context(), master, &r)
		require.NoError(t, err)
	}
	s := masterkey.New(st, secret.New(oldKey), secret.New(oldKey), before)
	require.True(t, s.Is(oldKey))
	require.True(t, s.Is(ident.HashKey(oldKey)))
	require.False(t, s.Is(newKey))
	_, err = s.Replace(t.Context(), caller.Caller{UserID: "u"}, newKey)
	require.ErrorContains(t, err, "not authorized")

	replaced, err := s.Replace(t.Context(), master, newKey)
	require.NoError(t, err)
	require.Equal(t, newKey, replaced.Key)
	require.Contains(t, replaced.Message, "TIANJI_SALT_KEY")
	for _, id := range []string{"a", "b"} {
		d, err := models(t, st, newKey).Deployment(t.Context(), id, nil)
		require.NoError(t, err)
		require.NotEmpty(t, d.Sealed)
		_, err = before.Deployment(t.Context(), id, nil)
		require.ErrorIs(t, err, seal.ErrOpen)
	}
	var entries, secrets int
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FROM audit_log WHERE action = 'rotated'").Scan(&entries))
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FROM audit_log WHERE updated_values::text LIKE '%master-key%'").Scan(&secrets))
	require.Equal(t, 1, entries)
	require.Zero(t, secrets)

	// What can not be opened is left alone, and so is all else.
	_, err = masterkey.New(st, secret.New(oldKey), secret.New(oldKey), before).Replace(t.Context(), master, "sk-third-master-key")
	require.ErrorIs(t, err, seal.ErrOpen)
	_, err = models(t, st, newKey).Deployment(t.Context(), "a", nil)
	require.NoError(t, err)
}
