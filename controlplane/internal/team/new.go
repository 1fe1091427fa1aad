package team

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// New makes a team and the users among its members that do not exist yet.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (View, error) {
	s.rules.fill(r)
	wanted, members, err := s.row(r, time.Now())
	if err != nil {
		return View{}, err
	}
	if members, err = r.mayNew(who, members); err != nil {
		return View{}, err
	}
	var row db.TeamTable
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err = s.create(ctx, tx, who, r, wanted, members)
		return err
	})
	return Show(row), err
}

func (s *Service) create(ctx context.Context, tx *store.Tx, who caller.Caller, r *Request, row db.TeamTable, members []Member) (db.TeamTable, error) {
	if !who.May().Admin() {
		if err := s.withinCreator(ctx, tx, who.UserID, &row); err != nil {
			return row, err
		}
	}
	if err := s.fits(ctx, tx, &change{&db.TeamTable{}, &row, r}); err != nil {
		return row, err
	}
	row, err := s.store.TeamInsert(ctx, tx, insertParams(row))
	if _, taken := store.Duplicate(err); taken {
		return row, apierr.BadRequest("Team id = %s already exists. Please use a different team id.", r.TeamID.Value)
	}
	if err != nil {
		return row, fmt.Errorf("write team: %w", err)
	}
	if row, err = s.setGroups(ctx, tx, r, row); err != nil {
		return row, err
	}
	if row, err = s.setDefaults(ctx, tx, who, row, &r.MemberDefaults); err != nil {
		return row, err
	}
	if err := tx.Audited(ctx, entry(who, audit.Created, row.TeamID, nil, Show(row))); err != nil {
		return row, err
	}
	if row, _, err = s.join(ctx, tx, who, row, members, &MemberLimits{}); err != nil {
		return row, err
	}
	return row, tx.Changed(ctx, store.KindTeam, row.TeamID)
}

// row is the team that a request asks for, without its members.
func (s *Service) row(r *Request, now time.Time) (db.TeamTable, []Member, error) {
	t := db.TeamTable{
		TeamID: r.TeamID.Or(""), TeamMemberPermissions: r.TeamMemberPermissions.Or([]string{}),
		MembersWithRoles: json.RawMessage("[]"), Metadata: json.RawMessage("{}"), ModelAliases: json.RawMessage("{}"), Models: []string{},
	}
	if t.TeamID == "" {
		t.TeamID = uuid.NewString()
	}
	if err := bounds.CheckID("team_id", t.TeamID); err != nil {
		return t, nil, err
	}
	if t.TeamID == session.TeamID {
		return t, nil, apierr.BadRequest("Team id = %s is that of the dashboard's sessions. Please use a different team id.", t.TeamID)
	}
	if err := bounds.CheckNames("team_member_permissions", t.TeamMemberPermissions); err != nil {
		return t, nil, err
	}
	members := r.MembersWithRoles.Or([]Member{})
	if err := bounds.CheckLen("members_with_roles", len(members)); err != nil {
		return t, nil, err
	}
	for _, m := range members {
		if m.UserID == nil && m.UserEmail == nil || m.Role != "admin" && m.Role != "user" {
			return t, nil, apierr.Invalid("value_error", "members_with_roles", "a member needs user_id or user_email, and role admin or user")
		}
		if err := m.name().Check(); err != nil {
			return t, nil, err
		}
	}
	return t, members, s.change(r, &t, now)
}

func insertParams(t db.TeamTable) db.TeamInsertParams {
	return db.TeamInsertParams{
		TeamID: t.TeamID, TeamAlias: t.TeamAlias, OrganizationID: t.OrganizationID, MembersWithRoles: t.MembersWithRoles,
		TeamMemberPermissions: t.TeamMemberPermissions, Metadata: t.Metadata, Models: t.Models, ModelAliases: t.ModelAliases,
		Blocked: t.Blocked, MaxBudgetNano: t.MaxBudgetNano, BudgetDuration: t.BudgetDuration, BudgetResetAt: t.BudgetResetAt,
		MaxParallelRequests: t.MaxParallelRequests, TpmLimit: t.TpmLimit, RpmLimit: t.RpmLimit,
		TphLimit: t.TphLimit, RphLimit: t.RphLimit, TpdLimit: t.TpdLimit, RpdLimit: t.RpdLimit, SoftBudgetNano: t.SoftBudgetNano,
		BudgetLimits: t.BudgetLimits, ModelMaxBudget: t.ModelMaxBudget,
	}
}
