// Package trail reads the audit trail, archives what is too old, and verifies
// the chain that links its entries. It owns no goroutine: Retention.Run is
// called by whoever leads.
package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Service reads the trail. It is safe for concurrent use.
type Service struct{ store *store.Store }

// New returns a service over the store.
func New(st *store.Store) *Service { return &Service{store: st} }

// Query is the query of GET /audit.
type Query struct {
	Page, Size                                       int
	ChangedBy, ChangedByKey, Action, Table, ObjectID *string
	TeamID, KeyHash                                  *string
	After, Before                                    *time.Time
	SortBy, SortOrder                                string
}

// Entry is an entry as LiteLLM shows it.
type Entry struct {
	ID              uuid.UUID       `json:"id"`
	UpdatedAt       time.Time       `json:"updated_at"`
	ChangedBy       string          `json:"changed_by"`
	ChangedByAPIKey string          `json:"changed_by_api_key"`
	Action          string          `json:"action"`
	TableName       string          `json:"table_name"`
	ObjectID        string          `json:"object_id"`
	BeforeValue     json.RawMessage `json:"before_value"`
	UpdatedValues   json.RawMessage `json:"updated_values"`
}

// Page is the reply of GET /audit.
type Page struct {
	AuditLogs  []Entry `json:"audit_logs"`
	Total      int64   `json:"total"`
	Page       int     `json:"page"`
	PageSize   int     `json:"page_size"`
	TotalPages int64   `json:"total_pages"`
}

// List returns one page of the trail.
func (s *Service) List(ctx context.Context, q *Query) (Page, error) {
	if err := q.check(); err != nil {
		return Page{}, err
	}
	var table *string
	if q.Table != nil {
		t := string(audit.TableOf(*q.Table))
		table = &t
	}
	rows, err := s.store.AuditList(ctx, s.store.Reader(), db.AuditListParams{
		ChangedBy: q.ChangedBy, ChangedByApiKey: q.ChangedByKey, Action: q.Action, TableName: table, ObjectID: q.ObjectID,
		After: q.After, Before: q.Before, ObjectTeamID: q.TeamID, ObjectKeyHash: q.KeyHash,
		Sort: q.SortBy + " " + q.SortOrder, PageSize: int32(q.Size), Skip: int32((q.Page - 1) * q.Size), //nolint:gosec // both are bounded where they are read
	})
	if err != nil {
		return Page{}, fmt.Errorf("list audit logs: %w", err)
	}
	total, err := s.store.AuditCount(ctx, s.store.Reader(), db.AuditCountParams{
		ChangedBy: q.ChangedBy, ChangedByApiKey: q.ChangedByKey, Action: q.Action, TableName: table, ObjectID: q.ObjectID,
		After: q.After, Before: q.Before, ObjectTeamID: q.TeamID, ObjectKeyHash: q.KeyHash,
	})
	if err != nil {
		return Page{}, fmt.Errorf("count audit logs: %w", err)
	}
	p := Page{AuditLogs: make([]Entry, len(rows)), Total: total, Page: q.Page, PageSize: q.Size, TotalPages: (total + int64(q.Size) - 1) / int64(q.Size)}
	for i := range rows {
		p.AuditLogs[i] = show(&rows[i])
	}
	return p, nil
}

func (q *Query) check() error {
	if q.SortBy == "" {
		q.SortBy = "updated_at"
	}
	if q.SortOrder == "" {
		q.SortOrder = "desc"
	}
	switch q.SortBy {
	case "id", "updated_at", "changed_by", "changed_by_api_key", "action", "table_name", "object_id":
	default:
		return apierr.BadRequest("Invalid sort column: %.64s. Must be one of: id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id", q.SortBy)
	}
	if q.SortOrder != "asc" && q.SortOrder != "desc" {
		return apierr.BadRequest("Invalid sort order: %.64s. Must be one of: asc, desc", q.SortOrder)
	}
	return nil
}

// Get returns one entry.
func (s *Service) Get(ctx context.Context, id string) (Entry, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return Entry{}, missing(id)
	}
	row, err := s.store.AuditByID(ctx, s.store.DB(), pgtype.UUID{Bytes: parsed, Valid: true})
	if errors.Is(err, store.ErrNotFound) {
		return Entry{}, missing(id)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("read audit log: %w", err)
	}
	return show(&row), nil
}

func missing(id string) error {
	return apierr.New(http.StatusNotFound, apierr.TypeNotFound, "Audit log with ID %.64s not found", id)
}

func show(r *db.AuditLog) Entry {
	return Entry{
		ID: r.ID.Bytes, UpdatedAt: r.UpdatedAt.UTC(), ChangedBy: r.ChangedBy, ChangedByAPIKey: r.ChangedByApiKey, Action: r.Action,
		TableName: r.TableName, ObjectID: r.ObjectID, BeforeValue: r.BeforeValue, UpdatedValues: r.UpdatedValues,
	}
}
