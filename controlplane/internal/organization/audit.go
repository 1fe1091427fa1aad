package organization

import (
	"context"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
)

func entry(who caller.Caller, action audit.Action, id string, before, after any) *audit.Entry {
	return &audit.Entry{Actor: who.Actor(), Action: action, Table: audit.Organizations, ObjectID: id, Before: before, After: after}
}

// trace is a member as the audit trail shows one.
func (s *Service) trace(ctx context.Context, conn db.DBTX, m db.OrganizationMembership) (*Member, error) {
	budgets, err := tier.Resolve(ctx, s.store, conn, ids(m.BudgetID))
	if err != nil {
		return nil, err
	}
	return new(showMember(m, budgets)), nil
}

// traced locks and traces a member, nil when the user is not one.
func (s *Service) traced(ctx context.Context, tx *store.Tx, org, user string) (*Member, error) {
	row, err := s.store.OrgMemberForUpdate(ctx, tx, db.OrgMemberForUpdateParams{OrganizationID: org, UserID: user})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, fmt.Errorf("read member of organization: %w", err)
	}
	return s.trace(ctx, tx, row)
}

// auditMember writes the entry of a change of one member; before and after are
// nil for one who joins and one who leaves.
func auditMember(ctx context.Context, tx *store.Tx, who caller.Caller, before, after *Member) error {
	e := &audit.Entry{Actor: who.Actor(), Table: audit.OrgMembers}
	switch {
	case before == nil:
		e.Action, e.After = audit.Created, after
		e.ObjectID = store.MemberID(after.OrganizationID, after.UserID)
		return tx.Audited(ctx, e)
	case after == nil:
		e.Action, e.Before, e.After = audit.Deleted, before, audit.Nothing{}
		e.ObjectID = store.MemberID(before.OrganizationID, before.UserID)
		return tx.Audited(ctx, e)
	}
	e.Action, e.Before, e.After = audit.Updated, before, after
	e.ObjectID = store.MemberID(after.OrganizationID, after.UserID)
	return tx.AuditedChange(ctx, e)
}
