package team

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
)

// memberBudget is the member of a team's metadata that names the budget of
// members without one, as at LiteLLM.
const memberBudget = "team_member_budget_id"

// MemberDefaults are the members of a team's request that each of its members
// is held to, but for those with limits of their own.
type MemberDefaults struct {
	MemberBudget         field.Of[json.RawMessage] `json:"team_member_budget"`
	MemberBudgetDuration field.Of[json.RawMessage] `json:"team_member_budget_duration"`
	MemberRPM            field.Of[json.RawMessage] `json:"team_member_rpm_limit"`
	MemberTPM            field.Of[json.RawMessage] `json:"team_member_tpm_limit"`
}

// setDefaults stores what a request says about all members, in a budget that
// the team's metadata names.
func (s *Service) setDefaults(ctx context.Context, tx *store.Tx, who caller.Caller, row db.TeamTable, d *MemberDefaults) (db.TeamTable, error) {
	fields := limit.Fields{MaxBudget: d.MemberBudget, BudgetDuration: d.MemberBudgetDuration, RPM: d.MemberRPM, TPM: d.MemberTPM}
	if !fields.SetsLimits() {
		return row, nil
	}
	was := defaultBudget(row)
	id, err := tier.Assign(ctx, s.store, tx, tier.Assignment{
		Owner: tier.Owner(store.KindTeam, row.TeamID), Current: was, Fields: &fields, By: *who.ID(),
	})
	if err != nil {
		return row, tier.Renamed(err, map[string]string{
			"max_budget": "team_member_budget", "budget_duration": "team_member_budget_duration",
			"rpm_limit": "team_member_rpm_limit", "tpm_limit": "team_member_tpm_limit",
		})
	}
	if err := tx.Changed(ctx, store.KindBudget, *id); err != nil {
		return row, err
	}
	if was != nil && *was == *id {
		return row, nil
	}
	if row.Metadata, err = withMember(row.Metadata, memberBudget, *id); err != nil {
		return row, err
	}
	if row, err = s.store.TeamSetMetadata(ctx, tx, db.TeamSetMetadataParams{TeamID: row.TeamID, Metadata: row.Metadata}); err != nil {
		return row, fmt.Errorf("write team: %w", err)
	}
	return row, nil
}

// defaultBudget is the budget of members without one of their own.
func defaultBudget(row db.TeamTable) *string {
	var meta map[string]any
	if json.Unmarshal(row.Metadata, &meta) != nil {
		return nil
	}
	id, ok := meta[memberBudget].(string)
	if !ok || id == "" {
		return nil
	}
	return &id
}

func withMember(object json.RawMessage, name string, value any) (json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if json.Unmarshal(object, &all) != nil || all == nil {
		all = map[string]json.RawMessage{}
	}
	b, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	all[name] = b
	if b, err = json.Marshal(all); err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	return b, nil
}
