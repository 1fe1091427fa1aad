// Package team manages teams by LiteLLM's rules, as far as they own keys.
package team

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct{ store *store.Store }

// New returns a service over the store.
func New(st *store.Store) *Service { return &Service{store: st} }

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

	TeamID                field.Of[string]            `json:"team_id"`
	TeamAlias             field.Of[string]            `json:"team_alias"`
	OrganizationID        field.Of[string]            `json:"organization_id"`
	MembersWithRoles      field.Of[[]Member]          `json:"members_with_roles"`
	TeamMemberPermissions field.Of[[]string]          `json:"team_member_permissions"`
	Metadata              field.Of[map[string]any]    `json:"metadata"`
	Models                field.Of[[]string]          `json:"models"`
	ModelAliases          field.Of[map[string]string] `json:"model_aliases"`
	Blocked               field.Of[bool]              `json:"blocked"`
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
		MembersWithRoles: t.MembersWithRoles, TeamMemberPermissions: t.TeamMemberPermissions, Metadata: t.Metadata,
		Models: t.Models, ModelAliases: t.ModelAliases, Blocked: t.Blocked,
		Spend: money.Nano(budget.Current(t.SpendNano, t.BudgetResetAt, time.Now())).USD(), CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(),
	}
}

// New makes a team and the users among its members that do not exist yet.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (View, error) {
	row, members, err := r.row(time.Now())
	if err != nil {
		return View{}, err
	}
	if members, err = r.mayNew(who, members); err != nil {
		return View{}, err
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		row, err = s.store.TeamInsert(ctx, tx, insertParams(row))
		if _, taken := store.Duplicate(err); taken {
			return apierr.BadRequest("Team id = %s already exists. Please use a different team id.", r.TeamID.Value)
		}
		if err != nil {
			return fmt.Errorf("write team: %w", err)
		}
		if row, err = s.setDefaults(ctx, tx, who, row, &r.MemberDefaults); err != nil {
			return err
		}
		if row, _, err = s.join(ctx, tx, who, row, members, &MemberLimits{}); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindTeam, row.TeamID)
	})
	return Show(row), err
}

func (r *Request) row(now time.Time) (db.TeamTable, []Member, error) {
	t := db.TeamTable{
		TeamID: r.TeamID.Or(""), TeamAlias: r.TeamAlias.Ptr(), OrganizationID: r.OrganizationID.Ptr(),
		TeamMemberPermissions: r.TeamMemberPermissions.Or([]string{}), Models: r.Models.Or([]string{}), Blocked: r.Blocked.Or(false),
	}
	if t.TeamID == "" {
		t.TeamID = uuid.NewString()
	}
	members := r.MembersWithRoles.Or([]Member{})
	for _, m := range members {
		if m.UserID == nil && m.UserEmail == nil || m.Role != "admin" && m.Role != "user" {
			return t, nil, apierr.Invalid("value_error", "members_with_roles", "a member needs user_id or user_email, and role admin or user")
		}
	}
	for _, f := range []struct {
		to   *json.RawMessage
		from any
	}{{&t.MembersWithRoles, []Member{}}, {&t.Metadata, r.Metadata.Or(map[string]any{})}, {&t.ModelAliases, r.ModelAliases.Or(map[string]string{})}} {
		b, err := json.Marshal(f.from)
		if err != nil {
			return t, nil, apierr.BadRequest("team can not be encoded: %v", err)
		}
		*f.to = b
	}
	err := r.ApplyLimits(limit.OfTeam(&t), limit.Rules{Types: limit.OwnerTypes(), Metadata: true, Now: now})
	return t, members, err
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
