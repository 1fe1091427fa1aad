// Package team manages teams by LiteLLM's rules, as far as they own keys.
package team

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/seal"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store *store.Store
	box   *seal.Box
	rules Rules
}

// New returns a service over the store, without settings. It keeps no secrets.
func New(st *store.Store) *Service { return &Service{store: st} }

// NewWithRules returns a service that obeys settings and seals the secrets of
// callbacks.
func NewWithRules(st *store.Store, box *seal.Box, rules Rules) *Service {
	return &Service{store: st, box: box, rules: rules}
}

// Member is a user in a team.
type Member struct {
	UserID    *string `json:"user_id"`
	UserEmail *string `json:"user_email"`
	Role      string  `json:"role"`
}

// Request is the body of /team/new.
type Request struct {
	limit.Fields
	MemberDefaults
	hoistedFields

	TeamID                field.Of[string]            `json:"team_id"`
	TeamAlias             field.Of[string]            `json:"team_alias"`
	OrganizationID        field.Of[string]            `json:"organization_id"`
	MembersWithRoles      field.Of[[]Member]          `json:"members_with_roles"`
	TeamMemberPermissions field.Of[[]string]          `json:"team_member_permissions"`
	Metadata              field.Of[map[string]any]    `json:"metadata"`
	Models                field.Of[[]string]          `json:"models"`
	ModelAliases          field.Of[map[string]string] `json:"model_aliases"`
	Blocked               field.Of[bool]              `json:"blocked"`
	AccessGroupIDs        field.Of[[]string]          `json:"access_group_ids"`
}

// View is a team as LiteLLM shows it.
type View struct {
	limit.View

	TeamID                string          `json:"team_id"`
	TeamAlias             *string         `json:"team_alias"`
	OrganizationID        *string         `json:"organization_id"`
	Admins                []string        `json:"admins"`
	Members               []string        `json:"members"`
	MembersWithRoles      json.RawMessage `json:"members_with_roles"`
	TeamMemberPermissions []string        `json:"team_member_permissions"`
	Metadata              json.RawMessage `json:"metadata"`
	Models                []string        `json:"models"`
	ModelAliases          json.RawMessage `json:"model_aliases"`
	Blocked               bool            `json:"blocked"`
	AccessGroupIDs        []string        `json:"access_group_ids"`
	Spend                 float64         `json:"spend"`
	ModelID               *int64          `json:"model_id"`
	LitellmModelTable     *struct{}       `json:"litellm_model_table"`
	CreatedAt             time.Time       `json:"created_at"`
	UpdatedAt             time.Time       `json:"updated_at"`
}

// Info is the reply of /team/info.
type Info struct {
	TeamID          string       `json:"team_id"`
	TeamInfo        InfoView     `json:"team_info"`
	Keys            []key.Row    `json:"keys"`
	TeamMemberships []Membership `json:"team_memberships"`
}

// Listed is an item of /team/list.
type Listed struct {
	View

	Keys            []key.Row    `json:"keys"`
	TeamMemberships []Membership `json:"team_memberships"`
}

// Show returns a team as LiteLLM shows it.
func Show(t db.TeamTable) View {
	return View{
		View: limit.OfTeam(&t).View(time.Now()), TeamID: t.TeamID, TeamAlias: t.TeamAlias, OrganizationID: t.OrganizationID, Admins: []string{}, Members: []string{},
		MembersWithRoles: t.MembersWithRoles, TeamMemberPermissions: t.TeamMemberPermissions, Metadata: masked(t.Metadata),
		Models: t.Models, ModelAliases: t.ModelAliases, Blocked: t.Blocked, AccessGroupIDs: groups(t.AccessGroupIds),
		Spend: money.Nano(budget.Current(t.SpendNano, t.BudgetResetAt, time.Now())).USD(), CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(),
	}
}

// groups is never null: LiteLLM's clients iterate it.
func groups(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}

// Info returns a team with its keys, to admins, members and keys of the team.
func (s *Service) Info(ctx context.Context, who caller.Caller, teamID string) (Info, error) {
	if teamID == "" {
		return Info{}, apierr.Invalid("missing", "team_id", "Malformed request. No team id passed in.")
	}
	row, err := s.store.TeamByID(ctx, s.store.DB(), teamID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Info{}, fmt.Errorf("read team: %w", err)
	}
	missing := err != nil
	if missing {
		row = db.TeamTable{TeamID: teamID} // strangers are not told which teams there are
	}
	if err := who.May().SeeTeam(who.In(&row)); err != nil {
		return Info{}, err
	}
	if missing {
		return Info{}, &apierr.Error{Status: http.StatusNotFound, Type: apierr.TypeAuth, NoneText: true, Message: "Team not found, passed team id: " + teamID + "."}
	}
	keys, err := s.store.KeysByTeam(ctx, s.store.DB(), teamID)
	if err != nil {
		return Info{}, fmt.Errorf("read keys of team: %w", err)
	}
	byTeam, defaults, err := s.memberships(ctx, s.store.DB(), row)
	if err != nil {
		return Info{}, err
	}
	return Info{
		TeamID: teamID, TeamInfo: InfoView{Show(row), defaults[teamID]}, Keys: key.Views(keys), TeamMemberships: byTeam[teamID],
	}, nil
}

// List returns teams sorted by alias: all of them to admins, those that a user
// is a member of to that user, and those of an organisation to its admins.
func (s *Service) List(ctx context.Context, who caller.Caller, userID, organizationID *string) ([]Listed, error) {
	if err := who.May().ListTeams(userID, organizationID); err != nil {
		return nil, err
	}
	rows, err := s.store.TeamList(ctx, s.store.DB(), db.TeamListParams{UserID: userID, OrganizationID: organizationID})
	if err != nil {
		return nil, fmt.Errorf("list teams: %w", err)
	}
	byTeam, _, err := s.memberships(ctx, s.store.DB(), rows...)
	if err != nil {
		return nil, err
	}
	out := make([]Listed, len(rows))
	for i, row := range rows {
		keys, err := s.store.KeysByTeam(ctx, s.store.DB(), row.TeamID)
		if err != nil {
			return nil, fmt.Errorf("read keys of team: %w", err)
		}
		out[i] = Listed{View: Show(row), Keys: key.Views(keys), TeamMemberships: byTeam[row.TeamID]}
	}
	return out, nil
}
