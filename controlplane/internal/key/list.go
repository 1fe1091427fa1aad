package key

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// ListQuery is the query of /key/list.
type ListQuery struct {
	Page, Size                                        int
	UserID, TeamID, OrganizationID, KeyHash, KeyAlias *string
	SortBy, SortOrder                                 string
	Full                                              bool
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

// List returns one page of keys; a caller who is not an admin sees their own.
func (s *Service) List(ctx context.Context, who caller.Caller, q ListQuery) (Page, error) {
	if err := s.restrict(ctx, who, &q); err != nil {
		return Page{}, err
	}
	if err := q.checkSort(); err != nil {
		return Page{}, err
	}
	if err := checkStatus(q.Status); err != nil {
		return Page{}, err
	}
	if q.Status != "" {
		return s.listDeleted(ctx, &q)
	}
	params := db.KeyListParams{
		UserID: q.UserID, TeamID: q.TeamID, OrganizationID: q.OrganizationID, KeyAlias: q.KeyAlias, Token: q.KeyHash,
		Sort: q.SortBy + " " + q.SortOrder, PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	}
	rows, err := s.store.KeyList(ctx, s.store.DB(), params)
	if err != nil {
		return Page{}, fmt.Errorf("list keys: %w", err)
	}
	total, err := s.store.KeyCount(ctx, s.store.DB(), db.KeyCountParams{
		UserID: q.UserID, TeamID: q.TeamID, OrganizationID: q.OrganizationID, KeyAlias: q.KeyAlias, Token: q.KeyHash,
	})
	if err != nil {
		return Page{}, fmt.Errorf("count keys: %w", err)
	}
	page := Page{TotalCount: total, CurrentPage: q.Page, TotalPages: (total + int64(q.Size) - 1) / int64(q.Size)}
	if q.Full {
		views := Views(rows)
		infos := make([]*Info, len(views))
		for i := range views {
			infos[i] = &views[i].Info
		}
		page.Keys = views
		err := s.withTiers(ctx, s.store.DB(), infos...)
		return page, err
	}
	hashes := make([]string, len(rows))
	for i, r := range rows {
		hashes[i] = r.Token
	}
	page.Keys = hashes
	return page, nil
}

// restrict narrows a list to what the caller may see.
func (s *Service) restrict(ctx context.Context, who caller.Caller, q *ListQuery) error {
	may := who.May()
	if may.Sees() {
		return nil
	}
	l := policy.Listing{UserID: q.UserID, OrgID: q.OrganizationID}
	if q.TeamID != nil {
		t, err := s.teamRow(ctx, s.store.DB(), q.TeamID)
		if err != nil {
			return err
		}
		if t == nil {
			t = &db.TeamTable{TeamID: *q.TeamID}
		}
		l.Team = who.In(t)
	}
	if err := may.ListKeys(&l); err != nil {
		return err
	}
	switch {
	case q.TeamID != nil || q.OrganizationID != nil:
	case who.UserID == "":
		q.KeyHash = &who.KeyHash // a key without a user owns itself alone
	default:
		q.UserID = &who.UserID
	}
	return nil
}

func (q *ListQuery) checkSort() error {
	if q.SortBy == "" {
		q.SortBy = "created_at"
	}
	if q.SortOrder == "" {
		q.SortOrder = "desc"
	}
	switch q.SortBy {
	case "spend", "max_budget", "created_at", "updated_at", "token", "key_alias":
	default:
		return apierr.BadRequest("Invalid sort column: %s. Must be one of: spend, max_budget, created_at, updated_at, token, key_alias", q.SortBy)
	}
	if q.SortOrder != "asc" && q.SortOrder != "desc" {
		return apierr.BadRequest("Invalid sort order: %s. Must be one of: asc, desc", q.SortOrder)
	}
	return nil
}
