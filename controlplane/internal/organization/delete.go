package organization

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Delete removes organisations with their teams and keys; all of them or none.
func (s *Service) Delete(ctx context.Context, who caller.Caller, orgs []string) ([]Row, error) {
	if err := bounds.CheckIDs("organization_ids", orgs); err != nil {
		return nil, err
	}
	var out []Row
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		out = []Row{}
		rows, err := s.store.OrgsLock(ctx, tx, orgs)
		if err != nil {
			return fmt.Errorf("read organizations: %w", err)
		}
		found := map[string]bool{}
		var budgetIDs []string
		for _, o := range rows {
			found[o.OrganizationID] = true
			budgetIDs = append(budgetIDs, ids(o.BudgetID)...)
		}
		for _, id := range orgs {
			if !found[id] {
				return apierr.Detail(http.StatusNotFound, "Organization not found for organization_id=%s", id)
			}
		}
		budgets, err := tier.Resolve(ctx, s.store, tx, budgetIDs)
		if err != nil {
			return err
		}
		for _, o := range rows {
			gone := show(o, budgets)
			if err := tx.Audited(ctx, entry(who, audit.Deleted, o.OrganizationID, gone, audit.Nothing{})); err != nil {
				return err
			}
			out = append(out, gone)
		}
		return s.remove(ctx, tx, who, orgs)
	})
	return out, err
}

func (s *Service) remove(ctx context.Context, tx *store.Tx, who caller.Caller, orgs []string) error {
	keys, err := s.store.OrgsKeysLock(ctx, tx, orgs)
	if err != nil {
		return fmt.Errorf("read keys of organizations: %w", err)
	}
	if err := team.DeleteKeys(ctx, s.store, tx, who, keys); err != nil {
		return err
	}
	if err := s.removeTeams(ctx, tx, who, orgs); err != nil {
		return err
	}
	members, err := s.store.OrgsMembersDelete(ctx, tx, orgs)
	if err != nil {
		return fmt.Errorf("delete members of organizations: %w", err)
	}
	owners := make([]string, len(members))
	for i, m := range members {
		owners[i] = store.MemberID(m.OrganizationID, m.UserID)
		gone, err := s.trace(ctx, tx, m)
		if err != nil {
			return err
		}
		if err := auditMember(ctx, tx, who, gone, nil); err != nil {
			return err
		}
	}
	if err := tier.Drop(ctx, s.store, tx, kindMember, owners); err != nil {
		return err
	}
	if err := s.store.OrgsDelete(ctx, tx, orgs); err != nil {
		return fmt.Errorf("delete organizations: %w", err)
	}
	if err := tier.Drop(ctx, s.store, tx, store.KindOrg, orgs); err != nil {
		return err
	}
	return tx.ChangedAll(ctx, store.KindOrg, orgs)
}

func (s *Service) removeTeams(ctx context.Context, tx *store.Tx, who caller.Caller, orgs []string) error {
	teams, err := s.store.OrgsTeamsLock(ctx, tx, orgs)
	if err != nil {
		return fmt.Errorf("read teams of organizations: %w", err)
	}
	return team.Remove(ctx, s.store, tx, who, teams)
}
