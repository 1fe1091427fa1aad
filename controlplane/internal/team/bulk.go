package team

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// mostAdded is how many members one request may add, as at LiteLLM.
const mostAdded = 500

// BulkAddRequest is the body of /team/bulk_member_add.
type BulkAddRequest struct {
	TeamID          string                    `json:"team_id"`
	Members         []Member                  `json:"members"`
	AllUsers        bool                      `json:"all_users"`
	MaxBudgetInTeam field.Of[json.RawMessage] `json:"max_budget_in_team"`
}

// AddResult is what has become of one of them.
type AddResult struct {
	UserID     *string      `json:"user_id"`
	UserEmail  *string      `json:"user_email"`
	Success    bool         `json:"success"`
	Error      *string      `json:"error"`
	User       *person.View `json:"updated_user"`
	Membership *Membership  `json:"updated_team_membership"`
}

// BulkAdded is the reply of /team/bulk_member_add.
type BulkAdded struct {
	TeamID     string      `json:"team_id"`
	Results    []AddResult `json:"results"`
	Requested  int         `json:"total_requested"`
	Successful int         `json:"successful_additions"`
	Failed     int         `json:"failed_additions"`
	Team       *View       `json:"updated_team"`
}

// BulkAdd adds members each by itself: those who can not be added do not keep
// out the others.
func (s *Service) BulkAdd(ctx context.Context, who caller.Caller, r *BulkAddRequest) (BulkAdded, error) {
	members, err := s.toAdd(ctx, who, r)
	if err != nil {
		return BulkAdded{}, err
	}
	out := BulkAdded{TeamID: r.TeamID, Results: make([]AddResult, len(members)), Requested: len(members)}
	for i, m := range members {
		one := &out.Results[i]
		one.UserID, one.UserEmail = m.UserID, m.UserEmail
		added, err := s.AddMembers(ctx, who, &AddRequest{
			TeamID: r.TeamID, Member: field.List[Member]{Items: []Member{m}}, MemberLimits: MemberLimits{MaxBudgetInTeam: r.MaxBudgetInTeam},
		})
		if err != nil {
			public, ok := errors.AsType[*apierr.Error](err)
			if !ok {
				return out, err // the database, which fails for all of them
			}
			one.Error = &public.Message
			out.Failed++
			continue
		}
		out.Successful++
		out.Team, one.Success = &added.View, true
		if len(added.Users) > 0 {
			one.User, one.UserID, one.UserEmail = &added.Users[0], &added.Users[0].UserID, added.Users[0].UserEmail
		}
		if len(added.Memberships) > 0 {
			one.Membership = &added.Memberships[0]
		}
	}
	return out, nil
}

// toAdd is who is asked for, once it is clear that the caller may add them.
func (s *Service) toAdd(ctx context.Context, who caller.Caller, r *BulkAddRequest) ([]Member, error) {
	const path = "/team/bulk_member_add"
	if err := bounds.CheckID("team_id", r.TeamID); err != nil {
		return nil, err
	}
	row, err := s.store.TeamByID(ctx, s.store.DB(), r.TeamID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, lost(who, r.TeamID, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read team: %w", err)
	}
	may := who.May()
	if err := may.ManageTeam(who.In(&row), path); err != nil {
		return nil, err
	}
	members := r.Members
	if r.AllUsers {
		if !may.Admin() {
			return nil, may.AdminsOnly(path)
		}
		if members, err = s.newcomers(ctx, &row); err != nil {
			return nil, err
		}
	} else if len(members) == 0 {
		return nil, apierr.Detail(http.StatusBadRequest, "At least one member is required")
	}
	if len(members) > mostAdded {
		return nil, apierr.Detail(http.StatusBadRequest, "Maximum %d members can be added at once. You are adding more", mostAdded)
	}
	return members, nil
}

// newcomers are the users who are not in a team.
func (s *Service) newcomers(ctx context.Context, row *db.TeamTable) ([]Member, error) {
	present := []string{}
	for _, m := range listed(row.MembersWithRoles) {
		if m.UserID != nil {
			present = append(present, *m.UserID)
		}
	}
	users, err := s.store.TeamNewcomers(ctx, s.store.DB(), db.TeamNewcomersParams{Members: present, PageSize: mostAdded + 1})
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	out := make([]Member, len(users))
	for i := range users {
		out[i] = Member{UserID: &users[i].UserID, Role: "user"}
	}
	return out, nil
}
