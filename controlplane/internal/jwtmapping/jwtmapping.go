// Package jwtmapping keeps which virtual key a value of a claim stands for, in
// tokens of identity providers: whoever comes with such a token is that key, with
// its owners, its limits and its budget. Data planes learn of each change before
// it is answered. It owns no goroutine.
package jwtmapping

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
)

const (
	// longestClaim bounds the name and the value of a claim in bytes: both are
	// parts of one key in a bucket.
	longestClaim = 256
	// MostPage is how many mappings a page may have.
	MostPage = 100
)

// Service holds the rules. It is safe for concurrent use.
type Service struct{ store *store.Store }

// New returns a service over the store.
func New(st *store.Store) *Service { return &Service{store: st} }

// Request is the body of /jwt/key/mapping/new and /jwt/key/mapping/update, which
// changes what was sent.
type Request struct {
	ID          field.Of[string] `json:"id"`
	Claim       field.Of[string] `json:"jwt_claim_name"`
	Value       field.Of[string] `json:"jwt_claim_value"`
	Key         field.Of[string] `json:"key"`
	Description field.Of[string] `json:"description"`
	Active      field.Of[bool]   `json:"is_active"`
}

// View is a mapping as it is shown: without the key, but for its name.
type View struct {
	ID          string    `json:"id"`
	Claim       string    `json:"jwt_claim_name"`
	Value       string    `json:"jwt_claim_value"`
	KeyName     *string   `json:"key_name"`
	Description *string   `json:"description"`
	Active      bool      `json:"is_active"`
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   *string   `json:"created_by"`
	UpdatedAt   time.Time `json:"updated_at"`
	UpdatedBy   *string   `json:"updated_by"`
}

// Page is the reply of /jwt/key/mapping/list.
type Page struct {
	Mappings []View `json:"mappings"`
	Total    int64  `json:"total_count"`
	Page     int    `json:"page"`
	Size     int    `json:"size"`
	Pages    int64  `json:"total_pages"`
}

// Deleted is the reply of /jwt/key/mapping/delete.
type Deleted struct {
	Status string `json:"status"`
	ID     string `json:"id"`
}

// traced is a mapping in the audit trail, with the hash of its key.
type traced struct {
	View

	Token *string `json:"token"`
}

func show(m *db.JwtKeyMapping, keyName string) View {
	v := View{
		ID: m.ID, Claim: m.JwtClaimName, Value: m.JwtClaimValue, Description: m.Description, Active: m.IsActive,
		CreatedAt: m.CreatedAt.UTC(), CreatedBy: m.CreatedBy, UpdatedAt: m.UpdatedAt.UTC(), UpdatedBy: m.UpdatedBy,
	}
	if keyName != "" {
		v.KeyName = &keyName
	}
	return v
}

func trace(m *db.JwtKeyMapping) traced { return traced{show(m, ""), m.Token} }

func entry(who caller.Caller, action audit.Action, id string, before, after any) *audit.Entry {
	return &audit.Entry{Actor: who.Actor(), Action: action, Table: audit.JWTMappings, ObjectID: id, Before: before, After: after}
}

func missing(member string) error { return apierr.Invalid("missing", member, "Field required") }

// New makes a mapping.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (View, error) {
	for _, f := range []struct {
		name string
		sent bool
	}{{"jwt_claim_name", r.Claim.Ptr() != nil}, {"jwt_claim_value", r.Value.Ptr() != nil}, {"key", r.Key.Ptr() != nil}} {
		if !f.sent {
			return View{}, missing(f.name)
		}
	}
	row := db.JwtKeyMapping{ID: uuid.NewString(), IsActive: true}
	var name string
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if name, err = s.apply(ctx, tx, &row, r); err != nil {
			return err
		}
		row, err = s.store.JWTMappingInsert(ctx, tx, db.JWTMappingInsertParams{
			ID: row.ID, JwtClaimName: row.JwtClaimName, JwtClaimValue: row.JwtClaimValue, Token: row.Token,
			Description: row.Description, IsActive: row.IsActive, CreatedBy: who.ID(),
		})
		if err != nil {
			return written(err, r)
		}
		if err := tx.Audited(ctx, entry(who, audit.Created, row.ID, nil, trace(&row))); err != nil {
			return err
		}
		return changed(ctx, tx, &row)
	})
	if err != nil {
		return View{}, err
	}
	return show(&row, name), nil
}

// Update changes what was sent.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *Request) (View, error) {
	if r.ID.Ptr() == nil {
		return View{}, missing("id")
	}
	var out View
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		before, err := s.lock(ctx, tx, r.ID.Value)
		if err != nil {
			return err
		}
		row := before
		name, err := s.apply(ctx, tx, &row, r)
		if err != nil {
			return err
		}
		row, err = s.store.JWTMappingUpdate(ctx, tx, db.JWTMappingUpdateParams{
			ID: row.ID, JwtClaimName: row.JwtClaimName, JwtClaimValue: row.JwtClaimValue, Token: row.Token,
			Description: row.Description, IsActive: row.IsActive, UpdatedBy: who.ID(),
		})
		if err != nil {
			return written(err, r)
		}
		if err := tx.AuditedChange(ctx, entry(who, audit.Updated, row.ID, trace(&before), trace(&row))); err != nil {
			return err
		}
		if before.JwtClaimName != row.JwtClaimName || before.JwtClaimValue != row.JwtClaimValue {
			if err := changed(ctx, tx, &before); err != nil {
				return err
			}
		}
		out = show(&row, name)
		return changed(ctx, tx, &row)
	})
	return out, err
}

// Delete removes a mapping: its tokens are then like those that never had one.
func (s *Service) Delete(ctx context.Context, who caller.Caller, r *Request) (Deleted, error) {
	if r.ID.Ptr() == nil {
		return Deleted{}, missing("id")
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.lock(ctx, tx, r.ID.Value)
		if err != nil {
			return err
		}
		if err := s.store.JWTMappingDelete(ctx, tx, row.ID); err != nil {
			return fmt.Errorf("delete mapping: %w", err)
		}
		if err := tx.Audited(ctx, entry(who, audit.Deleted, row.ID, trace(&row), audit.Nothing{})); err != nil {
			return err
		}
		return changed(ctx, tx, &row)
	})
	if err != nil {
		return Deleted{}, err
	}
	return Deleted{Status: "success", ID: r.ID.Value}, nil
}

// Info returns a mapping.
func (s *Service) Info(ctx context.Context, id string) (View, error) {
	row, err := s.store.JWTMappingByID(ctx, s.store.DB(), id)
	if err != nil {
		return View{}, lost(id, err)
	}
	return show(&row.JwtKeyMapping, row.KeyName), nil
}

// List returns a page of mappings, the newest first. page counts from 1.
func (s *Service) List(ctx context.Context, page, size int) (Page, error) {
	rows, err := s.store.JWTMappingsPage(ctx, s.store.DB(), db.JWTMappingsPageParams{PageSize: int32(size), Skip: int32((page - 1) * size)}) //nolint:gosec // the caller bounds both
	if err != nil {
		return Page{}, fmt.Errorf("read mappings: %w", err)
	}
	out := Page{Mappings: make([]View, len(rows)), Page: page, Size: size}
	for i := range rows {
		out.Mappings[i] = show(&rows[i].JwtKeyMapping, rows[i].KeyName)
	}
	if out.Total, err = s.store.JWTMappingsCount(ctx, s.store.DB()); err != nil {
		return Page{}, fmt.Errorf("count mappings: %w", err)
	}
	out.Pages = (out.Total + int64(size) - 1) / int64(size)
	return out, nil
}

func (s *Service) lock(ctx context.Context, tx *store.Tx, id string) (db.JwtKeyMapping, error) {
	row, err := s.store.JWTMappingForUpdate(ctx, tx, id)
	if err != nil {
		return row, lost(id, err)
	}
	return row, nil
}

func lost(id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return apierr.Detail(http.StatusNotFound, "JWT key mapping not found, id=%.128s", id)
	}
	return fmt.Errorf("read mapping: %w", err)
}

// apply changes what was sent, and returns the name of the key.
func (s *Service) apply(ctx context.Context, tx *store.Tx, row *db.JwtKeyMapping, r *Request) (keyName string, err error) {
	for _, f := range []struct {
		name string
		sent field.Of[string]
		to   *string
	}{{"jwt_claim_name", r.Claim, &row.JwtClaimName}, {"jwt_claim_value", r.Value, &row.JwtClaimValue}} {
		if !f.sent.Sent {
			continue
		}
		if err := errors.Join(bounds.CheckID(f.name, f.sent.Value), bounds.CheckText(f.name, f.sent.Value, longestClaim)); err != nil {
			return "", first(err)
		}
		*f.to = f.sent.Value
	}
	if err := bounds.CheckOptional("description", r.Description.Ptr(), bounds.Text); err != nil {
		return "", err
	}
	r.Description.Into(&row.Description)
	if r.Active.Ptr() != nil {
		row.IsActive = r.Active.Value
	}
	if sent := r.Key.Ptr(); sent != nil {
		row.Token = new(ident.KeyToken(*sent))
	}
	if row.Token == nil {
		return "", nil
	}
	key, err := s.store.KeyByToken(ctx, tx, *row.Token)
	if errors.Is(err, store.ErrNotFound) {
		return "", &apierr.Error{Status: http.StatusNotFound, Type: apierr.TypeNotFound, Param: "key", Message: "Key not found in database"}
	}
	if err != nil {
		return "", fmt.Errorf("read key: %w", err)
	}
	if key.KeyName != nil {
		keyName = *key.KeyName
	}
	return keyName, nil
}

// first is the public error among those that were joined.
func first(err error) error {
	if e, ok := errors.AsType[*apierr.Error](err); ok {
		return e
	}
	return err
}

// written is what an error of writing a mapping means.
func written(err error, r *Request) error {
	if constraint, ok := store.Duplicate(err); ok && constraint == "jwt_key_mapping_claim" {
		return apierr.Detail(http.StatusConflict, "A mapping for %.128s='%.128s' already exists. Update it, or delete it first.", r.Claim.Value, r.Value.Value)
	}
	return fmt.Errorf("write mapping: %w", err)
}

// changed has data planes learn of a mapping.
func changed(ctx context.Context, tx *store.Tx, m *db.JwtKeyMapping) error {
	return tx.Changed(ctx, store.KindJWTMapping, contract.JWTMappingID(m.JwtClaimName, m.JwtClaimValue))
}
