package team

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// noOrganization asks for the teams that are in none.
const noOrganization = "default_organization"

// ListQuery is the query of /v2/team/list. Filters that are nil leave all teams.
type ListQuery struct {
	Page, Size                     int
	UserID, OrganizationID, TeamID *string
	// Alias is a part of an alias, and Search one of an alias or an id.
	Alias, Search     *string
	SortBy, SortOrder string
	// Status is "deleted" for the teams that are gone.
	Status string
}

// ListItem is an item of /v2/team/list.
type ListItem struct {
	View

	Members int   `json:"members_count"`
	Keys    int64 `json:"keys_count"`
}

// DeletedItem is a team that is gone.
type DeletedItem struct {
	View

	ID              string    `json:"id"`
	DeletedAt       time.Time `json:"deleted_at"`
	DeletedBy       *string   `json:"deleted_by"`
	DeletedByAPIKey *string   `json:"deleted_by_api_key"`
	ChangedBy       *string   `json:"litellm_changed_by"`
}

// Page is the reply of /v2/team/list.
type Page struct {
	Teams      any   `json:"teams"`
	Total      int64 `json:"total"`
	Page       int   `json:"page"`
	PageSize   int   `json:"page_size"`
	TotalPages int64 `json:"total_pages"`
}

// sight is which teams a caller may see: everything, or some by their ids and by
// their organisations.
type sight struct {
	everything  bool
	teams, orgs []string
	// member and user narrow the teams that are gone: to those that the caller,
	// and that another user, was in.
	member string
	user   *string
}

// ListPage returns one page of teams: of all to admins, of those in their
// organisations to admins of such, and of those that they are in to others.
func (s *Service) ListPage(ctx context.Context, who caller.Caller, q *ListQuery) (Page, error) {
	sort, err := q.sort()
	if err != nil {
		return Page{}, err
	}
	if q.Status != "" && q.Status != "deleted" {
		return Page{}, apierr.BadRequest("Invalid status value. Currently only 'deleted' is supported.")
	}
	see, err := s.sight(ctx, who, q)
	if err != nil {
		return Page{}, err
	}
	p := db.TeamPageParams{
		TeamID: q.TeamID, OrganizationID: q.OrganizationID, TeamAlias: q.Alias, Search: q.Search,
		Everything: see.everything, Teams: see.teams, Orgs: see.orgs, Sort: sort,
		PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	}
	if id := q.OrganizationID; id != nil && *id == noOrganization {
		p.OrganizationID, p.NoOrganization = nil, true
	}
	out := Page{Page: q.Page, PageSize: q.Size}
	if q.Status == "deleted" {
		out.Teams, out.Total, err = s.deletedPage(ctx, &p, &see)
	} else {
		out.Teams, out.Total, err = s.page(ctx, &p)
	}
	out.TotalPages = (out.Total + int64(q.Size) - 1) / int64(q.Size)
	return out, err
}

func (q *ListQuery) sort() (string, error) {
	if q.SortBy == "" {
		return "created_at desc", nil
	}
	columns := []string{"team_id", "team_alias", "created_at"}
	if !slices.Contains(columns, q.SortBy) {
		return "", apierr.Detail(http.StatusBadRequest, "Invalid sort column. Must be one of: %s", strings.Join(columns, ", "))
	}
	switch strings.ToLower(q.SortOrder) {
	case "", "asc":
		return q.SortBy + " asc", nil
	case "desc":
		return q.SortBy + " desc", nil
	}
	return "", apierr.Detail(http.StatusBadRequest, "Invalid sort order. Must be 'asc' or 'desc'")
}

// sight says which teams a caller may see, of those that they ask for.
func (s *Service) sight(ctx context.Context, who caller.Caller, q *ListQuery) (sight, error) {
	may := who.May()
	if may.Sees() {
		if q.UserID == nil {
			return sight{everything: true}, nil
		}
		teams, err := s.idsOf(ctx, *q.UserID, nil)
		return sight{teams: teams, user: q.UserID, everything: q.Status != ""}, err
	}
	orgs := may.Administered()
	switch {
	case len(orgs) > 0 && q.UserID == nil:
		return sight{orgs: orgs}, nil
	case len(orgs) > 0 && *q.UserID != who.UserID: // of their teams, those that another is in
		teams, err := s.idsOf(ctx, *q.UserID, orgs)
		see := sight{teams: teams, user: q.UserID}
		if q.Status != "" {
			see.orgs = orgs
		}
		return see, err
	}
	if err := s.known(ctx, who.UserID); err != nil {
		return sight{}, err
	}
	teams, err := s.idsOf(ctx, who.UserID, nil)
	if err == nil && len(orgs) == 0 && q.Status == "" && q.TeamID != nil && !slices.Contains(teams, *q.TeamID) {
		err = apierr.Detail(http.StatusNotFound, "User is not a member of team_id=%.128s", *q.TeamID)
	}
	return sight{teams: teams, orgs: orgs, member: who.UserID}, err
}

// known refuses a caller who is no user.
func (s *Service) known(ctx context.Context, userID string) error {
	_, err := s.store.UserByID(ctx, s.store.DB(), userID)
	if errors.Is(err, store.ErrNotFound) {
		return apierr.Detail(http.StatusNotFound, "User not found, passed user_id=%s", userID)
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	return nil
}

// idsOf are the teams that a user is in, of some organisations or of all.
func (s *Service) idsOf(ctx context.Context, userID string, orgs []string) ([]string, error) {
	rows, err := s.store.TeamsOfUser(ctx, s.store.DB(), userID)
	if err != nil {
		return nil, fmt.Errorf("read teams of user: %w", err)
	}
	ids := []string{}
	for i := range rows {
		if orgs == nil || rows[i].OrganizationID != nil && slices.Contains(orgs, *rows[i].OrganizationID) {
			ids = append(ids, rows[i].TeamID)
		}
	}
	return ids, nil
}

func (s *Service) page(ctx context.Context, p *db.TeamPageParams) ([]ListItem, int64, error) {
	rows, err := s.store.TeamPage(ctx, s.store.Reader(), *p)
	if err != nil {
		return nil, 0, fmt.Errorf("list teams: %w", err)
	}
	total, err := s.store.TeamCount(ctx, s.store.Reader(), db.TeamCountParams{
		TeamID: p.TeamID, OrganizationID: p.OrganizationID, NoOrganization: p.NoOrganization, TeamAlias: p.TeamAlias, Search: p.Search,
		Everything: p.Everything, Teams: p.Teams, Orgs: p.Orgs,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count teams: %w", err)
	}
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].TeamID
	}
	counted, err := s.store.TeamsKeyCounts(ctx, s.store.DB(), ids)
	if err != nil {
		return nil, 0, fmt.Errorf("count keys of teams: %w", err)
	}
	keys := make(map[string]int64, len(counted))
	for _, c := range counted {
		keys[c.TeamID] = c.Keys
	}
	items := make([]ListItem, len(rows))
	for i, row := range rows {
		items[i] = ListItem{Show(row), len(listed(row.MembersWithRoles)), keys[row.TeamID]}
	}
	return items, total, nil
}

func (s *Service) deletedPage(ctx context.Context, p *db.TeamPageParams, see *sight) ([]DeletedItem, int64, error) {
	rows, err := s.store.DeletedTeamPage(ctx, s.store.Reader(), db.DeletedTeamPageParams{
		TeamID: p.TeamID, OrganizationID: p.OrganizationID, NoOrganization: p.NoOrganization, TeamAlias: p.TeamAlias, Search: p.Search,
		Everything: p.Everything, Orgs: p.Orgs, Member: see.member, UserID: see.user, Sort: p.Sort, PageSize: p.PageSize, Skip: p.Skip,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list deleted teams: %w", err)
	}
	total, err := s.store.DeletedTeamCount(ctx, s.store.Reader(), db.DeletedTeamCountParams{
		TeamID: p.TeamID, OrganizationID: p.OrganizationID, NoOrganization: p.NoOrganization, TeamAlias: p.TeamAlias, Search: p.Search,
		Everything: p.Everything, Orgs: p.Orgs, Member: see.member, UserID: see.user,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count deleted teams: %w", err)
	}
	items := make([]DeletedItem, len(rows))
	for i := range rows {
		items[i] = showDeleted(&rows[i])
	}
	return items, total, nil
}

func showDeleted(d *db.DeletedTeamTable) DeletedItem {
	row := db.TeamTable{
		TeamID: d.TeamID, TeamAlias: d.TeamAlias, OrganizationID: d.OrganizationID, MembersWithRoles: d.MembersWithRoles,
		TeamMemberPermissions: d.TeamMemberPermissions, Metadata: d.Metadata, Models: d.Models, ModelAliases: d.ModelAliases, Blocked: d.Blocked,
		SpendNano: d.SpendNano, MaxBudgetNano: d.MaxBudgetNano, BudgetDuration: d.BudgetDuration, BudgetResetAt: d.BudgetResetAt,
		MaxParallelRequests: d.MaxParallelRequests, TpmLimit: d.TpmLimit, RpmLimit: d.RpmLimit, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		RphLimit: d.RphLimit, TphLimit: d.TphLimit, RpdLimit: d.RpdLimit, TpdLimit: d.TpdLimit, SoftBudgetNano: d.SoftBudgetNano,
		BudgetLimits: d.BudgetLimits, ModelMaxBudget: d.ModelMaxBudget, AccessGroupIds: d.AccessGroupIds,
	}
	return DeletedItem{
		View: Show(row), ID: d.ID.String(), DeletedAt: d.DeletedAt.UTC(), DeletedBy: d.DeletedBy, DeletedByAPIKey: d.DeletedByApiKey, ChangedBy: d.LitellmChangedBy,
	}
}

// Search returns the rows of teams that a caller could pick from: a page of those
// that they may see. Who may see none gets none.
func (s *Service) Search(ctx context.Context, who caller.Caller, q *ListQuery) ([]View, error) {
	see, err := s.sight(ctx, who, &ListQuery{})
	if err != nil && apierr.Public(err).Status == http.StatusNotFound {
		return []View{}, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := s.store.TeamPage(ctx, s.store.Reader(), db.TeamPageParams{
		Search: q.TeamID, TeamAlias: q.Alias, Everything: see.everything, Teams: see.teams, Orgs: see.orgs, Sort: "team_alias asc",
		PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	})
	if err != nil {
		return nil, fmt.Errorf("list teams: %w", err)
	}
	out := make([]View, len(rows))
	for i := range rows {
		out[i] = Show(rows[i])
	}
	return out, nil
}
