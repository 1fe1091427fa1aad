package user

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Info is the reply of /user/info.
type Info struct {
	UserID   *string     `json:"user_id"`
	UserInfo *View       `json:"user_info"`
	Keys     []Key       `json:"keys"`
	Teams    []team.View `json:"teams"`
}

// Key is a key of a user.
type Key struct {
	key.Row

	TeamAlias *string `json:"team_alias"`
}

// Info returns a user with their keys and teams, to admins and to that user. An
// admin who asks for nobody sees themselves, and all keys and teams.
func (s *Service) Info(ctx context.Context, who caller.Caller, userID string) (Info, error) {
	everything := userID == "" && who.May().Admin()
	if userID == "" {
		userID = who.UserID
	}
	if err := who.May().SeeUser(userID); err != nil {
		return Info{}, err
	}
	if userID == "" {
		userID = caller.AdminUserID
	}
	info := Info{UserID: &userID}
	row, err := s.store.UserByID(ctx, s.store.DB(), userID)
	switch {
	case errors.Is(err, store.ErrNotFound) && userID != caller.AdminUserID:
		return Info{}, notFound(userID)
	case err == nil:
		v := person.Show(row)
		info.UserInfo = &v
	case !errors.Is(err, store.ErrNotFound):
		return Info{}, fmt.Errorf("read user: %w", err)
	}
	whose := &userID
	if everything {
		whose = nil
	}
	if info.Keys, err = s.keysOf(ctx, whose); err != nil {
		return Info{}, err
	}
	info.Teams, err = s.teamsOf(ctx, &row, everything)
	return info, err
}

// keysOf shows the keys of a user, or of everybody.
func (s *Service) keysOf(ctx context.Context, userID *string) ([]Key, error) {
	rows, err := s.store.UserKeys(ctx, s.store.Reader(), db.UserKeysParams{UserID: userID, Sessions: session.TeamID})
	if err != nil {
		return nil, fmt.Errorf("read keys of user: %w", err)
	}
	keys := make([]Key, len(rows))
	for i := range rows {
		keys[i] = Key{key.View(rows[i].VerificationToken), rows[i].TeamAlias}
	}
	return keys, nil
}

// teamsOf shows the teams of a user, or all of them.
func (s *Service) teamsOf(ctx context.Context, u *db.UserTable, all bool) ([]team.View, error) {
	var rows []db.TeamTable
	var err error
	if all {
		rows, err = s.store.TeamList(ctx, s.store.DB(), db.TeamListParams{})
	} else {
		rows, err = s.store.UserTeams(ctx, s.store.DB(), u.Teams)
	}
	if err != nil {
		return nil, fmt.Errorf("read teams of user: %w", err)
	}
	teams := make([]team.View, len(rows))
	for i := range rows {
		teams[i] = team.Show(rows[i])
	}
	return teams, nil
}

// Profile is the reply of /v2/user/info.
type Profile struct {
	UserID         string          `json:"user_id"`
	UserEmail      *string         `json:"user_email"`
	UserAlias      *string         `json:"user_alias"`
	UserRole       *string         `json:"user_role"`
	Spend          float64         `json:"spend"`
	MaxBudget      *float64        `json:"max_budget"`
	Models         []string        `json:"models"`
	BudgetDuration *string         `json:"budget_duration"`
	BudgetResetAt  *time.Time      `json:"budget_reset_at"`
	Metadata       json.RawMessage `json:"metadata"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
	SSOUserID      *string         `json:"sso_user_id"`
	Teams          []string        `json:"teams"`
}

// Profile returns a user alone. One whom the caller may not see is not there.
func (s *Service) Profile(ctx context.Context, who caller.Caller, userID string) (Profile, error) {
	if userID == "" {
		userID = who.UserID
	}
	if userID == "" {
		return Profile{}, apierr.BadRequest("user_id is required")
	}
	if who.May().SeeUser(userID) != nil {
		return Profile{}, notFound(userID)
	}
	row, err := s.store.UserByID(ctx, s.store.DB(), userID)
	if err != nil {
		return Profile{}, read(userID, err)
	}
	v := person.Show(row)
	return Profile{
		UserID: v.UserID, UserEmail: v.UserEmail, UserAlias: v.UserAlias, UserRole: v.UserRole, Spend: v.Spend, MaxBudget: v.MaxBudget,
		Models: v.Models, BudgetDuration: v.BudgetDuration, BudgetResetAt: v.BudgetResetAt, Metadata: v.Metadata,
		CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, SSOUserID: v.SSOUserID, Teams: v.Teams,
	}, nil
}

// RoleInfo is a role as /user/available_roles shows it.
type RoleInfo struct {
	Description string `json:"description"`
	Label       string `json:"ui_label"`
}

// AvailableRoles are the roles that a user may have.
func AvailableRoles() map[policy.Role]RoleInfo {
	return map[policy.Role]RoleInfo{
		policy.ProxyAdmin:         {"admin over litellm proxy, has all permissions", "Admin (All Permissions)"},
		policy.ProxyAdminViewer:   {"view all keys, view all spend", "Admin (View Only)"},
		policy.InternalUser:       {"view/create/delete their own keys, view their own spend", "Internal User (Create/Delete/View)"},
		policy.InternalUserViewer: {"view their own keys, view their own spend", "Internal User (View Only)"},
	}
}
