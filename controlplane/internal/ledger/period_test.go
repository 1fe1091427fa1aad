package ledger_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// A row's spend is of its present period: what ended before does not count, and
// the first call of a new period begins anew.
func TestLedger_begins_periods_anew(t *testing.T) {
	t.Parallel()
	b := newBook(t,
		// One has ended, one is for good, and one does not say.
		`INSERT INTO verification_token (token, spend_nano, max_budget_nano, budget_duration, budget_reset_at) VALUES
			('over', 70, 1000, '12mo', '2020-01-01'), ('life', 70, 1000, NULL, default), ('now', 70, 1000, '12mo', NULL)`,
		`INSERT INTO verification_token (token, spend_nano, budget_reset_at) VALUES ('tier', 70, '2020-01-01')`,
		`INSERT INTO budget_table (budget_id, max_budget_nano, budget_duration, created_by, updated_by) VALUES ('year', 500, '12mo', '', '')`,
		`UPDATE verification_token SET budget_id = 'year' WHERE token = 'tier'`,
		`INSERT INTO team_table (team_id, spend_nano, budget_duration, budget_reset_at) VALUES ('t', 70, '12mo', '2020-01-01')`,
		`INSERT INTO user_table (user_id, spend_nano) VALUES ('u', 70)`,
	)
	var old []contract.Usage
	for _, key := range []string{"over", "tier", "life", "now"} {
		old = append(old, contract.Usage{KeyHash: key, TeamID: "t", UserID: "u", CostNano: 5, EndMS: 1})
	}
	b.send(old...)
	spend := func(key string) int64 {
		return b.number("SELECT spend_nano FROM verification_token WHERE token = $1", key)
	}
	require.EqualValues(t, 0, spend("over"))
	require.EqualValues(t, 0, spend("tier"))
	require.EqualValues(t, 75, spend("life"))
	require.EqualValues(t, 70, spend("now"), "the period began after it")
	require.EqualValues(t, 0, b.number("SELECT spend_nano FROM team_table"))
	require.EqualValues(t, 90, b.number("SELECT spend_nano FROM user_table"))
	require.EqualValues(t, 4, b.number("SELECT count(*) FROM verification_token WHERE budget_reset_at IS NULL OR budget_reset_at > now()"))
	require.Equal(t, map[string]int64{"usd.life.api_key.life": 75}, b.booked())
	require.EqualValues(t, 3, b.number("SELECT count(*) FROM budget_spend WHERE period_end < now() AND spend_nano = 5"), "what is late is booked in its period")

	for range 2 {
		b.send(contract.Usage{KeyHash: "over", TeamID: "t", CostNano: 3}, contract.Usage{KeyHash: "tier", CostNano: 4}, contract.Usage{KeyHash: "now", CostNano: 2})
	}
	require.EqualValues(t, 6, spend("over"))
	require.EqualValues(t, 8, spend("tier"))
	require.EqualValues(t, 74, spend("now"))
	require.EqualValues(t, 6, b.number("SELECT spend_nano FROM team_table"))
	require.Equal(t, map[string]int64{
		"usd.life.api_key.life": 75, "usd.12mo.api_key.over": 6, "usd.12mo.api_key.tier": 8, "usd.12mo.api_key.now": 74,
	}, b.booked())
	noted := map[string]bool{}
	for len(b.noted) > 0 {
		c := <-b.noted
		noted[c.Key] = true
	}
	require.Contains(t, noted, "usd.12mo.api_key.over")
}

// Every budget that data planes count is booked: of all who spend, of models,
// of further windows, of tiers and of the configuration.
func TestLedger_books_all_budgets(t *testing.T) {
	t.Parallel()
	b := newBook(t,
		`INSERT INTO verification_token (token, budget_limits, model_max_budget) VALUES
			('k', '[{"budget_duration":"12mo","max_budget":1},{"budget_duration":"1000mo","max_budget":1}]',
			 '{"gpt":{"budget_limit":1,"time_period":"12mo"},"other":{"budget_limit":1}}')`,
		`INSERT INTO budget_table (budget_id, max_budget_nano, created_by, updated_by) VALUES ('b', 500, '', '')`,
		`INSERT INTO team_table (team_id, max_budget_nano, metadata) VALUES ('t', 1000, '{"team_member_budget_id":"b"}')`,
		`INSERT INTO user_table (user_id, max_budget_nano) VALUES ('u', 1000)`,
		`INSERT INTO team_membership (team_id, user_id) VALUES ('t', 'u')`,
		`INSERT INTO organization_table (organization_id, organization_alias, budget_id, created_by, updated_by) VALUES ('o', 'O', 'b', '', '')`,
		`INSERT INTO end_user_table (user_id, budget_id) VALUES ('c', 'b')`,
		`INSERT INTO tag_table (tag_name, budget_id) VALUES ('own', 'b'), ('none', NULL)`,
	)
	kv, err := b.js.KeyValue(t.Context(), b.names.ConfigBucket())
	require.NoError(t, err)
	put := func(key string, record any) {
		value, err := json.Marshal(record)
		require.NoError(t, err)
		_, err = kv.Put(t.Context(), key, value)
		require.NoError(t, err)
	}
	one := contract.Budget{MaxNano: 1000}
	put(contract.KeyLimitSettings, contract.LimitSettings{
		Proxy: contract.Limits{Budgets: []contract.Budget{one}}, Customers: &contract.Limits{Budgets: []contract.Budget{{MaxNano: 9, Duration: "12mo"}}},
		Providers: map[string]contract.Budget{"openai": one, "azure": one}, Tags: map[string]contract.Budget{"own": one, "none": one, "unmade": one},
	})
	put(contract.DeploymentKey("d"), contract.Deployment{ID: "d", ModelName: "gpt", Routing: contract.Routing{Budget: &one}})

	call := contract.Usage{
		KeyHash: "k", TeamID: "t", UserID: "u", OrgID: "o", EndUser: "c", Tags: []string{"own", "none", "unmade"}, ModelGroup: "fallback", LimitedAs: []string{"x", "openai/gpt"},
		Provider: "openai", DeploymentID: "d", CostNano: 10,
	}
	b.send(call, contract.Usage{EndUser: "stranger", CostNano: 1, Provider: "other"}, contract.Usage{KeyHash: "k", ModelGroup: "other", Provider: "openai"})
	require.Equal(t, map[string]int64{
		"usd.12mo.api_key.k": 10, "usd.1000mo.api_key.k": 10, "usd.12mo.model_per_key.k.Z3B0": 10,
		"usd.life.team.dA": 10, "usd.life.user.dQ": 10, "usd.life.team_member.dA.dQ": 10, "usd.life.organization.bw": 10,
		"usd.life.end_user.Yw": 10, "usd.12mo.end_user.c3RyYW5nZXI": 1,
		"usd.life.tag.b3du": 10, "usd.life.tag.bm9uZQ": 10, "usd.life.tag.dW5tYWRl": 10,
		"usd.life.proxy.all": 11, "usd.life.provider.b3BlbmFp": 10, "usd.life.deployment.ZA": 10,
	}, b.booked())

	put(contract.DeploymentKey("d2"), contract.Deployment{ID: "d2", ModelName: "gpt", Routing: contract.Routing{Budget: &one}})
	b.send(contract.Usage{DeploymentID: "d2", CostNano: 7})
	require.EqualValues(t, 7, b.booked()["usd.life.deployment.ZDI"], "the configuration is read again when it has changed")
}

// Who reaches a budget is told of once a period, however often and in whatever
// parts the calls come.
func TestLedger_announces_budgets_that_are_reached(t *testing.T) {
	t.Parallel()
	b := newBook(t,
		`INSERT INTO verification_token (token, key_name, max_budget_nano, soft_budget_nano, budget_duration, model_max_budget) VALUES
			('k', 'sk-...abcd', 1000, 500, '12mo', '{"gpt":{"budget_limit":0.000001}}'), ('zero', '', 0, 0, NULL, '{}')`,
		`INSERT INTO team_table (team_id, soft_budget_nano) VALUES ('t', 700)`,
		`INSERT INTO user_table (user_id) VALUES ('u')`, `INSERT INTO team_membership (team_id, user_id, budget_id) VALUES ('t', 'u', 'b')`,
		`INSERT INTO budget_table (budget_id, max_budget_nano, created_by, updated_by) VALUES ('b', 900, '', '')`,
	)
	type told struct {
		kind  contract.AlertKind
		scope string
		id    string
		model string
		spend int64
	}
	spend := func(nano int64) (all []told) {
		b.send(contract.Usage{KeyHash: "k", TeamID: "t", UserID: "u", ModelGroup: "gpt", CostNano: nano}, contract.Usage{KeyHash: "zero", CostNano: nano})
		for _, a := range b.alerts() {
			require.WithinDuration(t, time.Now(), a.At, time.Minute)
			all = append(all, told{a.Kind, a.Scope, a.ID, a.Model, a.SpendNano})
			if a.ID == "k" && a.Model == "" {
				require.Equal(t, []any{"12mo", "sk-...abcd"}, []any{a.Duration, a.Name})
				require.True(t, a.Resets.After(a.At) && a.Start.Before(a.At))
			}
		}
		return all
	}
	require.Empty(t, spend(499))
	require.ElementsMatch(t, []told{{contract.SoftBudgetCrossed, "api_key", "k", "", 500}}, spend(1))
	require.ElementsMatch(t, []told{
		{contract.SoftBudgetCrossed, "team", "t", "", 800},
		{contract.ThresholdCrossed, "team_member", "t:u", "", 800},
		{contract.ThresholdCrossed, "api_key", "k", "", 800},
		{contract.ThresholdCrossed, "model_per_key", "k", "gpt", 800},
	}, spend(300))
	require.ElementsMatch(t, []told{
		{contract.BudgetCrossed, "team_member", "t:u", "", 1100},
		{contract.BudgetCrossed, "api_key", "k", "", 1100},
		{contract.BudgetCrossed, "model_per_key", "k", "gpt", 1100},
	}, spend(300))
	require.Empty(t, spend(5000))
	b.exec("UPDATE verification_token SET budget_reset_at = '2020-01-01'")
	require.ElementsMatch(t, []told{
		{contract.SoftBudgetCrossed, "api_key", "k", "", 900}, {contract.ThresholdCrossed, "api_key", "k", "", 900},
	}, spend(900), "in the next period again")
}
