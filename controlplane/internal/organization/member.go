package organization

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

const (
	roleAdmin = "org_admin"
	// kindMember is whose the budget of a member is. Members are not
	// published: their budgets are shown, and not enforced by LiteLLM either.
	kindMember store.Kind = "org_member"
)

// NewMember is somebody who is to be in an organisation.
type NewMember struct {
	person.Name

	Role string `json:"role"`
}

// AddRequest is the body of /organization/member_add.
type AddRequest struct {
	OrganizationID string                    `json:"organization_id"`
	Member         field.List[NewMember]     `json:"member"`
	MaxBudget      field.Of[json.RawMessage] `json:"max_budget_in_organization"`
}

// Added is the reply of /organization/member_add.
type Added struct {
	OrganizationID string        `json:"organization_id"`
	Users          []person.View `json:"updated_users"`
	Memberships    []Member      `json:"updated_organization_memberships"`
}

// ChangeRequest is the body of /organization/member_update and
// /organization/member_delete.
type ChangeRequest struct {
	person.Name

	OrganizationID string                    `json:"organization_id"`
	Role           field.Of[string]          `json:"role"`
	MaxBudget      field.Of[json.RawMessage] `json:"max_budget_in_organization"`
}

func checkRole(role string) error {
	if !slices.Contains([]string{roleAdmin, "internal_user", "internal_user_viewer"}, role) {
		return apierr.Invalid("enum", "role", "Input should be 'org_admin', 'internal_user' or 'internal_user_viewer'")
	}
	return nil
}

func (r *AddRequest) check() error {
	if r.OrganizationID == "" {
		return apierr.Invalid("missing", "organization_id", "Field required")
	}
	if len(r.Member.Items) == 0 {
		return apierr.Invalid("missing", "member", "Field required")
	}
	if err := bounds.CheckLen("member", len(r.Member.Items)); err != nil {
		return err
	}
	for _, m := range r.Member.Items {
		if err := m.Check(); err != nil {
			return err
		}
		if err := checkRole(m.Role); err != nil {
			return err
		}
	}
	return nil
}

// AddMembers lets users join, and makes those that are not known.
func (s *Service) AddMembers(ctx context.Context, who caller.Caller, r *AddRequest) (Added, error) {
	if err := who.May().ManageOrg(r.OrganizationID, "/organization/member_add"); err != nil {
		return Added{}, err
	}
	if err := r.check(); err != nil {
		return Added{}, err
	}
	var out Added
	var rows []db.OrganizationMembership
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		out, rows = Added{OrganizationID: r.OrganizationID, Users: []person.View{}}, nil
		if _, err := s.store.OrgForUpdate(ctx, tx, r.OrganizationID); err != nil {
			return lost(http.StatusNotFound, r.OrganizationID, err)
		}
		for _, m := range r.Member.Items {
			u, err := person.Enroll(ctx, s.store, tx, who.Actor(), m.Name, "internal_user")
			if err != nil {
				return err
			}
			row, err := s.join(ctx, tx, who, r, u.UserID, m.Role)
			if err != nil {
				return err
			}
			out.Users, rows = append(out.Users, person.Show(u)), append(rows, row)
		}
		return nil
	})
	if err != nil {
		return Added{}, err
	}
	out.Memberships, err = s.members(ctx, rows)
	return out, err
}

func (s *Service) join(ctx context.Context, tx *store.Tx, who caller.Caller, r *AddRequest, userID, role string) (db.OrganizationMembership, error) {
	before, err := s.traced(ctx, tx, r.OrganizationID, userID)
	if err != nil {
		return db.OrganizationMembership{}, err
	}
	budget, err := s.budget(ctx, tx, who, r.OrganizationID, userID, nil, r.MaxBudget)
	if err != nil {
		return db.OrganizationMembership{}, err
	}
	row, err := s.store.OrgMemberInsert(ctx, tx, db.OrgMemberInsertParams{
		OrganizationID: r.OrganizationID, UserID: userID, UserRole: &role, BudgetID: budget,
	})
	if err != nil {
		return row, fmt.Errorf("write member of organization: %w", err)
	}
	after, err := s.trace(ctx, tx, row)
	if err != nil {
		return row, err
	}
	return row, auditMember(ctx, tx, who, before, after)
}

func (s *Service) budget(
	ctx context.Context, tx *store.Tx, who caller.Caller, org, user string, current *string, most field.Of[json.RawMessage],
) (*string, error) {
	id, err := tier.Assign(ctx, s.store, tx, tier.Assignment{
		Owner: tier.Owner(kindMember, store.MemberID(org, user)), Current: current, Fields: &limit.Fields{MaxBudget: most}, By: *who.ID(),
	})
	return id, tier.Detail(err)
}

// UpdateMember changes what was sent of a member.
func (s *Service) UpdateMember(ctx context.Context, who caller.Caller, r *ChangeRequest) (Member, error) {
	if err := who.May().ManageOrg(r.OrganizationID, "/organization/member_update"); err != nil {
		return Member{}, err
	}
	if role := r.Role.Ptr(); role != nil {
		if err := checkRole(*role); err != nil {
			return Member{}, err
		}
	}
	return s.onMember(ctx, who, audit.Updated, r, func(tx *store.Tx, row db.OrganizationMembership) (db.OrganizationMembership, error) {
		if role := r.Role.Ptr(); role != nil {
			row.UserRole = role
		}
		var err error
		if row.BudgetID, err = s.budget(ctx, tx, who, row.OrganizationID, row.UserID, row.BudgetID, r.MaxBudget); err != nil {
			return row, err
		}
		return s.store.OrgMemberUpdate(ctx, tx, db.OrgMemberUpdateParams{
			OrganizationID: row.OrganizationID, UserID: row.UserID, UserRole: row.UserRole, BudgetID: row.BudgetID,
		})
	})
}

// DeleteMember lets a user leave.
func (s *Service) DeleteMember(ctx context.Context, who caller.Caller, r *ChangeRequest) (Member, error) {
	if err := who.May().ManageOrg(r.OrganizationID, "/organization/member_delete"); err != nil {
		return Member{}, err
	}
	return s.onMember(ctx, who, audit.Deleted, r, func(tx *store.Tx, row db.OrganizationMembership) (db.OrganizationMembership, error) {
		if err := tier.Drop(ctx, s.store, tx, kindMember, []string{store.MemberID(row.OrganizationID, row.UserID)}); err != nil {
			return row, err
		}
		return s.store.OrgMemberDelete(ctx, tx, db.OrgMemberDeleteParams{OrganizationID: row.OrganizationID, UserID: row.UserID})
	})
}

// onMember locks a member, changes it, audits that and shows it.
func (s *Service) onMember(
	ctx context.Context, who caller.Caller, action audit.Action, r *ChangeRequest,
	change func(*store.Tx, db.OrganizationMembership) (db.OrganizationMembership, error),
) (Member, error) {
	if r.OrganizationID == "" {
		return Member{}, apierr.Invalid("missing", "organization_id", "Field required")
	}
	if err := r.Check(); err != nil {
		return Member{}, err
	}
	var row db.OrganizationMembership
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := s.store.OrgForUpdate(ctx, tx, r.OrganizationID); err != nil {
			return lost(http.StatusBadRequest, r.OrganizationID, err)
		}
		var err error
		if row, err = s.lock(ctx, tx, r); err != nil {
			return err
		}
		before, err := s.trace(ctx, tx, row)
		if err != nil {
			return err
		}
		if row, err = change(tx, row); err != nil {
			return fmt.Errorf("write member of organization: %w", err)
		}
		if action == audit.Deleted {
			return auditMember(ctx, tx, who, before, nil)
		}
		after, err := s.trace(ctx, tx, row)
		if err != nil {
			return err
		}
		return auditMember(ctx, tx, who, before, after)
	})
	if err != nil {
		return Member{}, err
	}
	all, err := s.members(ctx, []db.OrganizationMembership{row})
	if err != nil {
		return Member{}, err
	}
	return all[0], nil
}

func (s *Service) lock(ctx context.Context, tx *store.Tx, r *ChangeRequest) (db.OrganizationMembership, error) {
	var none db.OrganizationMembership
	u, err := person.Find(ctx, s.store, tx, r.Name)
	if err == nil {
		none, err = s.store.OrgMemberForUpdate(ctx, tx, db.OrgMemberForUpdateParams{OrganizationID: r.OrganizationID, UserID: u.UserID})
	}
	if errors.Is(err, store.ErrNotFound) {
		return none, apierr.Detail(http.StatusNotFound, "User not found in organization. organization_id=%s", r.OrganizationID)
	}
	if err != nil {
		return none, fmt.Errorf("read member of organization: %w", err)
	}
	return none, nil
}
