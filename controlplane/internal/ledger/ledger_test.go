package ledger_test

import (
	"context"
	"fmt"
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

func TestMain(m *testing.M) { pgtest.Main(m) }

func line(i int, nano int64) string {
	u := contract.Usage{
		V: 1, ID: fmt.Sprintf("call-%d", i), StartMS: 1, EndMS: 2, KeyHash: fmt.Sprintf("k%d", i%3), TeamID: "t", UserID: "u", CallType: "acompletion",
		Status: contract.Success, HTTPStatus: 200, CostNano: nano, EndUser: "nul\x00 and \xff" + strings.Repeat("x", 600),
	}
	return string(u.AppendJSON(nil)) + "\n"
}

// Messages arrive twice under other ids, hold lines that nobody can read, and
// events of a version to come. Every readable event is booked once.
func TestLedger_books_once_and_keeps_what_it_can_not_read(t *testing.T) {
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
		"INSERT INTO verification_token (token) VALUES ('k0'), ('k1'), ('k2')", "INSERT INTO team_table (team_id) VALUES ('t')", "INSERT INTO user_table (user_id) VALUES ('u')",
	} {
		_, err := st.DB().Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	send := func(payload string) {
		_, err := js.Publish(t.Context(), names.UsageSubject("r"), []byte(payload))
		require.NoError(t, err)
	}
	const events = 300
	for i := range events {
		send(line(i, 10) + line(i, 10))
		if i%10 == 0 {
			send("not json\n" + line(i, 10) + `{"v":99,"id":"future"}` + "\n" + `{"v":1}` + "\n")
		}
	}
	stop := lifecycle.Loop(ledger.New(st, js, names, slog.New(slog.DiscardHandler), prometheus.NewRegistry()).Run)
	t.Cleanup(stop)
	require.Eventually(t, func() bool {
		s, err := js.Stream(t.Context(), names.UsageStream())
		return err == nil && s.CachedInfo().State.Msgs == 0
	}, 20*time.Second, 20*time.Millisecond)

	count := func(query string) (n int64) {
		t.Helper()
		require.NoError(t, st.DB().QueryRow(t.Context(), query).Scan(&n))
		return n
	}
	require.EqualValues(t, events, count("SELECT count(*) FROM spend_logs"))
	require.EqualValues(t, events*10, count("SELECT sum(spend_nano) FROM spend_logs"))
	require.EqualValues(t, events*10, count("SELECT sum(spend_nano) FROM verification_token"))
	require.EqualValues(t, events*10, count("SELECT spend_nano FROM team_table"))
	require.EqualValues(t, events*10, count("SELECT spend_nano FROM user_table"))
	require.EqualValues(t, events/10*3, count("SELECT count(*) FROM usage_dead"))
}
