package team

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Membership is what a user spends and may spend in a team.
type Membership struct {
	UserID      string       `json:"user_id"`
	TeamID      string       `json:"team_id"`
	BudgetID    *string      `json:"budget_id"`
	Spend       float64      `json:"spend"`
	BudgetTable *tier.Budget `json:"litellm_budget_table"`
}

// memberships returns the members of teams by the team, and the budgets of
// members without one.
func (s *Service) memberships(ctx context.Context, conn db.DBTX, teams ...db.TeamTable) (map[string][]Membership, map[string]*tier.Budget, error) {
	ids := make([]string, len(teams))
	defaults := map[string]*string{}
	for i, t := range teams {
		ids[i], defaults[t.TeamID] = t.TeamID, defaultBudget(t)
	}
	rows, err := s.store.MembersByTeams(ctx, conn, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("read members: %w", err)
	}
	var budgetIDs []string
	for _, id := range defaults {
		if id != nil {
			budgetIDs = append(budgetIDs, *id)
		}
	}
	for _, m := range rows {
		if m.BudgetID != nil {
			budgetIDs = append(budgetIDs, *m.BudgetID)
		}
	}
	budgets, err := tier.Resolve(ctx, s.store, conn, budgetIDs)
	if err != nil {
		return nil, nil, err
	}
	byTeam, shown := map[string][]Membership{}, map[string]*tier.Budget{}
	for _, t := range teams {
		byTeam[t.TeamID], shown[t.TeamID] = []Membership{}, tier.Shown(budgets, defaults[t.TeamID])
	}
	for _, m := range rows {
		byTeam[m.TeamID] = append(byTeam[m.TeamID], showMembership(m, budgets, defaults[m.TeamID]))
	}
	return byTeam, shown, nil
}

// showMembership shows the budget that counts: the member's own, what it does
// not say from the team's.
func showMembership(m db.TeamMembership, budgets map[string]db.BudgetTable, teamDefault *string) Membership {
	v := Membership{UserID: m.UserID, TeamID: m.TeamID, BudgetID: m.BudgetID, Spend: money.Nano(budget.Current(m.SpendNano, m.BudgetResetAt, time.Now())).USD()}
	if v.BudgetID == nil {
		v.BudgetID = teamDefault
	}
	v.BudgetTable = tier.Shown(budgets, v.BudgetID)
	if m.BudgetID != nil && teamDefault != nil {
		v.BudgetTable = tier.ShownTogether(budgets, *m.BudgetID, *teamDefault)
	}
	return v
}

// listed reads members_with_roles. LiteLLM's default is an empty object.
func listed(raw json.RawMessage) []Member {
	var members []Member
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return []Member{}
	}
	return members
}

// InfoView is a team as /team/info shows it.
type InfoView struct {
	View

	MemberBudget *tier.Budget `json:"team_member_budget_table,omitempty"`
}
