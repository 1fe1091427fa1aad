package key

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// ListQuery is the query of /key/list. Filters that are nil leave all keys.
type ListQuery struct {
	Page, Size                                        int
	UserID, TeamID, OrganizationID, KeyHash, KeyAlias *string
	ProjectID, AccessGroupID                          *string
	SortBy, SortOrder                                 string
	// Full asks for whole keys, and ExpandUser for their users besides.
	Full, ExpandUser bool
	// TeamKeys and CreatedKeys widen the keys of a user: by those of the teams that
	// the user leads, with what is nobody's in other teams, and by those that the
	// user has made.
	TeamKeys, CreatedKeys bool
	// Status is "deleted" for the keys that are gone.
	Status string
}

// Page is the reply of /key/list.
type Page struct {
	Keys        any   `json:"keys"`
	TotalCount  int64 `json:"total_count"`
	CurrentPage int   `json:"current_page"`
	TotalPages  int64 `json:"total_pages"`
}

// Listed is a key in a list of whole keys.
type Listed struct {
	Row

	OrgID *string `json:"org_id"`
}

// Expanded is a key in a list, with whose it is and who has made it.
type Expanded struct {
	Listed

	User          *person.View `json:"user"`
	CreatedByUser *Creator     `json:"created_by_user"`
}

// Creator is the user who has made a key.
type Creator struct {
	UserID    string  `json:"user_id"`
	UserEmail *string `json:"user_email"`
	UserAlias *string `json:"user_alias"`
}

// List returns one page of keys; a caller who is not an admin sees their own.
func (s *Service) List(ctx context.Context, who caller.Caller, q ListQuery) (Page, error) {
	f := db.KeyTokensParams{
		UserID: q.UserID, TeamID: q.TeamID, OrganizationID: q.OrganizationID, KeyAlias: q.KeyAlias, Token: q.KeyHash,
		ProjectID: q.ProjectID, AccessGroupID: q.AccessGroupID,
	}
	if err := s.restrict(ctx, who, &f); err != nil {
		return Page{}, err
	}
	if err := q.checkSort(); err != nil {
		return Page{}, err
	}
	if err := checkStatus(q.Status); err != nil {
		return Page{}, err
	}
	if err := s.widen(ctx, who, &q, &f); err != nil {
		return Page{}, err
	}
	if q.Status != "" {
		return s.listDeleted(ctx, &q, &f)
	}
	total, err := s.count(ctx, &f)
	if err != nil {
		return Page{}, err
	}
	tokens, err := s.tokens(ctx, &q, f, total)
	if err != nil {
		return Page{}, err
	}
	page := q.page(total)
	page.Keys = tokens
	if q.Full || q.ExpandUser {
		page.Keys, err = s.whole(ctx, tokens, q.ExpandUser)
	}
	return page, err
}

func (q *ListQuery) page(total int64) Page {
	return Page{TotalCount: total, CurrentPage: q.Page, TotalPages: (total + int64(q.Size) - 1) / int64(q.Size)}
}

// farFrom is from where on a page is looked for from the end, when that is
// nearer: what is before a page is read, too.
const farFrom = 5000

// tokens are the hashes of one page.
func (s *Service) tokens(ctx context.Context, q *ListQuery, f db.KeyTokensParams, total int64) ([]string, error) {
	skip, size := int64(q.Page-1)*int64(q.Size), int64(q.Size)
	order := q.SortOrder
	backward := skip >= farFrom && skip > total/2
	if backward {
		size = min(size, total-skip)
		if size <= 0 {
			return []string{}, nil
		}
		skip, order = total-skip-size, opposite(order)
	}
	f.Sort, f.Descending = q.SortBy+" "+order, order == descending
	f.PageSize, f.Skip = int32(size), int32(skip) //nolint:gosec // both are bounded where they are read
	tokens, err := s.store.KeyTokens(ctx, s.store.Reader(), f)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	if backward {
		slices.Reverse(tokens)
	}
	return tokens, nil
}

// whole are keys in the order of their hashes. Those that went away since are
// left out.
func (s *Service) whole(ctx context.Context, tokens []string, expand bool) (any, error) {
	rows, err := s.store.KeysRead(ctx, s.store.DB(), tokens)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	slices.SortFunc(rows, func(a, b db.VerificationToken) int {
		return slices.Index(tokens, a.Token) - slices.Index(tokens, b.Token)
	})
	listed := make([]Listed, len(rows))
	infos := make([]*Info, len(rows))
	for i := range rows {
		listed[i] = Listed{View(rows[i]), rows[i].OrganizationID}
		infos[i] = &listed[i].Info
	}
	if err := s.complete(ctx, s.store.DB(), infos...); err != nil || !expand {
		return listed, err
	}
	return s.expand(ctx, listed)
}

// expand shows the users of keys, and who has made them.
func (s *Service) expand(ctx context.Context, listed []Listed) ([]Expanded, error) {
	var ids []string
	for i := range listed {
		for _, id := range []*string{listed[i].UserID, listed[i].CreatedBy} {
			if id != nil {
				ids = append(ids, *id)
			}
		}
	}
	rows, err := s.store.KeyOwners(ctx, s.store.DB(), ids)
	if err != nil {
		return nil, fmt.Errorf("read users of keys: %w", err)
	}
	users := make(map[string]*person.View, len(rows))
	for i := range rows {
		users[rows[i].UserID] = new(person.Show(rows[i]))
	}
	out := make([]Expanded, len(listed))
	for i := range listed {
		out[i] = Expanded{Listed: listed[i], User: users[value(listed[i].UserID)]}
		if u := users[value(listed[i].CreatedBy)]; u != nil {
			out[i].CreatedByUser = &Creator{u.UserID, u.UserEmail, u.UserAlias}
		}
	}
	return out, nil
}

// listDeleted returns one page of the keys that are gone.
func (s *Service) listDeleted(ctx context.Context, q *ListQuery, f *db.KeyTokensParams) (Page, error) {
	rows, err := s.store.DeletedKeyList(ctx, s.store.Reader(), db.DeletedKeyListParams{
		UserID: f.UserID, TeamID: f.TeamID, OrganizationID: f.OrganizationID, KeyAlias: f.KeyAlias, Token: f.Token,
		ProjectID: f.ProjectID, AccessGroupID: f.AccessGroupID, CreatedBy: f.CreatedBy, Teams: f.Teams, LedTeams: f.LedTeams, JoinedTeams: f.JoinedTeams,
		Sort: q.SortBy + " " + q.SortOrder, PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	})
	if err != nil {
		return Page{}, fmt.Errorf("list deleted keys: %w", err)
	}
	total, err := s.store.DeletedKeyCount(ctx, s.store.Reader(), db.DeletedKeyCountParams{
		UserID: f.UserID, TeamID: f.TeamID, OrganizationID: f.OrganizationID, KeyAlias: f.KeyAlias, Token: f.Token,
		ProjectID: f.ProjectID, AccessGroupID: f.AccessGroupID, CreatedBy: f.CreatedBy, Teams: f.Teams, LedTeams: f.LedTeams, JoinedTeams: f.JoinedTeams,
	})
	if err != nil {
		return Page{}, fmt.Errorf("count deleted keys: %w", err)
	}
	keys := make([]Deleted, len(rows))
	for i := range rows {
		keys[i] = showDeleted(&rows[i])
	}
	page := q.page(total)
	page.Keys = keys
	return page, nil
}

const (
	ascending  = "asc"
	descending = "desc"
)

func opposite(order string) string {
	if order == descending {
		return ascending
	}
	return descending
}

func (q *ListQuery) checkSort() error {
	if q.SortBy == "" {
		q.SortBy = "created_at"
	}
	if q.SortOrder == "" {
		q.SortOrder = descending
	}
	columns := []string{"spend", "max_budget", "created_at", "updated_at", "token", "key_alias"}
	if !slices.Contains(columns, q.SortBy) {
		return apierr.BadRequest("Invalid sort column: %.64s. Must be one of: %s", q.SortBy, strings.Join(columns, ", "))
	}
	if q.SortOrder != ascending && q.SortOrder != descending {
		return apierr.BadRequest("Invalid sort order: %.64s. Must be one of: asc, desc", q.SortOrder)
	}
	return nil
}
