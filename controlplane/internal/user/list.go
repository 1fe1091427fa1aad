package user

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// ListQuery is the query of /user/list. Filters that are nil leave everybody.
type ListQuery struct {
	Page, Size        int
	Role, Email, Team *string
	// IDs is a part of an id when it is one, and else whole ids; SSOIDs are whole
	// ones.
	IDs, SSOIDs, Orgs []string
	SortBy, SortOrder string
}

// Listed is an item of /user/list.
type Listed struct {
	View

	KeyCount int64 `json:"key_count"`
}

// Page is the reply of /user/list.
type Page struct {
	Users      []Listed `json:"users"`
	Total      int64    `json:"total"`
	Page       int      `json:"page"`
	PageSize   int      `json:"page_size"`
	TotalPages int64    `json:"total_pages"`
}

// sort is how a list is sorted, "" for the newest first.
func (q *ListQuery) sort() (string, error) {
	if q.SortBy == "" {
		return "", nil
	}
	columns := []string{"user_id", "user_email", "created_at", "spend", "user_alias", "user_role"}
	if !slices.Contains(columns, q.SortBy) {
		return "", apierr.BadRequest("Invalid sort column. Must be one of: %s", strings.Join(columns, ", "))
	}
	switch q.SortOrder {
	case "":
		return q.SortBy + " asc", nil
	case "asc", "desc":
		return q.SortBy + " " + q.SortOrder, nil
	}
	return "", apierr.BadRequest("Invalid sort order. Must be 'asc' or 'desc'")
}

func (q *ListQuery) check() error {
	for _, list := range [][]string{q.IDs, q.SSOIDs, q.Orgs} {
		if err := bounds.CheckLen("query", len(list)); err != nil {
			return err
		}
	}
	return nil
}

// List returns one page of users: of all of them to admins, of those in their
// organisations to admins of such.
func (s *Service) List(ctx context.Context, who caller.Caller, q *ListQuery) (Page, error) {
	orgs, err := who.May().ListUsers(q.Orgs)
	if err != nil {
		return Page{}, err
	}
	if err := q.check(); err != nil {
		return Page{}, err
	}
	sort, err := q.sort()
	if err != nil {
		return Page{}, err
	}
	p := db.UserListParams{
		Role: q.Role, Email: q.Email, Team: q.Team, SsoIds: q.SSOIDs, Orgs: orgs, Sort: sort,
		PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	}
	if len(q.IDs) == 1 {
		p.LikeID = &q.IDs[0]
	} else {
		p.Ids = q.IDs
	}
	rows, err := s.store.UserList(ctx, s.store.Reader(), p)
	if err != nil {
		return Page{}, fmt.Errorf("list users: %w", err)
	}
	total, err := s.store.UserCount(ctx, s.store.Reader(), db.UserCountParams{
		Role: p.Role, LikeID: p.LikeID, Ids: p.Ids, SsoIds: p.SsoIds, Email: p.Email, Team: p.Team, Orgs: p.Orgs,
	})
	if err != nil {
		return Page{}, fmt.Errorf("count users: %w", err)
	}
	out := Page{Total: total, Page: q.Page, PageSize: q.Size, TotalPages: (total + int64(q.Size) - 1) / int64(q.Size)}
	out.Users, err = s.withKeys(ctx, rows)
	return out, err
}

// withKeys shows users with how many keys each has, those of sessions aside.
func (s *Service) withKeys(ctx context.Context, rows []db.UserTable) ([]Listed, error) {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].UserID
	}
	counted, err := s.store.UserKeyCounts(ctx, s.store.DB(), db.UserKeyCountsParams{Ids: ids, Sessions: session.TeamID})
	if err != nil {
		return nil, fmt.Errorf("count keys of users: %w", err)
	}
	keys := map[string]int64{}
	for _, c := range counted {
		keys[c.UserID] = c.Keys
	}
	users := make([]Listed, len(rows))
	for i, row := range rows {
		users[i] = Listed{person.Show(row), keys[row.UserID]}
	}
	return users, nil
}

// SearchQuery is the query of /user/filter/ui: parts of an id and an address.
type SearchQuery struct {
	Page, Size      int
	ID, Email, Team *string
}

// Found is an item of /user/filter/ui.
type Found struct {
	UserID    string  `json:"user_id"`
	UserEmail *string `json:"user_email"`
}

// Search finds users whom a caller could add to something: all of them for
// admins, and else the caller, those of their teams, and those of organisations
// that they are an admin of.
func (s *Service) Search(ctx context.Context, who caller.Caller, q *SearchQuery) ([]Found, error) {
	may := who.May()
	rows, err := s.store.UserSearch(ctx, s.store.Reader(), db.UserSearchParams{
		LikeID: q.ID, Email: q.Email, Team: q.Team, Everybody: may.Sees(), Caller: who.UserID, Orgs: may.Administered(),
		PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	})
	if err != nil {
		return nil, fmt.Errorf("search users: %w", err)
	}
	found := make([]Found, len(rows))
	for i, r := range rows {
		found[i] = Found{r.UserID, r.UserEmail}
	}
	return found, nil
}

// Seats is the reply of /user/available_users. There is no licence here that
// would bound anything.
type Seats struct {
	TotalUsers     *int64 `json:"total_users"`
	UsersUsed      int64  `json:"total_users_used"`
	UsersRemaining *int64 `json:"total_users_remaining"`
	TotalTeams     *int64 `json:"total_teams"`
	TeamsUsed      int64  `json:"total_teams_used"`
	TeamsRemaining *int64 `json:"total_teams_remaining"`
}

// Seats says how many users and teams there are.
func (s *Service) Seats(ctx context.Context, _ caller.Caller) (Seats, error) {
	n, err := s.totals(ctx)
	return Seats{UsersUsed: n.Users, TeamsUsed: n.Teams}, err
}

func (s *Service) totals(ctx context.Context) (db.UserTotalsRow, error) {
	n, err := s.store.UserTotals(ctx, s.store.DB())
	if err != nil {
		return n, fmt.Errorf("count users: %w", err)
	}
	return n, nil
}

func (s *Service) idsAfter(ctx context.Context, after string) ([]string, error) {
	ids, err := s.store.UserIDsAfter(ctx, s.store.DB(), db.UserIDsAfterParams{After: after, PageSize: page})
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return ids, nil
}
