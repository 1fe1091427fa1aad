package ledger_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/ledger"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// Customers, organisations, tags and members spend too; names that only differ
// in what can not be stored are one.
func TestLedger_books_customers_organizations_tags_and_members(t *testing.T) {
	t.Parallel()
	names, err := contract.NewNames("tianji")
	require.NoError(t, err)
	server := natstest.Start(t, natsembed.Options{})
	js, err := jetstream.New(server.Connect(natstest.Admin))
	require.NoError(t, err)
	require.NoError(t, publish.Provision(t.Context(), js, names, 1))
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	for _, statement := range []string{
		"INSERT INTO end_user_table (user_id, spend_nano) VALUES ('known', 1)",
		"INSERT INTO organization_table (organization_id, organization_alias, created_by, updated_by) VALUES ('o', 'O', '', '')",
		"INSERT INTO tag_table (tag_name) VALUES ('blue'), ('green')",
		"INSERT INTO team_membership (team_id, user_id) VALUES ('t', 'u'), ('t', 'v'), ('s', 'u')",
	} {
		_, err := st.DB().Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	long := strings.Repeat("x", 600)
	for i, u := range []contract.Usage{
		{EndUser: "known", OrgID: "o", TeamID: "t", UserID: "u", Tags: []string{"blue", "blue", "nobody's"}, CostNano: 10},
		{EndUser: "new", OrgID: "unknown", TeamID: "t", UserID: "v", Tags: []string{"blue", "green"}, CostNano: 20},
		{EndUser: long + "a", TeamID: "t", UserID: "stranger", CostNano: 1},
		{EndUser: long + "b\x00", TeamID: "t", CostNano: 1},
		{EndUser: "new", UserID: "u", CostNano: 3},
	} {
		u.V, u.ID, u.CallType, u.Status = 1, "call-"+string(rune('a'+i)), "acompletion", contract.Success
		line := string(u.AppendJSON(nil)) + "\n"
		_, err := js.Publish(t.Context(), names.UsageSubject("r"), []byte(line+line))
		require.NoError(t, err)
	}
	t.Cleanup(lifecycle.Loop(ledger.New(st, js, names, slog.New(slog.DiscardHandler), prometheus.NewRegistry()).Run))
	require.Eventually(t, func() bool {
		s, err := js.Stream(t.Context(), names.UsageStream())
		return err == nil && s.CachedInfo().State.Msgs == 0
	}, 20*time.Second, 20*time.Millisecond)

	for query, want := range map[string]int64{
		"SELECT spend_nano FROM end_user_table WHERE user_id = 'known' AND managed":               11,
		"SELECT spend_nano FROM end_user_table WHERE user_id = 'new' AND NOT managed":             23,
		"SELECT spend_nano FROM end_user_table WHERE user_id LIKE 'x%' AND length(user_id) = 512": 2,
		"SELECT count(*) FROM end_user_table":                                                     3,
		"SELECT spend_nano FROM organization_table":                                               10,
		"SELECT spend_nano FROM tag_table WHERE tag_name = 'blue'":                                30,
		"SELECT spend_nano FROM tag_table WHERE tag_name = 'green'":                               20,
		"SELECT count(*) FROM tag_table":                                                          2,
		"SELECT spend_nano FROM team_membership WHERE team_id = 't' AND user_id = 'u'":            10,
		"SELECT spend_nano FROM team_membership WHERE team_id = 't' AND user_id = 'v'":            20,
		"SELECT spend_nano FROM team_membership WHERE team_id = 's'":                              0,
		"SELECT count(*) FROM team_membership":                                                    3,
	} {
		var got int64
		require.NoError(t, st.DB().QueryRow(t.Context(), query).Scan(&got), query)
		require.Equal(t, want, got, query)
	}
}
