package key

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/access"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// admit checks what a key is to be held to against what it shares with others.
func (s *Service) admit(ctx context.Context, tx *store.Tx, before, after *db.VerificationToken) error {
	if id := after.BudgetID; id != nil && (before.BudgetID == nil || *before.BudgetID != *id) {
		if err := tier.Use(ctx, s.store, tx, *id); err != nil {
			return err
		}
	}
	if id := after.OrganizationID; id != nil && !same(before.OrganizationID, id) {
		_, err := s.store.OrgByID(ctx, tx, *id)
		if errors.Is(err, store.ErrNotFound) {
			return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "Organization not found for organization_id=%s", *id)
		}
		if err != nil {
			return fmt.Errorf("read organization: %w", err)
		}
	}
	return s.guarantee(ctx, tx, before, after)
}

// fits refuses to move a key to a team that has less than the key, or in which
// its user is not.
func (s *Service) fits(ctx context.Context, tx *store.Tx, before, after *db.VerificationToken) error {
	if after.TeamID == nil || same(before.TeamID, after.TeamID) {
		return nil
	}
	team, err := s.store.TeamForUpdate(ctx, tx, *after.TeamID)
	if errors.Is(err, store.ErrNotFound) {
		return nil // a key may be of a team that is not known yet
	}
	if err != nil {
		return fmt.Errorf("lock team: %w", err)
	}
	for _, model := range after.Models {
		if !access.Model(team.Models, model) {
			return apierr.Forbidden("Key can not be moved to team=%s: the team may not use model=%.128s", team.TeamID, model)
		}
	}
	for _, l := range []struct {
		name      string
		key, team *int64
	}{{"tpm_limit", after.TpmLimit, team.TpmLimit}, {"rpm_limit", after.RpmLimit, team.RpmLimit}} {
		if l.key != nil && l.team != nil && *l.key > *l.team {
			return apierr.Forbidden("Key can not be moved to team=%s: its %s=%d is greater than the team's %s=%d", team.TeamID, l.name, *l.key, l.name, *l.team)
		}
	}
	if after.UserID != nil && !caller.Assigned(&team, *after.UserID) {
		return apierr.Forbidden("User=%s is not a member of the team=%s. Check team members via `/team/info`.", *after.UserID, team.TeamID)
	}
	return nil
}

// guarantee refuses a key that is promised more than its team still has. The
// team's row stays locked until the key is written, so that of two keys that
// are made at once the second sees the first.
func (s *Service) guarantee(ctx context.Context, tx *store.Tx, before, after *db.VerificationToken) error {
	if after.TeamID == nil {
		return nil
	}
	had, wants := contract.Limits{}, limit.OfKey(after).Limits()
	if before.TeamID != nil && *before.TeamID == *after.TeamID {
		had = limit.OfKey(before).Limits()
	}
	if !limit.Guarantees(&had, &wants) {
		return nil
	}
	team, err := s.store.TeamForUpdate(ctx, tx, *after.TeamID)
	if errors.Is(err, store.ErrNotFound) {
		return nil // a key may be of a team that is not known yet
	}
	if err != nil {
		return fmt.Errorf("lock team: %w", err)
	}
	rows, err := s.store.KeysGuaranteed(ctx, tx, db.KeysGuaranteedParams{TeamID: *after.TeamID, Token: after.Token})
	if err != nil {
		return fmt.Errorf("read keys of team: %w", err)
	}
	others := make([]contract.Limits, len(rows))
	for i := range rows {
		others[i] = limit.OfKey(&rows[i]).Limits()
	}
	most := limit.OfTeam(&team).Limits()
	return limit.CheckGuarantee(&most, others, &wants)
}

// withTiers shows the budgets that keys share.
func (s *Service) withTiers(ctx context.Context, conn db.DBTX, rows ...*Info) error {
	var ids []string
	for _, r := range rows {
		if r.BudgetID != nil {
			ids = append(ids, *r.BudgetID)
		}
	}
	budgets, err := tier.Resolve(ctx, s.store, conn, ids)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if b := tier.Shown(budgets, r.BudgetID); b != nil {
			r.BudgetTable = b
		}
	}
	return nil
}
