package report_test

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/report"
	"github.com/tianjillm/tianjillm/controlplane/internal/spend"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var spendRows = flag.Int("spendrows", 100_000, "calls that the reports are on")

// filled is a store with calls of 60 days: of 2,000 keys of 500 users in 50
// teams, for 1,000 customers, with 20 tags, to 10 models.
func filled(tb testing.TB, calls int) *store.Store {
	tb.Helper()
	st, err := store.Open(tb.Context(), pgtest.New(tb, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(tb, err)
	tb.Cleanup(st.Close)
	const sums = `date, %s, api_key, model, model AS model_group, custom_llm_provider, call_type, sum(prompt_tokens), sum(completion_tokens), 0, 0, sum(spend_nano), count(*) AS api_requests,
		count(*) AS good, 0 FROM (SELECT *, (start_time AT TIME ZONE 'UTC')::date AS date FROM spend_logs) s GROUP BY 1, 2, 3, 4, 6, 7`
	statements := []string{
		"INSERT INTO verification_token (token, key_alias, user_id, team_id) SELECT 'key-' || i, 'alias-' || i, 'user-' || i % 500, 'team-' || i % 50 FROM generate_series(0, 1999) i",
		"INSERT INTO team_table (team_id, team_alias) SELECT 'team-' || i, 'Team ' || i FROM generate_series(0, 49) i",
		"SELECT spend_logs_partition(current_date - i) FROM generate_series(0, 60) i",
		fmt.Sprintf(`INSERT INTO spend_logs (request_id, call_type, api_key, user_id, team_id, end_user, model, model_group, custom_llm_provider, status, http_status, stream,
				usage_estimated, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, spend_nano, start_time, end_time)
			SELECT gen_random_uuid(), 'acompletion', 'key-' || i %% 2000, 'user-' || i %% 500, 'team-' || i %% 50, 'customer-' || i * 31 %% 1000, 'model-' || i %% 10,
				'model-' || i %% 10, 'openai', 'success', 200, i < 0, false, 100, 20, 0, 0, 1000, now() - i * interval '60 days' / %[1]d, now() FROM generate_series(0, %[1]d) i`, calls),
		"INSERT INTO daily_user_spend SELECT " + fmt.Sprintf(sums, "user_id"),
		"INSERT INTO daily_team_spend SELECT " + fmt.Sprintf(sums, "team_id"),
		"INSERT INTO daily_customer_spend SELECT " + fmt.Sprintf(sums, "end_user"),
		"INSERT INTO daily_tag_spend SELECT " + fmt.Sprintf(sums, "'tag-' || right(end_user, 1)"),
		`INSERT INTO daily_model_spend (date, model, model_group, custom_llm_provider, call_type, api_base, prompt_tokens, completion_tokens, spend_nano, api_requests, successful_requests)
			SELECT date, model, model_group, custom_llm_provider, call_type, '', sum(prompt_tokens), sum(completion_tokens), sum(spend_nano), sum(api_requests), sum(successful_requests)
			FROM daily_user_spend GROUP BY 1, 2, 3, 4, 5`,
		`INSERT INTO daily_model_spend (date, model, model_group, custom_llm_provider, call_type, api_base)
			SELECT current_date - 100 - d, 'old-' || m, 'old', 'openai', 'acompletion', '' FROM generate_series(1, 700) d, generate_series(1, 10) m`,
		"ANALYZE",
	}
	for _, s := range statements {
		_, err := st.DB().Exec(tb.Context(), s)
		require.NoError(tb, err, s)
	}
	return st
}

var scanned = regexp.MustCompile(`Seq Scan on (\w+)`)

// planOf is the plan of a query, which may read what is small as a whole.
func planOf(t *testing.T, st *store.Store, name string, query func(context.Context, db.DBTX) error) string {
	t.Helper()
	plan := pgtest.Plan(t, st.Reader(), func(c pgtest.Conn) error { return query(t.Context(), c) })
	for _, table := range scanned.FindAllStringSubmatch(plan, -1) {
		var rows int
		require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT greatest(reltuples, 0)::integer FROM pg_class WHERE relname = $1", table[1]).Scan(&rows))
		require.Less(t, rows, 2001, "%s reads all of %s:\n%s", name, table[1], plan)
	}
	return plan
}

// The hottest queries read no table from its beginning to its end.
func TestHottest_queries_use_indexes(t *testing.T) {
	t.Parallel()
	st := filled(t, 150_000) // 2,500 a day
	now := time.Now().UTC()
	from, to := pgtype.Date{Time: now.AddDate(0, 0, -7), Valid: true}, pgtype.Date{Time: now, Valid: true}
	user, key, team := "user-7", "key-7", "team-7"
	var id string
	require.NoError(t, st.DB().QueryRow(t.Context(), "SELECT request_id FROM spend_logs LIMIT 1").Scan(&id))
	for name, query := range map[string]func(ctx context.Context, conn db.DBTX) error{
		"the key of a call": func(ctx context.Context, conn db.DBTX) error { _, err := st.KeyByToken(ctx, conn, key); return err },
		"a call by its id": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.SpendList(ctx, conn, db.SpendListParams{RequestID: &id, PageSize: 10})
			return err
		},
		"calls of a key": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.SpendList(ctx, conn, db.SpendListParams{ApiKey: &key, PageSize: 10})
			return err
		},
		"calls of a user": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.SpendList(ctx, conn, db.SpendListParams{UserID: &user, PageSize: 10})
			return err
		},
		"a page of calls": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.SpendPage(ctx, conn, db.SpendPageParams{StartAfter: now.Add(-20 * time.Hour), StartBefore: now, PageSize: 50})
			return err
		},
		"activity": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.AllDays(ctx, conn, db.AllDaysParams{StartDate: from, EndDate: to})
			return err
		},
		"activity of models": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.AllModelDays(ctx, conn, db.AllModelDaysParams{StartDate: from, EndDate: to})
			return err
		},
		"activity of a user": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.OwnDays(ctx, conn, db.OwnDaysParams{StartDate: from, EndDate: to, UserID: &user})
			return err
		},
		"activity of a key": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.OwnDays(ctx, conn, db.OwnDaysParams{StartDate: from, EndDate: to, ApiKey: &key})
			return err
		},
		"days of a user": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.UserActivity(ctx, conn, db.UserActivityParams{StartDate: from, EndDate: to, Entities: []string{user}, PageSize: 50})
			return err
		},
		"days of all": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.UserActivity(ctx, conn, db.UserActivityParams{StartDate: from, EndDate: to, PageSize: 50})
			return err
		},
		"days of a team": func(ctx context.Context, conn db.DBTX) error {
			_, err := st.TeamActivity(ctx, conn, db.TeamActivityParams{StartDate: from, EndDate: to, Entities: []string{team}, PageSize: 50})
			return err
		},
		"the names of tags": func(ctx context.Context, conn db.DBTX) error { _, err := st.TagNames(ctx, conn); return err },
	} {
		plan := planOf(t, st, name, query)
		require.Contains(t, plan, "Index", name)
	}
}

// Reports of a benchmark: go test -run - -bench Report -args -spendrows 10000000.
func BenchmarkReport(b *testing.B) {
	st := filled(b, *spendRows)
	s, logs, who := report.New(st, contract.LimitSettings{}), spend.New(st), caller.Caller{Master: true}
	now := time.Now().UTC()
	r, err := report.Between(now.AddDate(0, 0, -30).Format(time.DateOnly), now.Format(time.DateOnly))
	require.NoError(b, err)
	user, yesterday := "user-7", now.AddDate(0, 0, -1)
	for name, ask := range map[string]func() error{
		"activity":        func() error { _, err := s.Requests(b.Context(), who, r); return err },
		"activity models": func() error { _, err := s.RequestsByModel(b.Context(), who, r); return err },
		"user daily": func() error {
			_, err := s.Activity(b.Context(), who, &report.ActivityQuery{Range: r, User: &user, Page: 1, Size: 1000})
			return err
		},
		"daily of all": func() error {
			_, err := s.Activity(b.Context(), who, &report.ActivityQuery{Range: r, Page: 1, Size: 50})
			return err
		},
		"top keys": func() error { _, err := s.Keys(b.Context(), who, 100); return err },
		"teams":    func() error { _, err := s.Teams(b.Context()); return err },
		"calls page": func() error {
			_, err := logs.Page(b.Context(), who, &spend.PageQuery{After: &yesterday, Before: &now, Page: 1, Size: 50})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, ask())
			}
		})
	}
}
