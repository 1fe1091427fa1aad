package team

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
	return &audit.Entry{Actor: who.Actor(), Action: action, Table: audit.Teams, ObjectID: id, Before: before, After: after}
}

// changed audits and publishes a team that is written.
func changed(ctx context.Context, tx *store.Tx, who caller.Caller, before, after *db.TeamTable) error {
	if err := tx.AuditedChange(ctx, entry(who, audit.Updated, after.TeamID, Show(*before), Show(*after))); err != nil {
		return err
	}
	return tx.Changed(ctx, store.KindTeam, after.TeamID)
}

// traced is a member in the audit trail, and in a reply that is about one.
type traced struct {
	Membership

	Role string `json:"role,omitempty"`
}

// membership reads one member with the budget that counts, nil when the user is
// not one.
func (s *Service) membership(ctx context.Context, conn db.DBTX, team *db.TeamTable, userID string) (*Membership, error) {
	row, err := s.store.MemberRead(ctx, conn, db.MemberReadParams{TeamID: team.TeamID, UserID: userID})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, fmt.Errorf("read member: %w", err)
	}
	teams := defaultBudget(*team)
	var ids []string
	for _, id := range []*string{row.BudgetID, teams} {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	budgets, err := tier.Resolve(ctx, s.store, conn, ids)
	if err != nil {
		return nil, err
	}
	return new(showMembership(row, budgets, teams)), nil
}

// auditMember writes the entry of a change of one member; before and after are
// nil for one who joins and one who leaves.
func auditMember(ctx context.Context, tx *store.Tx, who caller.Caller, before, after *traced) error {
	e := &audit.Entry{Actor: who.Actor(), Table: audit.Memberships}
	switch {
	case before == nil:
		e.Action, e.After = audit.Created, after
		e.ObjectID = store.MemberID(after.TeamID, after.UserID)
		return tx.Audited(ctx, e)
	case after == nil:
		e.Action, e.Before, e.After = audit.Deleted, before, audit.Nothing{}
		e.ObjectID = store.MemberID(before.TeamID, before.UserID)
		return tx.Audited(ctx, e)
	}
	e.Action, e.Before, e.After = audit.Updated, before, after
	e.ObjectID = store.MemberID(after.TeamID, after.UserID)
	return tx.AuditedChange(ctx, e)
}
