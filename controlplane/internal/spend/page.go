package spend

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/money"
)

// mostCounted bounds the total of a page, which would else be as slow as the
// table is long.
const mostCounted = 10_000

// PageQuery is the query of /spend/logs/v2.
type PageQuery struct {
	After, Before              *time.Time
	Page, Size                 int
	APIKey, UserID, RequestID  *string
	TeamID, EndUser, KeyAlias  *string
	SessionID                  *string
	Model, ModelID, ModelGroup *string
	Status                     *string
	HTTPStatus                 *int
	MinSpend, MaxSpend         *float64
	SortBy, SortOrder          string
}

// Page is the reply of /spend/logs/v2.
type Page struct {
	Data       []Log `json:"data"`
	Total      int64 `json:"total"`
	Page       int   `json:"page"`
	PageSize   int   `json:"page_size"`
	TotalPages int64 `json:"total_pages"`
	Capped     bool  `json:"total_is_capped"`
}

// Page returns one page of spend rows; a caller who may not see all sees their
// own.
func (s *Service) Page(ctx context.Context, who caller.Caller, q *PageQuery) (Page, error) {
	p, err := q.params(who)
	if err != nil {
		return Page{}, err
	}
	total, err := s.store.SpendCount(ctx, s.store.Reader(), countParams(p))
	if err != nil {
		return Page{}, fmt.Errorf("count spend rows: %w", err)
	}
	var rows []db.SpendLog
	if p.Sort == "startTime desc" {
		rows, err = s.store.SpendPage(ctx, s.store.Reader(), pageParams(p))
	} else {
		rows, err = s.store.SpendPageSorted(ctx, s.store.Reader(), *p)
	}
	if err != nil {
		return Page{}, fmt.Errorf("list spend rows: %w", err)
	}
	out := Page{
		Data: make([]Log, len(rows)), Total: min(total, mostCounted), Page: q.Page, PageSize: q.Size, Capped: total > mostCounted,
		TotalPages: (min(total, mostCounted) + int64(q.Size) - 1) / int64(q.Size),
	}
	for i := range rows {
		out.Data[i] = show(rows[i])
	}
	return out, nil
}

func (q *PageQuery) params(who caller.Caller) (*db.SpendPageSortedParams, error) {
	if q.After == nil || q.Before == nil {
		return nil, &apierr.Error{Status: http.StatusBadRequest, Type: "bad_request", Param: "None", Message: "Start date and end date are required"}
	}
	if q.APIKey != nil {
		token := ident.KeyToken(*q.APIKey)
		q.APIKey = &token
	}
	if !who.May().SeesSpend() {
		own := Query{APIKey: q.APIKey, UserID: q.UserID}
		if err := own.restrict(who); err != nil {
			return nil, err
		}
		q.APIKey, q.UserID = own.APIKey, own.UserID
	}
	p := &db.SpendPageSortedParams{
		StartAfter: *q.After, StartBefore: *q.Before, RequestID: q.RequestID, ApiKey: q.APIKey, UserID: q.UserID, TeamID: q.TeamID, EndUser: q.EndUser, SessionID: q.SessionID,
		Model: q.Model, ModelID: q.ModelID, ModelGroup: q.ModelGroup, Status: q.Status, KeyAlias: q.KeyAlias,
		PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	}
	if q.HTTPStatus != nil {
		status := int32(*q.HTTPStatus) //nolint:gosec // three digits
		p.HttpStatus = &status
	}
	var err error
	if p.MinNano, err = nano(q.MinSpend); err != nil {
		return nil, err
	}
	if p.MaxNano, err = nano(q.MaxSpend); err != nil {
		return nil, err
	}
	p.Sort, err = q.sort()
	return p, err
}

func nano(usd *float64) (*int64, error) {
	if usd == nil {
		return nil, nil //nolint:nilnil // not given
	}
	n, err := money.FromUSD(*usd)
	if err != nil {
		return nil, apierr.BadRequest("%v USD is out of range", *usd)
	}
	v := int64(n)
	return &v, nil
}

func (q *PageQuery) sort() (string, error) {
	by, order := q.SortBy, q.SortOrder
	if by == "" {
		by = "startTime"
	}
	if order == "" {
		order = "desc"
	}
	switch by {
	case "startTime", "endTime", "spend", "total_tokens":
	default:
		return "", apierr.BadRequest("Invalid sort_by: %.40s. Must be one of: startTime, endTime, spend, total_tokens", by)
	}
	if order != "asc" && order != "desc" {
		return "", apierr.BadRequest("Invalid sort_order: %.40s. Must be one of: asc, desc", order)
	}
	return by + " " + order, nil
}

func pageParams(p *db.SpendPageSortedParams) db.SpendPageParams {
	return db.SpendPageParams{
		StartAfter: p.StartAfter, StartBefore: p.StartBefore, RequestID: p.RequestID, ApiKey: p.ApiKey, UserID: p.UserID, TeamID: p.TeamID, EndUser: p.EndUser, SessionID: p.SessionID,
		Model: p.Model, ModelID: p.ModelID, ModelGroup: p.ModelGroup, Status: p.Status, HttpStatus: p.HttpStatus, KeyAlias: p.KeyAlias,
		MinNano: p.MinNano, MaxNano: p.MaxNano, PageSize: p.PageSize, Skip: p.Skip,
	}
}

func countParams(p *db.SpendPageSortedParams) db.SpendCountParams {
	return db.SpendCountParams{
		StartAfter: p.StartAfter, StartBefore: p.StartBefore, RequestID: p.RequestID, ApiKey: p.ApiKey, UserID: p.UserID, TeamID: p.TeamID, EndUser: p.EndUser, SessionID: p.SessionID,
		Model: p.Model, ModelID: p.ModelID, ModelGroup: p.ModelGroup, Status: p.Status, HttpStatus: p.HttpStatus, KeyAlias: p.KeyAlias,
		MinNano: p.MinNano, MaxNano: p.MaxNano, Most: mostCounted + 1,
	}
}
