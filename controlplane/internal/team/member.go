package team

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// MemberLimits are the limits of a member in requests.
type MemberLimits struct {
	limit.Fields

	MaxBudgetInTeam field.Of[json.RawMessage] `json:"max_budget_in_team"`
	BudgetID        field.Of[string]          `json:"budget_id"`
}

// AddRequest is the body of /team/member_add.
type AddRequest struct {
	MemberLimits

	TeamID string             `json:"team_id"`
	Member field.List[Member] `json:"member"`
}

// Added is the reply of /team/member_add.
type Added struct {
	View

	Users       []person.View `json:"updated_users"`
	Memberships []Membership  `json:"updated_team_memberships"`
}

func (m Member) name() person.Name { return person.Name{UserID: m.UserID, UserEmail: m.UserEmail} }

func (m Member) check() error {
	if m.Role != "admin" && m.Role != "user" {
		return apierr.Invalid("enum", "role", "Input should be 'admin' or 'user'")
	}
	return m.name().Check()
}

func (r *AddRequest) check() error {
	if err := bounds.CheckID("team_id", r.TeamID); err != nil {
		return err
	}
	if len(r.Member.Items) == 0 {
		return apierr.Invalid("missing", "member", "Field required")
	}
	if err := bounds.CheckLen("member", len(r.Member.Items)); err != nil {
		return err
	}
	for _, m := range r.Member.Items {
		if err := m.check(); err != nil {
			return err
		}
	}
	return nil
}

// AddMembers lets users join a team, and makes those that are not known. Those
// who are in it already are passed over, unless nobody else is named.
func (s *Service) AddMembers(ctx context.Context, who caller.Caller, r *AddRequest) (Added, error) {
	if err := r.check(); err != nil {
		return Added{}, err
	}
	var out Added
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		out = Added{Users: []person.View{}, Memberships: []Membership{}}
		row, err := s.store.TeamForUpdate(ctx, tx, r.TeamID)
		if errors.Is(err, store.ErrNotFound) {
			return apierr.Detail(http.StatusNotFound, "Team not found for team_id=%s", r.TeamID)
		}
		if err != nil {
			return fmt.Errorf("read team: %w", err)
		}
		if err := s.mayAdd(who, &row, r); err != nil {
			return err
		}
		row, users, err := s.join(ctx, tx, who, row, r.Member.Items, &r.MemberLimits)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			return alreadyIn(r.Member.Items[0])
		}
		out.View = Show(row)
		byTeam, _, err := s.memberships(ctx, tx, row)
		if err != nil {
			return err
		}
		for _, u := range users {
			out.Users = append(out.Users, person.Show(u))
		}
		for _, m := range byTeam[row.TeamID] {
			if slices.ContainsFunc(users, func(u db.UserTable) bool { return u.UserID == m.UserID }) {
				out.Memberships = append(out.Memberships, m)
			}
		}
		return nil
	})
	return out, err
}

func alreadyIn(m Member) error {
	param, name := "user_id", m.UserID
	if name == nil {
		param, name = "user_email", m.UserEmail
	}
	return &apierr.Error{
		Status: http.StatusBadRequest, Type: "team_member_already_in_team", Param: param,
		Message: fmt.Sprintf("User with %s=%s already in team", param, *name),
	}
}

// join adds members to a team whose row is locked, and returns who is new.
func (s *Service) join(
	ctx context.Context, tx *store.Tx, who caller.Caller, row db.TeamTable, wanted []Member, limits *MemberLimits,
) (db.TeamTable, []db.UserTable, error) {
	members := listed(row.MembersWithRoles)
	var joined []db.UserTable
	for _, m := range wanted {
		u, err := person.Find(ctx, s.store, tx, m.name())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return row, nil, fmt.Errorf("read user: %w", err)
		}
		if err == nil && at(members, u) >= 0 {
			continue
		}
		if u, err = person.Enroll(ctx, s.store, tx, who.Actor(), m.name(), "internal_user"); err != nil {
			return row, nil, err
		}
		members = append(members, Member{UserID: &u.UserID, UserEmail: u.UserEmail, Role: m.Role})
		if u.Teams, err = s.enter(ctx, tx, who, &row, u, m.Role, limits); err != nil {
			return row, nil, err
		}
		joined = append(joined, u)
	}
	if len(joined) == 0 {
		return row, nil, nil
	}
	row, err := s.setMembers(ctx, tx, who, row, members)
	return row, joined, err
}

// enter makes one user a member, with a budget where limits say so, and
// returns the teams that the user is in.
func (s *Service) enter(
	ctx context.Context, tx *store.Tx, who caller.Caller, row *db.TeamTable, u db.UserTable, role string, limits *MemberLimits,
) ([]string, error) {
	if _, err := s.store.UserAddTeam(ctx, tx, db.UserAddTeamParams{UserID: u.UserID, TeamID: row.TeamID}); err != nil {
		return nil, fmt.Errorf("write user: %w", err)
	}
	id := store.MemberID(row.TeamID, u.UserID)
	budget, err := s.assign(ctx, tx, who, id, nil, limits)
	if err != nil {
		return nil, err
	}
	if _, err := s.store.MemberEnsure(ctx, tx, db.MemberEnsureParams{TeamID: row.TeamID, UserID: u.UserID, BudgetID: budget}); err != nil {
		return nil, fmt.Errorf("write member: %w", err)
	}
	is, err := s.membership(ctx, tx, row, u.UserID)
	if err != nil {
		return nil, err
	}
	if err := auditMember(ctx, tx, who, nil, &traced{*is, role}); err != nil {
		return nil, err
	}
	if !slices.Contains(u.Teams, row.TeamID) {
		u.Teams = append(u.Teams, row.TeamID)
	}
	return u.Teams, tx.Changed(ctx, store.KindMember, id)
}

func (s *Service) assign(ctx context.Context, tx *store.Tx, who caller.Caller, id string, current *string, limits *MemberLimits) (*string, error) {
	fields, names := limits.Fields, map[string]string{}
	if limits.MaxBudgetInTeam.Sent {
		fields.MaxBudget, names["max_budget"] = limits.MaxBudgetInTeam, "max_budget_in_team"
	}
	budget, err := tier.Assign(ctx, s.store, tx, tier.Assignment{
		Owner: tier.Owner(store.KindMember, id), Current: current, BudgetID: limits.BudgetID, Fields: &fields, By: *who.ID(),
	})
	return budget, tier.Renamed(err, names)
}

// setMembers stores and audits who is in a team.
func (s *Service) setMembers(ctx context.Context, tx *store.Tx, who caller.Caller, row db.TeamTable, members []Member) (db.TeamTable, error) {
	b, err := json.Marshal(members)
	if err != nil {
		return row, fmt.Errorf("encode members: %w", err)
	}
	before := Show(row)
	row, err = s.store.TeamSetMembers(ctx, tx, db.TeamSetMembersParams{TeamID: row.TeamID, MembersWithRoles: b})
	if err != nil {
		return row, fmt.Errorf("write team: %w", err)
	}
	return row, tx.AuditedChange(ctx, entry(who, audit.Updated, row.TeamID, before, Show(row)))
}

// at finds a user among members, or returns -1. Lists that come from LiteLLM
// may name some by their address alone.
func at(members []Member, u db.UserTable) int {
	return slices.IndexFunc(members, func(m Member) bool {
		if m.UserID != nil {
			return *m.UserID == u.UserID
		}
		return m.UserEmail != nil && u.UserEmail != nil && *m.UserEmail == *u.UserEmail
	})
}
