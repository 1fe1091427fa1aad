package team

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// ChangeRequest is the body of /team/member_update and /team/member_delete.
type ChangeRequest struct {
	MemberLimits
	person.Name

	TeamID string           `json:"team_id"`
	Role   field.Of[string] `json:"role"`
}

// ChangedMember is the reply of /team/member_update: what the member has of
// their own.
type ChangedMember struct {
	TeamID          string   `json:"team_id"`
	UserID          string   `json:"user_id"`
	UserEmail       *string  `json:"user_email"`
	MaxBudgetInTeam *float64 `json:"max_budget_in_team"`
	TPMLimit        *int64   `json:"tpm_limit"`
	RPMLimit        *int64   `json:"rpm_limit"`
}

// locked is a member whose team is locked.
type locked struct {
	team    db.TeamTable
	members []Member
	at      int
	user    db.UserTable
}

func (s *Service) lock(ctx context.Context, tx *store.Tx, who caller.Caller, r *ChangeRequest, path, missing string) (locked, error) {
	var l locked
	var err error
	if l.team, err = s.store.TeamForUpdate(ctx, tx, r.TeamID); errors.Is(err, store.ErrNotFound) {
		return l, apierr.Detail(http.StatusBadRequest, "Team id=%s does not exist in db", r.TeamID)
	}
	if err != nil {
		return l, fmt.Errorf("read team: %w", err)
	}
	if err := who.May().ManageTeam(who.In(&l.team), path); err != nil {
		return l, err
	}
	l.members = listed(l.team.MembersWithRoles)
	l.user, err = person.Find(ctx, s.store, tx, r.Name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return l, fmt.Errorf("read user: %w", err)
	}
	if err != nil { // of a list that names somebody whom the table of users does not have
		l.user = db.UserTable{UserEmail: r.UserEmail}
		if r.UserID != nil {
			l.user.UserID = *r.UserID
		}
	}
	if l.at = at(l.members, l.user); l.at < 0 {
		return l, apierr.Detail(http.StatusBadRequest, "%s", missing)
	}
	return l, nil
}

func (r *ChangeRequest) check() error {
	if r.TeamID == "" {
		return apierr.Invalid("missing", "team_id", "Field required")
	}
	if err := bounds.CheckID("team_id", r.TeamID); err != nil {
		return err
	}
	if role := r.Role.Or("user"); role != "admin" && role != "user" {
		return apierr.Invalid("enum", "role", "Input should be 'admin' or 'user'")
	}
	return r.Check()
}

// who names the member in a message.
func (r *ChangeRequest) who() string {
	if r.UserID != nil {
		return "user_id=" + *r.UserID
	}
	return "user_email=" + *r.UserEmail
}

// UpdateMember changes what was sent of a member's role and limits.
func (s *Service) UpdateMember(ctx context.Context, who caller.Caller, r *ChangeRequest) (ChangedMember, error) {
	if err := r.check(); err != nil {
		return ChangedMember{}, err
	}
	out := ChangedMember{TeamID: r.TeamID}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		l, err := s.lock(ctx, tx, who, r, "/team/member_update", "User id doesn't exist in team table. Data=team_id="+r.TeamID+" "+r.who())
		if err != nil {
			return err
		}
		before := traced{Role: l.members[l.at].Role}
		if role := r.Role.Ptr(); role != nil && *role != before.Role {
			l.members[l.at].Role = *role
			if l.team, err = s.setMembers(ctx, tx, who, l.team, l.members); err != nil {
				return err
			}
		}
		out.UserID, out.UserEmail = l.user.UserID, l.user.UserEmail
		return s.updateAudited(ctx, tx, who, &l, r, before, &out)
	})
	return out, err
}

// updateAudited changes what a member may spend, and writes what has become of
// them.
func (s *Service) updateAudited(
	ctx context.Context, tx *store.Tx, who caller.Caller, l *locked, r *ChangeRequest, before traced, out *ChangedMember,
) error {
	was, err := s.membership(ctx, tx, &l.team, out.UserID)
	if err != nil {
		return err
	}
	if err := s.updateLimits(ctx, tx, who, r, out); err != nil {
		return err
	}
	is, err := s.membership(ctx, tx, &l.team, out.UserID)
	if err != nil {
		return err
	}
	after := &traced{*is, l.members[l.at].Role}
	if was == nil { // of a list that came without rows of its members
		return auditMember(ctx, tx, who, nil, after)
	}
	before.Membership = *was
	return auditMember(ctx, tx, who, &before, after)
}

func (s *Service) updateLimits(ctx context.Context, tx *store.Tx, who caller.Caller, r *ChangeRequest, out *ChangedMember) error {
	row, err := s.store.MemberForUpdate(ctx, tx, db.MemberForUpdateParams{TeamID: out.TeamID, UserID: out.UserID})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read member: %w", err)
	}
	id := store.MemberID(out.TeamID, out.UserID)
	budget, err := s.assign(ctx, tx, who, id, row.BudgetID, &r.MemberLimits)
	if err != nil {
		return err
	}
	if _, err := s.store.MemberEnsure(ctx, tx, db.MemberEnsureParams{TeamID: out.TeamID, UserID: out.UserID, BudgetID: budget}); err != nil {
		return fmt.Errorf("write member: %w", err)
	}
	if budget != nil {
		all, err := tier.Resolve(ctx, s.store, tx, []string{*budget})
		if err != nil {
			return err
		}
		if b := tier.Shown(all, budget); b != nil {
			out.MaxBudgetInTeam, out.TPMLimit, out.RPMLimit = b.MaxBudget, b.TPMLimit, b.RPMLimit
		}
	}
	return tx.Changed(ctx, store.KindMember, id)
}

// DeleteMember lets a user leave, whose keys of the team end with it.
func (s *Service) DeleteMember(ctx context.Context, who caller.Caller, r *ChangeRequest) (View, error) {
	if err := r.check(); err != nil {
		return View{}, err
	}
	var row db.TeamTable
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		// Keys first: whoever changes a key locks its team after it.
		if err := s.deleteKeys(ctx, tx, who, r); err != nil {
			return err
		}
		l, err := s.lock(ctx, tx, who, r, "/team/member_delete", "User not found in team")
		if err != nil {
			return err
		}
		gone := l.members[l.at]
		if row, err = s.setMembers(ctx, tx, who, l.team, slices.Delete(l.members, l.at, l.at+1)); err != nil {
			return err
		}
		was, err := s.membership(ctx, tx, &row, l.user.UserID)
		if err != nil {
			return err
		}
		if was != nil {
			if err := auditMember(ctx, tx, who, &traced{*was, gone.Role}, nil); err != nil {
				return err
			}
		}
		return s.leave(ctx, tx, r.TeamID, l.user.UserID)
	})
	return Show(row), err
}

func (s *Service) leave(ctx context.Context, tx *store.Tx, teamID, userID string) error {
	if err := s.store.UsersLeaveTeams(ctx, tx, db.UsersLeaveTeamsParams{TeamIds: []string{teamID}, UserIds: []string{userID}}); err != nil {
		return fmt.Errorf("write user: %w", err)
	}
	if _, err := s.store.MemberDelete(ctx, tx, db.MemberDeleteParams{TeamID: teamID, UserID: userID}); err != nil {
		return fmt.Errorf("delete member: %w", err)
	}
	id := store.MemberID(teamID, userID)
	if err := tier.Drop(ctx, s.store, tx, store.KindMember, []string{id}); err != nil {
		return err
	}
	return tx.Changed(ctx, store.KindMember, id)
}

func (s *Service) deleteKeys(ctx context.Context, tx *store.Tx, who caller.Caller, r *ChangeRequest) error {
	u, err := person.Find(ctx, s.store, tx, r.Name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	keys, err := s.store.MemberKeysLock(ctx, tx, db.MemberKeysLockParams{TeamID: r.TeamID, UserID: u.UserID})
	if err != nil {
		return fmt.Errorf("read keys of member: %w", err)
	}
	return DeleteKeys(ctx, s.store, tx, who, keys)
}
