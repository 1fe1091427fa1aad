package user

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// joining is a team whose row is locked, and how somebody is to join it.
type joining struct {
	row  db.TeamTable
	team Team
}

func (s *Service) lockOrgs(ctx context.Context, tx *store.Tx, orgs []string) error {
	for _, id := range orgs {
		_, err := s.store.OrgForUpdate(ctx, tx, id)
		if errors.Is(err, store.ErrNotFound) {
			return apierr.Detail(http.StatusBadRequest, "Organization not found for organization_id=%s", id)
		}
		if err != nil {
			return fmt.Errorf("read organization: %w", err)
		}
	}
	return nil
}

// lockTeams locks teams before there is a user: whoever adds members to a team
// locks it first, too.
func (s *Service) lockTeams(ctx context.Context, tx *store.Tx, who caller.Caller, teams []Team) ([]joining, error) {
	teams = slices.Clone(teams)
	slices.SortStableFunc(teams, func(a, b Team) int { return cmp.Compare(a.ID, b.ID) })
	teams = slices.CompactFunc(teams, func(a, b Team) bool { return a.ID == b.ID })
	var all []joining
	for _, t := range teams {
		row, err := s.store.TeamForUpdate(ctx, tx, t.ID)
		switch {
		case errors.Is(err, store.ErrNotFound) && t.given:
			continue
		case errors.Is(err, store.ErrNotFound):
			return nil, apierr.Detail(http.StatusNotFound, "Team not found for team_id=%s", t.ID)
		case err != nil:
			return nil, fmt.Errorf("read team: %w", err)
		}
		if !t.given {
			if err := who.May().ManageTeam(who.In(&row), routeNew); err != nil {
				return nil, err
			}
		}
		all = append(all, joining{row, t})
	}
	return all, nil
}

// joinOrgs makes a new user a member of organisations.
func (s *Service) joinOrgs(ctx context.Context, tx *store.Tx, u *db.UserTable, orgs []string) error {
	role := string(policy.InternalUser)
	if u.UserRole != nil && *u.UserRole == string(policy.InternalUserViewer) {
		role = *u.UserRole
	}
	for _, id := range orgs {
		if _, err := s.store.OrgMemberInsert(ctx, tx, db.OrgMemberInsertParams{OrganizationID: id, UserID: u.UserID, UserRole: &role}); err != nil {
			return fmt.Errorf("write member of organization: %w", err)
		}
	}
	return nil
}

// joinTeams makes a new user, who has the teams in their row, a member of them.
func (s *Service) joinTeams(ctx context.Context, tx *store.Tx, who caller.Caller, u *db.UserTable, teams []joining) error {
	for i := range teams {
		t := &teams[i]
		members := append(membersOf(&t.row), team.Member{UserID: &u.UserID, UserEmail: u.UserEmail, Role: t.team.Role})
		if err := s.setMembers(ctx, tx, who, &t.row, members); err != nil {
			return err
		}
		id := store.MemberID(t.row.TeamID, u.UserID)
		budget, err := tier.Assign(ctx, s.store, tx, tier.Assignment{
			Owner: tier.Owner(store.KindMember, id), Fields: &limit.Fields{MaxBudget: t.team.MaxBudget}, By: by(who),
		})
		if err != nil {
			return tier.Renamed(err, map[string]string{"max_budget": "max_budget_in_team"})
		}
		if _, err := s.store.MemberEnsure(ctx, tx, db.MemberEnsureParams{TeamID: t.row.TeamID, UserID: u.UserID, BudgetID: budget}); err != nil {
			return fmt.Errorf("write member: %w", err)
		}
		if err := tx.Changed(ctx, store.KindMember, id); err != nil {
			return err
		}
	}
	return nil
}

// setMembers stores who is in a team.
func (s *Service) setMembers(ctx context.Context, tx *store.Tx, who caller.Caller, row *db.TeamTable, members []team.Member) error {
	b, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("encode members: %w", err)
	}
	changed, err := s.store.TeamSetMembers(ctx, tx, db.TeamSetMembersParams{TeamID: row.TeamID, MembersWithRoles: b})
	if err != nil {
		return fmt.Errorf("write team: %w", err)
	}
	e := &audit.Entry{
		Actor: who.Actor(), Action: audit.Updated, Table: audit.Teams, ObjectID: row.TeamID, Before: team.Show(*row), After: team.Show(changed),
	}
	*row = changed
	return tx.AuditedChange(ctx, e)
}

// membersOf reads members_with_roles. LiteLLM's default is an empty object.
func membersOf(row *db.TeamTable) []team.Member {
	var members []team.Member
	if json.Unmarshal(row.MembersWithRoles, &members) != nil || members == nil {
		return []team.Member{}
	}
	return members
}

// by is who makes a budget.
func by(who caller.Caller) string {
	if id := who.ID(); id != nil {
		return *id
	}
	return caller.AdminUserID
}
