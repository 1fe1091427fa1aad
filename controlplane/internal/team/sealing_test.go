package team_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T) *store.Store {
	t.Helper()
	url := pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	})
	st, err := store.Open(t.Context(), url, 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	return st
}

func request(t *testing.T, body string) *team.Request {
	t.Helper()
	var r team.Request
	require.NoError(t, json.Unmarshal([]byte(body), &r))
	return &r
}

func metadata(t *testing.T, st *store.Store, id string) string {
	t.Helper()
	row, err := st.TeamByID(t.Context(), st.DB(), id)
	require.NoError(t, err)
	return string(row.Metadata)
}

// A salt key that changes takes the secrets of callbacks along.
func TestReseal(t *testing.T) {
	t.Parallel()
	st := open(t)
	first, err := seal.New("first")
	require.NoError(t, err)
	second, err := seal.New("second")
	require.NoError(t, err)
	before, after := team.NewWithRules(st, first, team.Rules{}), team.NewWithRules(st, second, team.Rules{})
	master := caller.Caller{Master: true}
	_, err = before.New(t.Context(), master, request(t, `{"team_id":"t","metadata":{"floor":2,
		"logging":[{"callback_name":"langfuse","callback_type":"success","callback_vars":{"langfuse_secret_key":"hidden","langfuse_host":"h"}}],
		"callback_settings":{"callback_vars":{"langsmith_api_key":"older"}}}}`))
	require.NoError(t, err)
	_, err = before.New(t.Context(), master, request(t, `{"team_id":"plain"}`))
	require.NoError(t, err)
	sealed := metadata(t, st, "t")
	require.NotContains(t, sealed, "hidden")
	require.NotContains(t, sealed, "older")
	require.Equal(t, 2, strings.Count(sealed, "sealed:v1:"), "in both places, and the host is none")

	reseal := func(s *team.Service, to *seal.Box) (n int, err error) {
		err = st.InTx(t.Context(), func(tx *store.Tx) error {
			n, err = s.Reseal(t.Context(), tx, to)
			return err
		})
		return n, err
	}
	_, err = reseal(after, first)
	require.ErrorIs(t, err, seal.ErrOpen, "with the wrong salt key nothing changes")
	require.Equal(t, sealed, metadata(t, st, "t"))
	n, err := reseal(before, second)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NotEqual(t, sealed, metadata(t, st, "t"))
	n, err = reseal(after, second)
	require.NoError(t, err, "it opens what the other has sealed")
	require.Equal(t, 1, n)
}

func TestNew_seals_nothing_without_a_salt_key(t *testing.T) {
	t.Parallel()
	st := open(t)
	_, err := team.New(st).New(t.Context(), caller.Caller{Master: true}, request(t, `{"team_id":"t","logging":[{"callback_name":"a","callback_vars":{"langfuse_secret":"hidden"}}]}`))
	require.ErrorContains(t, err, "there is no salt key")
	require.NotContains(t, err.Error(), "hidden")
	_, err = st.TeamByID(t.Context(), st.DB(), "t")
	require.ErrorIs(t, err, store.ErrNotFound)
}

// FuzzShow holds that a team is shown whatever its metadata is, without the
// secrets of callbacks.
func FuzzShow(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `"text"`, `{"logging":{}}`, `{"logging":[null,1,{"callback_vars":null}]}`,
		`{"logging":[{"callback_name":"a","callback_vars":{"langfuse_secret":"very-secret"}}]}`,
		`{"callback_settings":{"callback_vars":{"langsmith_api_key":"very-secret"}},"floor":1e400}`,
		`{"logging":[{"callback_vars":{"langfuse_secret":{"nested":"very-secret"}}}]}`,
	} {
		f.Add(seed, "very-secret")
	}
	f.Fuzz(func(t *testing.T, meta, secret string) {
		if json.Valid([]byte(meta)) {
			shown := team.Show(db.TeamTable{TeamID: "t", Metadata: json.RawMessage(meta)}).Metadata
			require.True(t, json.Valid(shown), "%s", shown)
		}
		vars, err := json.Marshal(map[string]any{"logging": []any{map[string]any{"callback_vars": map[string]string{"langfuse_secret": "<" + secret + ">"}}}})
		require.NoError(t, err)
		shown := team.Show(db.TeamTable{TeamID: "t", Metadata: vars}).Metadata
		require.JSONEq(t, `{"logging":[{"callback_vars":{"langfuse_secret":"***REDACTED***"}}]}`, string(shown))
	})
}
