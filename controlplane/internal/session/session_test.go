package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func newStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	st.KeepAudit(store.AuditOptions{Keep: true})
	_, err = st.DB().Exec(t.Context(), "INSERT INTO user_table (user_id) VALUES ('ann'), ('ben')")
	require.NoError(t, err)
	return st
}

// keys are the hashes of a user's keys, the oldest first.
func keys(t *testing.T, st *store.Store, user string) []string {
	t.Helper()
	rows, err := st.KeysByUser(t.Context(), st.DB(), user)
	require.NoError(t, err)
	hashes := make([]string, len(rows))
	for i, r := range rows {
		hashes[len(rows)-1-i] = r.Token
	}
	return hashes
}

func TestSessions(t *testing.T) {
	t.Parallel()
	st := newStore(t)
	s, ann := session.New(st), &db.UserTable{UserID: "ann"}
	var opened []string
	for range 21 {
		plain, expires, err := s.Open(t.Context(), ann)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().Add(session.Lifetime), expires, time.Minute)
		opened = append(opened, ident.HashKey(plain))
	}
	require.Equal(t, opened[1:], keys(t, st, "ann"), "a further session ends the oldest")
	_, err := st.DB().Exec(t.Context(), "UPDATE verification_token SET expires = now() WHERE token = $1", opened[5])
	require.NoError(t, err)
	_, _, err = s.Open(t.Context(), &db.UserTable{UserID: "ben"})
	require.NoError(t, err)
	require.Len(t, keys(t, st, "ann"), 20, "those of others stay")
	plain, _, err := s.Open(t.Context(), ann)
	require.NoError(t, err)
	last := ident.HashKey(plain)
	require.NotContains(t, keys(t, st, "ann"), opened[5], "what is over goes")

	require.NoError(t, st.InTx(t.Context(), func(tx *store.Tx) error {
		return s.EndAll(t.Context(), tx, audit.Actor{ID: "ann"}, "ann", last)
	}))
	require.Equal(t, []string{last}, keys(t, st, "ann"))
	require.Len(t, keys(t, st, "ben"), 1)
	var made, gone int
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FILTER (WHERE action = 'created'), count(*) FILTER (WHERE action = 'deleted') FROM audit_log").Scan(&made, &gone))
	require.Equal(t, 23, made)
	require.Equal(t, 21, gone)
	var kept int
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT count(*) FROM deleted_verification_token").Scan(&kept))
	require.Zero(t, kept, "no list of deleted keys has sessions in it")
}
