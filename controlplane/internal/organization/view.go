package organization

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Row is an organisation as LiteLLM shows it.
type Row struct {
	OrganizationID     string          `json:"organization_id"`
	OrganizationAlias  string          `json:"organization_alias"`
	BudgetID           *string         `json:"budget_id"`
	Spend              float64         `json:"spend"`
	Metadata           json.RawMessage `json:"metadata"`
	Models             []string        `json:"models"`
	CreatedAt          time.Time       `json:"created_at"`
	CreatedBy          string          `json:"created_by"`
	UpdatedAt          time.Time       `json:"updated_at"`
	UpdatedBy          string          `json:"updated_by"`
	BudgetTable        *tier.Budget    `json:"litellm_budget_table"`
	ObjectPermissionID *string         `json:"object_permission_id"`
}

// Full is an organisation with those who belong to it.
type Full struct {
	Row

	Members []Member    `json:"members"`
	Teams   []team.View `json:"teams"`
}

// Info is the reply of /organization/info.
type Info struct {
	Full

	Users            []person.View `json:"users"`
	ObjectPermission *struct{}     `json:"object_permission"`
}

// Member is somebody in an organisation.
type Member struct {
	UserID         string       `json:"user_id"`
	OrganizationID string       `json:"organization_id"`
	UserRole       *string      `json:"user_role"`
	Spend          float64      `json:"spend"`
	BudgetID       *string      `json:"budget_id"`
	CreatedAt      time.Time    `json:"created_at"`
	UpdatedAt      time.Time    `json:"updated_at"`
	User           *person.View `json:"user"`
	UserEmail      *string      `json:"user_email"`
	BudgetTable    *tier.Budget `json:"litellm_budget_table"`
}

func (f Full) info() Info {
	out := Info{Full: f, Users: []person.View{}}
	for _, m := range f.Members {
		if m.User != nil {
			out.Users = append(out.Users, *m.User)
		}
	}
	return out
}

func (s *Service) row(ctx context.Context, conn db.DBTX, o db.OrganizationTable) (Row, error) {
	budgets, err := tier.Resolve(ctx, s.store, conn, ids(o.BudgetID))
	if err != nil {
		return Row{}, err
	}
	return show(o, budgets), nil
}

func ids(optional ...*string) []string {
	var out []string
	for _, id := range optional {
		if id != nil {
			out = append(out, *id)
		}
	}
	return out
}

func show(o db.OrganizationTable, budgets map[string]db.BudgetTable) Row {
	return Row{
		OrganizationID: o.OrganizationID, OrganizationAlias: o.OrganizationAlias, BudgetID: o.BudgetID, Spend: money.Nano(budget.Current(o.SpendNano, o.BudgetResetAt, time.Now())).USD(),
		Metadata: o.Metadata, Models: o.Models, CreatedAt: o.CreatedAt.UTC(), CreatedBy: o.CreatedBy, UpdatedAt: o.UpdatedAt.UTC(), UpdatedBy: o.UpdatedBy,
		BudgetTable: tier.Shown(budgets, o.BudgetID),
	}
}

// full reads all that belongs to organisations at once.
func (s *Service) full(ctx context.Context, rows []db.OrganizationTable) ([]Full, error) {
	orgs := make([]string, len(rows))
	var budgetIDs []string
	for i, o := range rows {
		orgs[i] = o.OrganizationID
		budgetIDs = append(budgetIDs, ids(o.BudgetID)...)
	}
	memberships, err := s.store.OrgsMembers(ctx, s.store.DB(), orgs)
	if err != nil {
		return nil, fmt.Errorf("read members of organizations: %w", err)
	}
	teams, err := s.store.OrgsTeams(ctx, s.store.DB(), orgs)
	if err != nil {
		return nil, fmt.Errorf("read teams of organizations: %w", err)
	}
	members, err := s.members(ctx, memberships)
	if err != nil {
		return nil, err
	}
	budgets, err := tier.Resolve(ctx, s.store, s.store.DB(), budgetIDs)
	if err != nil {
		return nil, err
	}
	byOrg := make(map[string]*Full, len(rows))
	out := make([]Full, len(rows))
	for i, o := range rows {
		out[i] = Full{Row: show(o, budgets), Members: []Member{}, Teams: []team.View{}}
		byOrg[o.OrganizationID] = &out[i]
	}
	for _, m := range members {
		byOrg[m.OrganizationID].Members = append(byOrg[m.OrganizationID].Members, m)
	}
	for _, t := range teams {
		byOrg[*t.OrganizationID].Teams = append(byOrg[*t.OrganizationID].Teams, team.Show(t))
	}
	return out, nil
}

func (s *Service) members(ctx context.Context, rows []db.OrganizationMembership) ([]Member, error) {
	users := make([]string, len(rows))
	var budgetIDs []string
	for i, m := range rows {
		users[i] = m.UserID
		budgetIDs = append(budgetIDs, ids(m.BudgetID)...)
	}
	people, err := s.store.UsersByIDs(ctx, s.store.DB(), users)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	budgets, err := tier.Resolve(ctx, s.store, s.store.DB(), budgetIDs)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]person.View, len(people))
	for _, u := range people {
		byID[u.UserID] = person.Show(u)
	}
	out := make([]Member, len(rows))
	for i, m := range rows {
		out[i] = showMember(m, budgets)
		if u, ok := byID[m.UserID]; ok {
			out[i].User, out[i].UserEmail = &u, u.UserEmail
		}
	}
	return out, nil
}

func showMember(m db.OrganizationMembership, budgets map[string]db.BudgetTable) Member {
	return Member{
		UserID: m.UserID, OrganizationID: m.OrganizationID, UserRole: m.UserRole, Spend: money.Nano(m.SpendNano).USD(), BudgetID: m.BudgetID,
		CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(), BudgetTable: tier.Shown(budgets, m.BudgetID),
	}
}
