package litellm

import (
	"fmt"
	"strings"
	"time"
)

// slotColumns name a row of a Daily* table besides its owner. LiteLLM's endpoint
// stands where ours have the type of call: its paths are no types, so nothing
// that was moved falls into a row which the ledger adds to.
func slotColumns() []string {
	return []string{"date", "api_key", "model", "model_group", "custom_llm_provider", "call_type"}
}

// dailyTables are the sums a day. They are read anew each time: nobody else writes
// the rows that were moved.
func dailyTables() []*table {
	all := []*table{dailyModels()}
	for _, t := range []struct{ name, from, to, owner string }{
		{"days of users", "LiteLLM_DailyUserSpend", "daily_user_spend", "user_id"},
		{"days of teams", "LiteLLM_DailyTeamSpend", "daily_team_spend", "team_id"},
		{"days of tags", "LiteLLM_DailyTagSpend", "daily_tag_spend", "tag"},
		{"days of organizations", "LiteLLM_DailyOrganizationSpend", "daily_organization_spend", "organization_id"},
		{"days of customers", "LiteLLM_DailyEndUserSpend", "daily_customer_spend", "end_user_id"},
		{"days of agents", "LiteLLM_DailyAgentSpend", "daily_agent_spend", "agent_id"},
	} {
		all = append(all, daily(t.name, t.from, t.to, append([]string{t.owner}, slotColumns()...), t.owner))
	}
	return all
}

// dailyModels are all requests by what answered them, from the rows of users:
// each request is in one of those.
func dailyModels() *table {
	return daily("days of models", "LiteLLM_DailyUserSpend", "daily_model_spend", []string{"date", "model", "model_group", "custom_llm_provider", "call_type", "api_base"}, "")
}

func sumColumns() []string {
	return []string{"prompt_tokens", "completion_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "spend", "api_requests", "successful_requests", "failed_requests"}
}

// daily reads sums: LiteLLM has a row for each tool, and ours have none for that.
// An owner that is not empty must be known.
func daily(name, from, to string, key []string, owner string) *table {
	return &table{
		name: name, from: from, to: to, key: key, always: true, extra: append(sumColumns(), key...),
		query: func(s *source) string {
			var members, slots []string
			for i, c := range key {
				there := c
				if c == "call_type" {
					there = "endpoint"
				}
				members = append(members, fmt.Sprintf("'%s', q.k%d", c, i))
				slots = append(slots, fmt.Sprintf("coalesce(j->>'%s', '') AS k%d", there, i))
			}
			grouped := make([]string, len(key))
			for i := range key {
				grouped[i] = fmt.Sprintf("k%d", i)
			}
			for _, c := range sumColumns() {
				members = append(members, fmt.Sprintf("'%s', q.%s", c, c))
				slots = append(slots, fmt.Sprintf("sum(coalesce((j->>'%s')::numeric, 0)) AS %s", c, c))
			}
			query := "SELECT jsonb_build_object(" + strings.Join(members, ", ") + ") FROM (SELECT " + strings.Join(slots, ", ") +
				" FROM (SELECT to_jsonb(t) AS j FROM " + s.name(from) + " t) d"
			if owner != "" && owner != "user_id" {
				query += " WHERE coalesce(j->>'" + owner + "', '') <> ''"
			}
			return query + " GROUP BY " + strings.Join(grouped, ", ") + ") q ORDER BY " + strings.Join(grouped, ", ")
		},
		adapt: adaptDay(key),
	}
}

// adaptDay refuses what is no day. What a key says nothing of is empty, not null.
func adaptDay(key []string) func(*run, object, *item) error {
	return func(_ *run, row object, it *item) error {
		if _, err := time.Parse(time.DateOnly, text(row["date"])); err != nil {
			return skip("its date can not be read")
		}
		for _, c := range key {
			if it.rec[c] == nil {
				it.rec[c] = quote("")
			}
		}
		return nil
	}
}
