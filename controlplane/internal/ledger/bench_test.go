package ledger_test

import (
	"context"
	"fmt"
	"log/slog"
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
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// BenchmarkLedger books events, 50 in a message, of many keys, some teams and
// some users: go test -run - -bench Ledger -benchtime 100000x.
func BenchmarkLedger(b *testing.B) {
	for name, budgets := range map[string]string{
		"unlimited": "NULL, NULL", "budgets": "1000000000000, '30d'",
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, budgets) })
	}
}

func benchmark(b *testing.B, budgets string) {
	b.Helper()
	const keys = 20_000
	names, err := contract.NewNames("tianji")
	require.NoError(b, err)
	js, err := jetstream.New(natstest.Start(b, natsembed.Options{}).Connect(natstest.Admin))
	require.NoError(b, err)
	require.NoError(b, publish.Provision(b.Context(), js, names, 1))
	st, err := store.Open(b.Context(), pgtest.New(b, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(b, err)
	b.Cleanup(st.Close)
	for table, query := range map[string]string{
		"verification_token": "token", "team_table": "team_id", "user_table": "user_id",
	} {
		_, err := st.DB().Exec(b.Context(), fmt.Sprintf("INSERT INTO %s (%s, max_budget_nano, budget_duration) SELECT 'id-' || i, %s FROM generate_series(0, %d) i",
			table, query, budgets, keys))
		require.NoError(b, err)
	}
	now := time.Now().UnixMilli()
	var payload []byte
	for i := range b.N {
		u := contract.Usage{
			V: 1, ID: fmt.Sprintf("%019x-call-%d", now, i), StartMS: now, EndMS: now, KeyHash: fmt.Sprintf("id-%d", i*7919%keys),
			TeamID: fmt.Sprintf("id-%d", i%50), UserID: fmt.Sprintf("id-%d", i%1000), CallType: "acompletion", Status: contract.Success, HTTPStatus: 200, CostNano: 1000,
			ModelGroup: "gpt-4o", Model: "gpt-4o", Provider: "openai",
		}
		payload = append(u.AppendJSON(payload), '\n')
		if i%50 == 49 || i == b.N-1 {
			_, err := js.PublishAsync(names.UsageSubject("r"), payload)
			require.NoError(b, err)
			payload = nil
		}
	}
	<-js.PublishAsyncComplete()
	l := ledger.New(st, js, names, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	ctx, cancel := context.WithCancel(b.Context())
	b.ResetTimer()
	go func() {
		for {
			var n int
			if st.DB().QueryRow(ctx, "SELECT count(*) FROM spend_logs").Scan(&n) != nil || n == b.N {
				cancel()
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	l.Run(ctx)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
