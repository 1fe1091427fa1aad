package report_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// managed is a store with 100,000 keys of 10,000 users in 2,000 teams, and what
// they leave behind.
func managed(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	for _, s := range []string{
		`INSERT INTO verification_token (token, key_alias, user_id, team_id, created_at, spend_nano)
			SELECT 'key-' || i, 'alias-' || i, 'user-' || i % 10000, 'team-' || i % 2000, now() - i * interval '1 minute', i * 7919 % 100000 FROM generate_series(1, 100000) i`,
		"INSERT INTO user_table (user_id) SELECT 'user-' || i FROM generate_series(0, 9999) i",
		"INSERT INTO team_table (team_id, team_alias) SELECT 'team-' || i, 'Team ' || i FROM generate_series(0, 1999) i",
		"INSERT INTO team_membership (team_id, user_id) SELECT 'team-' || i % 2000, 'user-' || i FROM generate_series(0, 9999) i",
		"INSERT INTO organization_membership (organization_id, user_id) SELECT 'org-' || i % 100, 'user-' || i FROM generate_series(0, 9999) i",
		`INSERT INTO audit_log (id, updated_at, action, table_name, object_id, changed_by)
			SELECT gen_random_uuid(), now() - i * interval '1 second', 'updated', 'verification_token', 'key-' || i % 10000, 'user-' || i % 1000 FROM generate_series(1, 100000) i`,
		"INSERT INTO outbox (kind, object_id) SELECT 'key', 'key-' || i FROM generate_series(1, 50000) i",
		`INSERT INTO budget_spend (counter, period_start, period_end)
			SELECT 'counter-' || i, now() - interval '1 day', now() + (i - 100) * interval '1 minute' FROM generate_series(1, 100000) i`,
		`INSERT INTO daily_user_spend (date, user_id, api_key, model, model_group, custom_llm_provider, call_type)
			SELECT current_date - i % 30, 'user-' || i % 10000, 'key-' || i, 'm', 'm', 'openai', 'acompletion' FROM generate_series(1, 100000) i`,
		"ANALYZE",
	} {
		_, err := st.DB().Exec(t.Context(), s)
		require.NoError(t, err, s)
	}
	return st
}

// question is a query, without its rows.
type question func(ctx context.Context, conn db.DBTX) error

// ask makes a question of a generated query.
func ask[P, R any](query func(context.Context, db.DBTX, P) (R, error), p P) question {
	return func(ctx context.Context, conn db.DBTX) error {
		_, err := query(ctx, conn, p)
		return err
	}
}

// run is ask for a query without rows.
func run[P any](query func(context.Context, db.DBTX, P) error, p P) question {
	return func(ctx context.Context, conn db.DBTX) error { return query(ctx, conn, p) }
}

// The hottest queries of the management plane and of the ledger read no table
// from its beginning to its end. The page of calls is among those of the
// reports. All keys in the order of their spend are not among these: the ledger
// changes spend with every batch, and an index on it would take the table's
// in-place updates from it.
func TestHottest_queries_of_management_use_indexes(t *testing.T) {
	t.Parallel()
	st := managed(t)
	now := time.Now().UTC()
	key, alias, user, team := "key-7", "alias-7", "user-7", "team-7"
	one, day := []int64{1}, pgtype.Date{Time: now, Valid: true}
	for name, query := range map[string]question{
		"the caller":             ask(st.CallerByToken, key),
		"keys, the latest first": ask(st.KeyTokens, db.KeyTokensParams{Sort: "created_at desc", Descending: true, PageSize: 50}),
		"keys of a team":         ask(st.KeyTokens, db.KeyTokensParams{TeamID: &team, Sort: "spend desc", Descending: true, PageSize: 50}),
		"keys of a user":         ask(st.KeyTokens, db.KeyTokensParams{UserID: &user, CreatedBy: &user, Sort: "created_at desc", Descending: true, PageSize: 50}),
		"a key by its alias":     ask(st.KeyTokens, db.KeyTokensParams{KeyAlias: &alias, Sort: "created_at desc", Descending: true, PageSize: 50}),
		"keys by their aliases":  ask(st.KeysByAliases, []string{alias}),
		"a team":                 ask(st.TeamByID, team),
		"the keys of a team":     ask(st.KeysByTeam, team),
		"the keys of a user":     ask(st.KeysByUser, user),
		"ledger: lock keys":      ask(st.KeysLockSpend, []string{key}),
		"ledger: keys":           run(st.KeysSetSpend, db.KeysSetSpendParams{Ids: []string{key}, Spends: one, Ends: []time.Time{now}}),
		"ledger: budgets": ask(st.BudgetSpendAdd, db.BudgetSpendAddParams{
			Counters: []string{"counter-7"}, Starts: []time.Time{now}, Ends: []time.Time{now}, Openings: one, Spends: one,
		}),
		"ledger: days": run(st.DailyUserAdd, db.DailyUserAddParams{
			Dates: []pgtype.Date{day}, Entities: []string{user}, ApiKey: []string{key}, Model: []string{"m"}, ModelGroup: []string{"m"}, CustomLlmProvider: []string{"openai"},
			CallType: []string{"acompletion"}, PromptTokens: one, CompletionTokens: one, CacheReadInputTokens: one, CacheCreationInputTokens: one, SpendNano: one,
			SuccessfulRequests: one, FailedRequests: one, CacheHitRequests: one, CacheHitTokens: one, ApiRequests: one,
		}),
		"audit, the latest first": ask(st.AuditList, db.AuditListParams{Sort: "updated_at desc", PageSize: 50}),
		"audit of an object":      ask(st.AuditList, db.AuditListParams{ObjectID: &key, Sort: "updated_at desc", PageSize: 50}),
		"audit of an admin":       ask(st.AuditList, db.AuditListParams{ChangedBy: &user, Sort: "updated_at desc", PageSize: 50}),
		"outbox":                  ask(st.OutboxPending, db.OutboxPendingParams{OlderThan: pgtype.Interval{Valid: true}, PageSize: 100}),
		"outbox: done":            run(st.OutboxDelete, []int64{7}),
		"budgets: sweep":          ask(st.BudgetSpendForget, db.BudgetSpendForgetParams{EndedBefore: now, PageSize: 100}),
		"budgets: reconcile":      ask(st.BudgetSpendAfter, db.BudgetSpendAfterParams{AfterCounter: "counter-5", AfterStart: now, Now: now, PageSize: 500}),
	} {
		plan := planOf(t, st, name, query)
		require.Regexp(t, "Index|Tid Scan", plan, name)
	}
}
