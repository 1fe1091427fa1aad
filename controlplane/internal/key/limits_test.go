package key_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// plane is the services over a database of their own.
type plane struct {
	store *store.Store
	keys  *key.Service
	teams *team.Service
	users *user.Service
}

func newPlane(tb testing.TB) *plane {
	tb.Helper()
	url := pgtest.New(tb, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	})
	st, err := store.Open(tb.Context(), url, 16)
	require.NoError(tb, err)
	tb.Cleanup(st.Close)
	keys := key.New(st)
	return &plane{store: st, keys: keys, teams: team.New(st), users: user.New(st, keys)}
}

func admin() caller.Caller { return caller.Caller{Master: true, UserID: caller.AdminUserID} }

// read decodes a request body.
func read[T any](t *testing.T, format string, args ...any) *T {
	t.Helper()
	r := new(T)
	require.NoError(t, json.Unmarshal(fmt.Appendf(nil, format, args...), r))
	return r
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// all is every limit that a request can name.
const all = `"rpm_limit":1,"tpm_limit":2,"rph_limit":3,"tph_limit":4,"rpd_limit":5,"tpd_limit":6,"max_parallel_requests":7,
	"max_budget":8.5,"soft_budget":0.25,"budget_duration":"30d","budget_limits":[{"budget_duration":"24h","max_budget":0.1}],
	"model_max_budget":{"gpt":{"budget_limit":1,"time_period":"1d"}},"model_rpm_limit":{"gpt":9},"model_tpm_limit":{"gpt":10},
	"rpm_limit_type":"best_effort_throughput","temp_budget_increase":2,"temp_budget_expiry":"2036-01-01"`

const allRendered = `{"rpm":1,"tpm":2,"rph":3,"tph":4,"rpd":5,"tpd":6,"max_parallel":7,"soft_budget_nano":250000000,"soft_duration":"30d",
	"budgets":[{"max_nano":8500000000,"duration":"30d","increase_nano":2000000000,"until":"2036-01-01T00:00:00Z"},{"max_nano":100000000,"duration":"24h"}],
	"models":{"gpt":{"rpm":9,"tpm":10,"budget":{"max_nano":1000000000,"duration":"1d"}}},"requests_type":"best_effort_throughput"}`

func TestLimits_are_stored_and_shown(t *testing.T) {
	t.Parallel()
	p, ctx := newPlane(t), t.Context()
	shown := func(v any) {
		t.Helper()
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(encoded(t, v)), &got))
		for name, want := range map[string]any{
			"rpm_limit": 1.0, "tpm_limit": 2.0, "rph_limit": 3.0, "tph_limit": 4.0, "rpd_limit": 5.0, "tpd_limit": 6.0, "max_parallel_requests": 7.0,
			"max_budget": 8.5, "soft_budget": 0.25, "budget_duration": "30d",
			"model_max_budget": map[string]any{"gpt": map[string]any{"budget_limit": 1.0, "time_period": "1d"}},
		} {
			require.Equal(t, want, got[name], name)
		}
		require.NotNil(t, got["budget_reset_at"])
		require.Contains(t, encoded(t, got["budget_limits"]), `"budget_duration":"24h","max_budget":0.1,"reset_at":"`)
	}

	made, err := p.keys.Generate(ctx, admin(), read[key.Request](t, `{%s,"allowed_cache_controls":["no-cache"]}`, all))
	require.NoError(t, err)
	shown(made)
	require.JSONEq(t, `{"gpt":9}`, string(made.ModelRPMLimit))
	require.JSONEq(t, `"best_effort_throughput"`, string(made.RPMLimitType))
	require.InDelta(t, 0.25, *made.BudgetTable.SoftBudget, 0, "where LiteLLM's clients look for it")
	row, err := p.keys.ByHash(ctx, made.Token)
	require.NoError(t, err)
	require.JSONEq(t, allRendered, encoded(t, limit.OfKey(&row).Limits()))

	view, err := p.teams.New(ctx, admin(), read[team.Request](t, `{"team_id":"t","metadata":{"priority":"prod"},%s}`, all))
	require.NoError(t, err)
	shown(view)
	teamRow, err := p.store.TeamByID(ctx, p.store.DB(), "t")
	require.NoError(t, err)
	require.JSONEq(t, allRendered, encoded(t, limit.OfTeam(&teamRow).Limits()))
	require.Contains(t, string(teamRow.Metadata), `"priority": "prod"`)

	created, err := p.users.New(ctx, admin(), read[user.Request](t, `{"user_id":"u",%s}`, all))
	require.NoError(t, err)
	shown(created)
	userRow, err := p.store.UserByID(ctx, p.store.DB(), "u")
	require.NoError(t, err)
	require.JSONEq(t, allRendered, encoded(t, limit.OfUser(&userRow).Limits()))
	row, err = p.keys.ByHash(ctx, mustHash(t, p, created.UserID))
	require.NoError(t, err)
	require.JSONEq(t, `{}`, encoded(t, limit.OfKey(&row).Limits()), "a user's first key has no limits of its own")
}

// mustHash returns the hash of a user's only key.
func mustHash(t *testing.T, p *plane, userID string) string {
	t.Helper()
	rows, err := p.store.KeysByUser(t.Context(), p.store.DB(), userID)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	return rows[0].Token
}

func TestUpdate_changes_the_limits_that_were_sent(t *testing.T) {
	t.Parallel()
	p, ctx := newPlane(t), t.Context()
	made, err := p.keys.Generate(ctx, admin(), read[key.Request](t, `{%s}`, all))
	require.NoError(t, err)
	updated, err := p.keys.Update(ctx, admin(), read[key.Request](t, `{"key":"%s","rpm_limit":null,"max_budget":1,"metadata":{"rpm_limit_type":"dynamic"}}`, made.Key))
	require.NoError(t, err)
	require.Nil(t, updated.RPMLimit)
	row, err := p.keys.ByHash(ctx, made.Token)
	require.NoError(t, err)
	require.JSONEq(t, `{"tpm":2,"rph":3,"tph":4,"rpd":5,"tpd":6,"max_parallel":7,"soft_budget_nano":250000000,"soft_duration":"30d",
		"budgets":[{"max_nano":1000000000,"duration":"30d"},{"max_nano":100000000,"duration":"24h"}],
		"models":{"gpt":{"budget":{"max_nano":1000000000,"duration":"1d"}}},"requests_type":"dynamic"}`, encoded(t, limit.OfKey(&row).Limits()),
		"metadata that is sent replaces the limits in it")

	for body, status := range map[string]int{
		`"metadata":{"rpm_limit_type":"loose"}`: 422, `"tpm_limit":-1`: 400, `"budget_id":"nowhere"`: 400, `"budget_limits":[{"budget_duration":"30d","max_budget":1}]`: 400,
	} {
		_, err = p.keys.Update(ctx, admin(), read[key.Request](t, `{"key":"%s",%s}`, made.Key, body))
		refusal, ok := errors.AsType[*apierr.Error](err)
		require.True(t, ok, "%s: %v", body, err)
		require.Equal(t, status, refusal.Status, body)
	}
	owner := caller.Caller{KeyHash: made.Token}
	for _, body := range []string{`"rpm_limit":99`, `"soft_budget":1`, `"model_tpm_limit":{}`, `"temp_budget_increase":1,"temp_budget_expiry":"2036-01-01"`, `"budget_id":null`} {
		_, err = p.keys.Update(ctx, owner, read[key.Request](t, `{"key":"%s",%s}`, made.Key, body))
		refusal, ok := errors.AsType[*apierr.Error](err)
		require.True(t, ok, body)
		require.Equal(t, 403, refusal.Status, "an owner must not raise their own limits: %s", body)
	}
}

func TestBudget_id_is_a_tier_that_exists(t *testing.T) {
	t.Parallel()
	p, ctx := newPlane(t), t.Context()
	_, err := tier.New(p.store).New(ctx, admin(), read[tier.Request](t, `{"budget_id":"gold","max_budget":5,"rpm_limit":10,"budget_duration":"1d"}`))
	require.NoError(t, err)
	made, err := p.keys.Generate(ctx, admin(), read[key.Request](t, `{"budget_id":"gold","rpm_limit":3}`))
	require.NoError(t, err)
	require.Equal(t, "gold", made.BudgetTable.BudgetID)
	require.InDelta(t, 5, *made.BudgetTable.MaxBudget, 0)
	require.Nil(t, made.MaxBudget, "it is the tier's")
	updated, err := p.keys.Update(ctx, admin(), read[key.Request](t, `{"key":"%s","key_alias":"a"}`, made.Key))
	require.NoError(t, err)
	require.Equal(t, "gold", updated.BudgetTable.BudgetID)
	_, info, err := p.keys.Info(ctx, admin(), made.Key)
	require.NoError(t, err)
	require.Equal(t, "gold", info.BudgetTable.BudgetID)
	updated, err = p.keys.Update(ctx, admin(), read[key.Request](t, `{"key":"%s","budget_id":null}`, made.Key))
	require.NoError(t, err)
	require.Nil(t, updated.BudgetTable)
}

const guaranteed = `"rpm_limit_type":"guaranteed_throughput","tpm_limit_type":"guaranteed_throughput"`

func TestGuaranteed_throughput_is_within_the_team(t *testing.T) {
	t.Parallel()
	p, ctx := newPlane(t), t.Context()
	_, err := p.teams.New(ctx, admin(), read[team.Request](t, `{"team_id":"t","rpm_limit":10,"model_tpm_limit":{"gpt":100}}`))
	require.NoError(t, err)
	first, err := p.keys.Generate(ctx, admin(), read[key.Request](t, `{"team_id":"t","rpm_limit":6,"model_tpm_limit":{"gpt":60},%s}`, guaranteed))
	require.NoError(t, err)
	best, err := p.keys.Generate(ctx, admin(), read[key.Request](t, `{"team_id":"t","rpm_limit":1000}`))
	require.NoError(t, err, "a key without a guarantee may have more")

	const over = "Allocated RPM limit=6 + Key RPM limit=5 is greater than team RPM limit=10"
	_, err = p.keys.Generate(ctx, admin(), read[key.Request](t, `{"team_id":"t","rpm_limit":5,%s}`, guaranteed))
	require.EqualError(t, err, over)
	_, err = p.keys.Update(ctx, admin(), read[key.Request](t, `{"key":"%s","rpm_limit":5,%s}`, best.Key, guaranteed))
	require.EqualError(t, err, over)
	_, err = p.keys.Update(ctx, admin(), read[key.Request](t, `{"key":"%s","rpm_limit":null,"model_tpm_limit":{"gpt":41},%s}`, best.Key, guaranteed))
	require.EqualError(t, err, "Allocated TPM limit=60 + Key TPM limit=41 is greater than team TPM limit=100. Model=gpt")
	free, err := p.keys.Generate(ctx, admin(), read[key.Request](t, `{"rpm_limit":5,%s}`, guaranteed))
	require.NoError(t, err, "nobody's limit")
	_, err = p.keys.Update(ctx, admin(), read[key.Request](t, `{"key":"%s","team_id":"t"}`, free.Key))
	require.EqualError(t, err, over, "it would become the team's")

	_, err = p.keys.Update(ctx, admin(), read[key.Request](t, `{"key":"%s","rpm_limit":10}`, first.Key))
	require.NoError(t, err, "its own former part is free")
	_, err = p.keys.Generate(ctx, admin(), read[key.Request](t, `{"team_id":"unknown","rpm_limit":5,%s}`, guaranteed))
	require.NoError(t, err)
	_, err = p.store.DB().Exec(ctx, "UPDATE team_table SET rpm_limit = 1")
	require.NoError(t, err)
	_, err = p.keys.Update(ctx, admin(), read[key.Request](t, `{"key":"%s","key_alias":"a","rpm_limit":9}`, first.Key))
	require.NoError(t, err, "what takes nothing more is not refused")
}

// Twelve keys for a team that has room for five are made and raised at once.
func TestGuaranteed_throughput_of_keys_made_at_once(t *testing.T) {
	t.Parallel()
	p := newPlane(t)
	_, err := p.teams.New(t.Context(), admin(), read[team.Request](t, `{"team_id":"t","rpm_limit":10}`))
	require.NoError(t, err)
	var raised [6]key.Generated
	for i := range raised {
		raised[i], err = p.keys.Generate(t.Context(), admin(), read[key.Request](t, `{"team_id":"t"}`))
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	var made, refused atomic.Int64
	note := func(err error) {
		if err != nil {
			refused.Add(1)
			_, ok := errors.AsType[*apierr.Error](err)
			require.True(t, ok, err)
			return
		}
		made.Add(1)
	}
	for i := range raised {
		create := read[key.Request](t, `{"team_id":"t","rpm_limit":2,%s}`, guaranteed)
		update := read[key.Request](t, `{"key":"%s","rpm_limit":2,%s}`, raised[i].Key, guaranteed)
		wg.Go(func() {
			_, err := p.keys.Generate(context.Background(), admin(), create)
			note(err)
		})
		wg.Go(func() {
			_, err := p.keys.Update(context.Background(), admin(), update)
			note(err)
		})
	}
	wg.Wait()
	require.Equal(t, int64(5), made.Load())
	require.Equal(t, int64(7), refused.Load())
	var sum int64
	require.NoError(t, p.store.DB().QueryRow(t.Context(), "SELECT sum(rpm_limit) FROM verification_token WHERE team_id = 't'").Scan(&sum))
	require.Equal(t, int64(10), sum)
}
