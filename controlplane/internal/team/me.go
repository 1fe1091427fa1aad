package team

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Me is the reply of /team/{team_id}/members/me.
type Me struct {
	Membership

	Role      string  `json:"role"`
	UserEmail *string `json:"user_email"`
	TeamAlias *string `json:"team_alias"`
}

// Me returns what the caller is in a team, and may spend in it.
func (s *Service) Me(ctx context.Context, who caller.Caller, id string) (Me, error) {
	row, err := s.store.TeamByID(ctx, s.store.DB(), id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Me{}, fmt.Errorf("read team: %w", err)
	}
	missing := err != nil
	if missing {
		row = db.TeamTable{TeamID: id} // strangers are not told which teams there are
	}
	t := who.In(&row)
	if err := who.May().SeeTeam(t); err != nil {
		return Me{}, err
	}
	if missing {
		return Me{}, apierr.Detail(http.StatusNotFound, "Team not found, passed team_id=%s", id)
	}
	if t.Role == policy.NotInTeam {
		return Me{}, apierr.Detail(http.StatusNotFound, "User is not a member of team_id=%s", id)
	}
	m, err := s.membership(ctx, s.store.DB(), &row, who.UserID)
	if err != nil {
		return Me{}, err
	}
	if m == nil { // of a list that came without rows of its members
		m = &Membership{UserID: who.UserID, TeamID: id, BudgetID: defaultBudget(row)}
	}
	out := Me{Membership: *m, Role: t.Role, TeamAlias: row.TeamAlias}
	if who.Email != "" {
		out.UserEmail = &who.Email
	}
	return out, nil
}

// Available returns the teams that the caller may join by themselves.
func (s *Service) Available(ctx context.Context, who caller.Caller) ([]View, error) {
	if len(s.rules.open) == 0 {
		return nil, apierr.Detail(http.StatusBadRequest, "No available teams for user to join. "+
			"Set litellm_settings.default_internal_user_params.available_teams to the ids of such teams")
	}
	if !who.Master {
		_, err := s.store.UserByID(ctx, s.store.DB(), who.UserID)
		if errors.Is(err, store.ErrNotFound) {
			return nil, apierr.Detail(http.StatusNotFound, "User not found")
		}
		if err != nil {
			return nil, fmt.Errorf("read user: %w", err)
		}
	}
	rows, err := s.store.TeamsByIDs(ctx, s.store.DB(), s.rules.open)
	if err != nil {
		return nil, fmt.Errorf("read teams: %w", err)
	}
	out := []View{}
	for i := range rows {
		if who.In(&rows[i]).Role == policy.NotInTeam {
			out = append(out, Show(rows[i]))
		}
	}
	return out, nil
}
