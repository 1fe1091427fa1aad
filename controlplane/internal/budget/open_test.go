package budget_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
)

// A budget that somebody gets counts from what they have spent. What data
// planes have leased of it meanwhile stays leased when an admin sets the spend.
func TestOpener_brings_counters_to_the_spend_of_the_row(t *testing.T) {
	t.Parallel()
	k := newKit(t, `INSERT INTO verification_token (token, spend_nano) VALUES ('k', 70), ('fresh', 0)`)
	life := pool.OfBudget("usd.life.api_key.k", 0)
	k.open(1, store.KindKey, "k")
	k.open(2, store.KindKey, "nobody")
	require.EqualValues(t, 0, k.Value(life), "there is no budget")

	k.exec(`UPDATE verification_token SET max_budget_nano = 1000`)
	k.open(3, store.KindKey, "fresh")
	var wg sync.WaitGroup
	for range 4 { // the request, and the relays of several control planes
		wg.Go(func() {
			_ = k.opener.Open(context.Background(), store.Change{ID: 4, Kind: store.KindKey, ObjectID: "k"})
		})
	}
	wg.Wait()
	require.EqualValues(t, 70, k.Value(life))

	replica := k.Join("one")
	replica.Lease(life, 100)
	k.exec(`UPDATE verification_token SET spend_nano = 0 WHERE token = 'k'`)
	k.open(5, store.KindKey, "k")
	k.open(5, store.KindKey, "k")
	require.EqualValues(t, 100, k.Value(life), "what is leased stays leased")

	k.exec(`UPDATE verification_token SET spend_nano = 30, budget_duration = '12mo' WHERE token = 'k'`)
	k.open(6, store.KindKey, "k")
	require.EqualValues(t, 30, k.Value(k.period("usd.12mo.api_key.k", "12mo")), "taken along into the new period")
	k.exec(`UPDATE verification_token SET budget_reset_at = '2020-01-01' WHERE token = 'k'`)
	k.open(7, store.KindKey, "k")
	require.EqualValues(t, 0, k.Value(k.period("usd.12mo.api_key.k", "12mo")), "that period is over")
}

func TestOpener_knows_all_who_have_budgets(t *testing.T) {
	t.Parallel()
	k := newKit(t,
		`INSERT INTO budget_table (budget_id, max_budget_nano, created_by, updated_by) VALUES ('b', 500, '', '')`,
		`INSERT INTO verification_token (token, spend_nano, budget_id) VALUES ('k', 1, 'b')`,
		`INSERT INTO team_table (team_id, spend_nano, max_budget_nano, metadata) VALUES ('t', 2, 9, '{"team_member_budget_id":"b"}')`,
		`INSERT INTO user_table (user_id, spend_nano, budget_limits) VALUES ('u', 3, '[{"budget_duration":"12mo","max_budget":1}]')`,
		`INSERT INTO team_membership (team_id, user_id, spend_nano) VALUES ('t', 'u', 4)`,
		`INSERT INTO organization_table (organization_id, organization_alias, spend_nano, budget_id, created_by, updated_by) VALUES ('o', 'O', 5, 'b', '', '')`,
		`INSERT INTO end_user_table (user_id, spend_nano, budget_id) VALUES ('c', 6, 'b')`,
		`INSERT INTO tag_table (tag_name, spend_nano, budget_id) VALUES ('g', 7, 'b')`,
	)
	for kind, id := range map[store.Kind]string{
		store.KindKey: "k", store.KindTeam: "t", store.KindUser: "u", store.KindMember: store.MemberID("t", "u"), store.KindOrg: "o",
		store.KindCustomer: "c", store.KindTag: "g", store.KindModel: "m", store.KindBudget: "b",
	} {
		k.open(1, kind, id)
	}
	k.open(2, store.KindCustomer, "deleted")
	for key, want := range map[string]int64{
		"usd.life.api_key.k": 1, "usd.life.team.dA": 2, "usd.life.team_member.dA.dQ": 4, "usd.life.organization.bw": 5, "usd.life.end_user.Yw": 6, "usd.life.tag.Zw": 7,
	} {
		require.Equal(t, want, k.Value(pool.OfBudget(key, 0)), key)
	}
	require.EqualValues(t, 0, k.Value(k.period("usd.12mo.user.dQ", "12mo")), "a further budget counts from when there is one")
	var customers int
	require.NoError(t, k.st.DB().QueryRow(t.Context(), "SELECT count(*) FROM end_user_table").Scan(&customers))
	require.Equal(t, 1, customers, "it is not made again")
}

// NATS has lost everything: all that is booked is counted again, and nothing
// that is not.
func TestSeed_raises_counters_that_were_lost(t *testing.T) {
	t.Parallel()
	k := newKit(t, `INSERT INTO budget_spend (counter, period_start, period_end, opening_nano, spend_nano)
		SELECT 'usd.life.api_key.k' || i, 'epoch', NULL, i, 1 FROM generate_series(1, 2500) i`,
		`INSERT INTO budget_spend (counter, period_start, period_end, spend_nano) VALUES ('usd.1d.api_key.past', '2020-01-01', '2020-01-02', 5), ('usd.life.api_key.less', 'epoch', NULL, -5)`)
	require.NoError(t, k.Pool.Add(t.Context(), pool.OfBudget("usd.life.api_key.k7", 0), 100, ""))
	require.NoError(t, k.opener.Seed(t.Context()))
	require.NoError(t, k.opener.Seed(t.Context()))
	for i, want := range map[int]int64{1: 2, 7: 100, 1000: 1001, 1001: 1002, 2500: 2501} {
		require.Equal(t, want, k.Value(pool.OfBudget(fmt.Sprintf("usd.life.api_key.k%d", i), 0)))
	}
	k.wipe()
	require.NoError(t, k.opener.Seed(t.Context()))
	require.EqualValues(t, 8, k.Value(pool.OfBudget("usd.life.api_key.k7", 0)))
	stream, err := k.JS.Stream(t.Context(), k.Names.LimitStream("b"))
	require.NoError(t, err)
	require.EqualValues(t, 2500, stream.CachedInfo().State.Msgs)
}

// A key with another hash has spent what it had spent, of all its budgets.
func TestRenameKey_takes_all_budgets_along(t *testing.T) {
	t.Parallel()
	k := newKit(t,
		`INSERT INTO verification_token (token, spend_nano, max_budget_nano, budget_limits, model_max_budget) VALUES
			('b', 7, 100, '[{"budget_duration":"12mo","max_budget":1}]', '{"x":{"budget_limit":1},"y":{"rpm_limit":1}}')`,
		`INSERT INTO budget_spend (counter, period_start, period_end, opening_nano, spend_nano) VALUES
			('usd.12mo.api_key.a', '2020-01-01', '2021-01-01', 0, 1), ('usd.12mo.api_key.a', date_trunc('year', now()), now() + interval '1 day', 2, 3),
			('usd.life.model_per_key.a.eA', 'epoch', NULL, 0, 4), ('usd.life.api_key.a', 'epoch', NULL, 3, 4)`)
	row, err := k.st.KeyByToken(t.Context(), k.st.DB(), "b")
	require.NoError(t, err)
	for change := range int64(2) {
		require.NoError(t, budget.RenameKey(t.Context(), k.st, k.st.DB(), &row, "a"))
		k.open(change+1, store.KindKey, "b")
		for c, want := range map[pool.Counter]int64{
			k.period("usd.12mo.api_key.b", "12mo"): 5, pool.OfBudget("usd.life.model_per_key.b.eA", 0): 4, pool.OfBudget("usd.life.api_key.b", 0): 7,
		} {
			require.Equal(t, want, k.Value(c), c.Key)
		}
	}
}

// A team whose period has ended gets another: what it spent is of the past.
func TestRollTeam_begins_the_present_period(t *testing.T) {
	t.Parallel()
	k := newKit(t, `INSERT INTO team_table (team_id, spend_nano, budget_duration, budget_reset_at) VALUES ('t', 7, '12mo', '2020-01-01')`)
	row, err := k.st.TeamByID(t.Context(), k.st.DB(), "t")
	require.NoError(t, err)
	require.NoError(t, budget.RollTeam(t.Context(), k.st, k.st.DB(), &row, time.Now()))
	stored, err := k.st.TeamByID(t.Context(), k.st.DB(), "t")
	require.NoError(t, err)
	require.Zero(t, stored.SpendNano)
	require.True(t, stored.BudgetResetAt.Equal(*row.BudgetResetAt) && stored.BudgetResetAt.After(time.Now()))
}
