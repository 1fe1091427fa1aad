package key_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/migrations"
	"github.com/tianjillm/tianjillm/testkit/pgtest"
)

// A period has ended and nothing was booked since: the key has spent nothing,
// whatever the row says, and whatever is changed.
func TestKey_whose_period_has_ended(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), pgtest.New(t, "controlplane", func(ctx context.Context, url string) error {
		return store.Migrate(ctx, url, migrations.FS, func(string, ...any) {})
	}), 4)
	require.NoError(t, err)
	t.Cleanup(st.Close)
	keys, master := key.New(st), caller.Caller{Master: true}
	request := func(body string) *key.Request {
		var r key.Request
		require.NoError(t, json.Unmarshal([]byte(body), &r))
		return &r
	}
	made, err := keys.Generate(t.Context(), master, request(`{"key":"sk-period-1","max_budget":10,"budget_duration":"1d","spend":4}`))
	require.NoError(t, err)
	require.InDelta(t, 4, made.Spend, 0)
	shown := func() float64 {
		_, info, err := keys.Info(t.Context(), master, "sk-period-1")
		require.NoError(t, err)
		require.True(t, info.BudgetResetAt.After(time.Now()))
		return info.Spend
	}
	end := func() {
		_, err := st.DB().Exec(t.Context(), "UPDATE verification_token SET spend_nano = 4000000000, budget_reset_at = '2020-01-01'")
		require.NoError(t, err)
	}
	for body, want := range map[string]float64{
		`{"key":"sk-period-1","key_alias":"a"}`:                         0,
		`{"key":"sk-period-1","budget_duration":"30d"}`:                 0,
		`{"key":"sk-period-1","budget_duration":"1d","max_budget":5}`:   0,
		`{"key":"sk-period-1","spend":3}`:                               3,
		`{"key":"sk-period-1","spend":2,"budget_duration":"1mo"}`:       2,
		`{"key":"sk-period-1","spend":0,"soft_budget":1}`:               0,
		`{"key":"sk-period-1","metadata":{"a":1},"blocked":false}`:      0,
		`{"key":"sk-period-1","budget_duration":"7d","max_budget":100}`: 0,
	} {
		end()
		require.Zero(t, shown())
		updated, err := keys.Update(t.Context(), master, request(body))
		require.NoError(t, err)
		require.InDelta(t, want, updated.Spend, 0, body)
		require.InDelta(t, want, shown(), 0, body)
	}
	_, err = keys.Update(t.Context(), master, request(`{"key":"sk-period-1","spend":6}`))
	require.NoError(t, err)
	updated, err := keys.Update(t.Context(), master, request(`{"key":"sk-period-1","budget_duration":"12mo"}`))
	require.NoError(t, err)
	require.InDelta(t, 6, updated.Spend, 0, "what was spent is taken along into another period")
}
