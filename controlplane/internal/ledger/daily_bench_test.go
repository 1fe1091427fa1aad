package ledger_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/ledger"
	"github.com/tianjillm/tianjillm/controlplane/internal/publish"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/natsembed"
	"github.com/tianjillm/tianjillm/testkit/natstest"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// traffic are calls of 5,000 keys of 1,000 users in 50 teams of 5 organisations,
// for 2,000 customers, with a tag, to three models. They are spread evenly, so
// that hardly two calls of a transaction add to one row, or by Zipf's law, as
// traffic is.
func traffic(n int, even bool) []contract.Usage {
	now := time.Now()
	random := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(random, 1.1, 10, 4999)
	events := make([]contract.Usage, n)
	for i := range events {
		key, customer, choice := i*7919%5000, i%2000, i%3
		if !even {
			key = int(zipf.Uint64())
			customer, choice = key%2000, key%3
			if random.IntN(10) == 0 {
				choice = random.IntN(3)
			}
		}
		model := [...]string{"gpt-4o", "gpt-4o-mini", "claude-sonnet-4"}[choice]
		events[i] = contract.Usage{
			V: 1, ID: ident.NewUUID(now).String(), StartMS: now.UnixMilli(), EndMS: now.UnixMilli(), KeyHash: ident.HashKey(fmt.Sprint(key)),
			UserID: fmt.Sprintf("user-%d", key%1000), TeamID: fmt.Sprintf("team-%d", key%50), OrgID: fmt.Sprintf("org-%d", key%5),
			EndUser: fmt.Sprintf("customer-%d", customer), Tags: []string{fmt.Sprintf("tag-%d", key%20)}, CallType: "acompletion", Status: contract.Success,
			HTTPStatus: 200, ModelGroup: model, Model: model, Provider: "openai", APIBase: "https://api.openai.com/v1", DeploymentID: model,
			InputTokens: 100, OutputTokens: 20, CostNano: 1000, RequesterIP: "192.0.2.1", Replica: "replica-1",
		}
	}
	return events
}

// BenchmarkDaily books calls with all sums of days, beside the plain COPY of
// the same rows into a table without an index:
// go test -run - -bench Daily -benchtime 200000x.
func BenchmarkDaily(b *testing.B) {
	st, err := store.Open(b.Context(), pgtest.New(b, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(b, err)
	b.Cleanup(st.Close)
	for _, statement := range []string{
		"INSERT INTO verification_token (token) SELECT encode(sha256(i::text::bytea), 'hex') FROM generate_series(0, 4999) i",
		"INSERT INTO team_table (team_id) SELECT 'team-' || i FROM generate_series(0, 49) i",
		"INSERT INTO user_table (user_id) SELECT 'user-' || i FROM generate_series(0, 999) i",
		"INSERT INTO tag_table (tag_name) SELECT 'tag-' || i FROM generate_series(0, 19) i",
		"CREATE TABLE plain (LIKE spend_logs)",
	} {
		_, err := st.DB().Exec(b.Context(), statement)
		require.NoError(b, err)
	}
	b.Run("booked", func(b *testing.B) { bookAll(b, st, false) })
	b.Run("booked even", func(b *testing.B) { bookAll(b, st, true) })
	b.Run("copied", func(b *testing.B) { copyPlain(b, st, traffic(b.N, false)) })
}

func bookAll(b *testing.B, st *store.Store, even bool) {
	b.Helper()
	names, err := contract.NewNames("tianji")
	require.NoError(b, err)
	js, err := jetstream.New(natstest.Start(b, natsembed.Options{}).Connect(natstest.Admin))
	require.NoError(b, err)
	require.NoError(b, publish.Provision(b.Context(), js, names, 1))
	var before int
	require.NoError(b, st.DB().QueryRow(b.Context(), "SELECT count(*) FROM spend_logs").Scan(&before))
	var payload []byte
	for i, u := range traffic(b.N, even) {
		payload = append(u.AppendJSON(payload), '\n')
		if i%50 == 49 || i == b.N-1 {
			_, err := js.PublishAsync(names.UsageSubject("r"), payload)
			require.NoError(b, err)
			payload = nil
		}
	}
	<-js.PublishAsyncComplete()
	ctx, cancel := context.WithCancel(b.Context())
	l := ledger.New(st, js, names, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	b.ResetTimer()
	go func() {
		defer cancel()
		for {
			var n int
			if st.DB().QueryRow(ctx, "SELECT coalesce(sum(api_requests), 0) FROM daily_model_spend").Scan(&n) != nil || n == before+b.N {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	l.Run(ctx)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func copyPlain(b *testing.B, st *store.Store, events []contract.Usage) {
	b.Helper()
	columns := strings.Fields(`request_id call_type api_key user_id team_id organization_id end_user model_group model model_id custom_llm_provider api_base status
		http_status error_type stream usage_estimated prompt_tokens completion_tokens cached_tokens reasoning_tokens spend_nano start_time end_time
		requester_ip_address replica`)
	b.ResetTimer()
	for len(events) > 0 {
		n := min(len(events), 5000)
		_, err := st.DB().CopyFrom(b.Context(), pgx.Identifier{"plain"}, append(columns, "cache_hit", "cache_write_tokens", "retries", "fallbacks"),
			pgx.CopyFromSlice(n, func(i int) ([]any, error) {
				e := &events[i]
				at := time.UnixMilli(e.StartMS)
				return []any{
					e.ID, e.CallType, e.KeyHash, e.UserID, e.TeamID, e.OrgID, e.EndUser, e.ModelGroup, e.Model, e.DeploymentID, e.Provider, e.APIBase,
					string(e.Status), e.HTTPStatus, e.ErrorType, e.Stream, e.Estimated, e.InputTokens, e.OutputTokens, e.CachedInputTokens, e.ReasoningTokens,
					e.CostNano, at, at, e.RequesterIP, e.Replica, e.CacheHit, e.CacheWriteTokens, e.Retries, e.Fallbacks,
				}, nil
			}))
		require.NoError(b, err)
		events = events[n:]
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
