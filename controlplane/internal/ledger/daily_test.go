package ledger_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/ledger"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

// calls are of some days, users and models, with everything that is summed.
func calls(random *rand.Rand, n int) []contract.Usage {
	today := time.Now()
	events := make([]contract.Usage, n)
	for i := range events {
		at := today.Add(-time.Duration(random.IntN(72)) * time.Hour)
		e := contract.Usage{
			V: 1, ID: ident.NewUUID(at).String(), StartMS: at.UnixMilli(), EndMS: at.UnixMilli(), KeyHash: fmt.Sprint("k", random.IntN(9)),
			CallType: "acompletion", Status: contract.Success, HTTPStatus: 200, ModelGroup: fmt.Sprint("group-", random.IntN(3)),
			Model: fmt.Sprint("model-", random.IntN(3)), Provider: "openai", APIBase: "https://a.example", InputTokens: random.Int64N(1000),
			OutputTokens: random.Int64N(1000), CachedInputTokens: random.Int64N(10), CacheWriteTokens: random.Int64N(10), CostNano: random.Int64N(1 << 40),
			CacheHit: random.IntN(4) == 0, UserID: fmt.Sprint("u", random.IntN(3)), TeamID: fmt.Sprint("t", random.IntN(3)),
			OrgID: fmt.Sprint("o", random.IntN(2)), EndUser: fmt.Sprint("customer", random.IntN(5)), AgentID: fmt.Sprint("agent", random.IntN(2)), Tags: []string{"a", fmt.Sprint("b", random.IntN(3))},
		}
		switch random.IntN(5) {
		case 0:
			e.UserID, e.TeamID, e.OrgID, e.EndUser, e.AgentID, e.Tags = "", "", "", "", "", nil
		case 1:
			e.Status, e.HTTPStatus = contract.Failure, 429
		}
		events[i] = e
	}
	return events
}

// same holds that a table of days has what the rows of single calls add up to.
func (b *book) same(table, where, times string) {
	b.t.Helper()
	const daily = `sum(api_requests), sum(successful_requests), sum(failed_requests), sum(prompt_tokens), sum(completion_tokens),
		sum(cache_read_input_tokens), sum(cache_creation_input_tokens), sum(spend_nano)`
	single := fmt.Sprintf(`sum(%[1]s), sum(%[1]s) FILTER (WHERE status = 'success'), sum(%[1]s) FILTER (WHERE status <> 'success'), sum(%[1]s * prompt_tokens),
		sum(%[1]s * completion_tokens), sum(%[1]s * cached_tokens), sum(%[1]s * cache_write_tokens), sum(%[1]s * spend_nano)`, times)
	require.Equal(b.t,
		b.lines("SELECT date, model, model_group, "+daily+" FROM "+table+" GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"),
		b.lines("SELECT (start_time AT TIME ZONE 'UTC')::date, model, model_group, "+single+" FROM spend_logs WHERE "+where+" GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"), table)
}

func (b *book) lines(query string) (all []string) {
	b.t.Helper()
	rows, err := b.st.DB().Query(b.t.Context(), "SELECT r::text FROM ("+query+") r")
	require.NoError(b.t, err)
	for rows.Next() {
		var line string
		require.NoError(b.t, rows.Scan(&line))
		all = append(all, line)
	}
	require.NoError(b.t, rows.Err())
	require.NotEmpty(b.t, all)
	return all
}

// TestDaily_sums_are_those_of_the_rows: events arrive in any order and more than
// once, several ledgers book at the same time, and their connections are cut.
func TestDaily_sums_are_those_of_the_rows(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for range 2 {
		t.Cleanup(lifecycle.Loop(ledger.New(b.st, b.js, b.names, slog.New(slog.DiscardHandler), prometheus.NewRegistry()).Run))
	}
	random := rand.New(rand.NewPCG(1, 2))
	events := calls(random, 4000)
	sent := slices.Concat(events, events[:1000])
	random.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
	cutting, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for cutting.Err() == nil {
			_, _ = b.st.DB().Exec(cutting, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			lifecycle.Sleep(cutting, 150*time.Millisecond)
		}
	})
	for len(sent) > 0 {
		var payload []byte
		n := min(len(sent), 1+random.IntN(50))
		for i := range sent[:n] {
			payload = append(sent[i].AppendJSON(payload), '\n')
		}
		sent = sent[n:]
		_, err := b.js.Publish(t.Context(), b.names.UsageSubject("r"), payload)
		require.NoError(t, err)
	}
	lifecycle.Sleep(t.Context(), time.Second)
	stop()
	wg.Wait()
	b.drained()
	require.EqualValues(t, len(events), b.number("SELECT count(*) FROM spend_logs"))
	b.same("daily_user_spend", "true", "1")
	b.same("daily_model_spend", "true", "1")
	b.same("daily_team_spend", "team_id IS NOT NULL", "1")
	b.same("daily_organization_spend", "organization_id IS NOT NULL", "1")
	b.same("daily_customer_spend", "end_user IS NOT NULL", "1")
	b.same("daily_agent_spend", "agent_id IS NOT NULL", "1")
	b.same("daily_tag_spend", "request_tags IS NOT NULL", "jsonb_array_length(request_tags)")
	require.Equal(t, b.number("SELECT count(*) FROM spend_logs WHERE cache_hit"), b.number("SELECT sum(cache_hit_requests)::bigint FROM daily_user_spend"))
	require.Equal(t, b.number("SELECT count(*) FROM spend_logs WHERE http_status = 429"), b.number("SELECT sum(rate_limited_requests)::bigint FROM daily_model_spend"))
}

// drained waits until everything is booked.
func (b *book) drained() {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		s, err := b.js.Stream(b.t.Context(), b.names.UsageStream())
		return err == nil && s.CachedInfo().State.Msgs == 0
	}, 50*time.Second, 20*time.Millisecond)
}

// What retention dropped is not booked again: the rows that would tell are gone.
func TestRetention_drops_days_and_books_none_of_them_again(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	now := time.Now().UTC()
	event := func(at time.Time) contract.Usage {
		return contract.Usage{
			V: 1, ID: ident.NewUUID(at).String(), StartMS: at.UnixMilli(), EndMS: at.UnixMilli(), KeyHash: "k", CallType: "acompletion",
			Status: contract.Success, HTTPStatus: 200, CostNano: 10, Model: "m",
		}
	}
	old, older, fresh, ahead := event(now.AddDate(0, 0, -1)), event(now.AddDate(0, 0, -60)), event(now), event(now.AddDate(0, 0, 9))
	publish := func(events ...contract.Usage) {
		for i := range events {
			_, err := b.js.Publish(t.Context(), b.names.UsageSubject("r"), append(events[i].AppendJSON(nil), '\n'))
			require.NoError(t, err)
		}
		b.drained()
	}
	publish(old, older, fresh, ahead)
	require.EqualValues(t, 2, b.number("SELECT count(*) FROM spend_logs_default"), "days without a partition")

	r := ledger.Retention{Store: b.st, Age: 12 * time.Hour, Logger: slog.New(slog.DiscardHandler)}
	later := now.AddDate(0, 0, 3) // partitions reach ten days from here
	keep := r
	keep.Age = 0
	_, err := keep.Once(t.Context(), later)
	require.NoError(t, err)
	require.EqualValues(t, 1, b.number("SELECT count(*) FROM spend_logs_default"), "rows move into a partition that is made for them")
	require.EqualValues(t, 4, b.number("SELECT count(*) FROM spend_logs"))

	dropped, err := r.Once(t.Context(), now.Truncate(24*time.Hour).Add(13*time.Hour))
	require.NoError(t, err)
	require.EqualValues(t, 1, dropped)
	require.EqualValues(t, 2, b.number("SELECT count(*) FROM spend_logs"))
	require.EqualValues(t, 40, b.number("SELECT sum(spend_nano)::bigint FROM daily_model_spend"), "the sums of days stay")

	publish(old, older, fresh, ahead)
	require.EqualValues(t, 2, b.number("SELECT count(*) FROM spend_logs"))
	require.EqualValues(t, 40, b.number("SELECT sum(spend_nano)::bigint FROM daily_model_spend"))
	require.EqualValues(t, 2, b.number("SELECT count(*) FROM usage_dead WHERE reason LIKE 'began before%'"))
}
