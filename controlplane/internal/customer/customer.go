// Package customer manages customers by LiteLLM's rules: the end users of
// somebody's application, whom requests name. A customer may be held to limits,
// be blocked, or be given a model.
//
// Customers that spend without being registered are made by package ledger. It
// owns no goroutine.
package customer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Models tells which models there are.
type Models interface {
	// Groups returns the names of model groups, patterns among them.
	Groups(ctx context.Context) ([]string, error)
}

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	models Models
}

// New returns a service over the store.
func New(st *store.Store, models Models) *Service { return &Service{store: st, models: models} }

// New registers a customer.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (Stored, error) {
	wanted, err := s.fresh(ctx, r)
	if err != nil {
		return Stored{}, err
	}
	var out Stored
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.CustomerInsert(ctx, tx, insertParams(wanted))
		if _, taken := store.Duplicate(err); taken {
			return &apierr.Error{Status: http.StatusBadRequest, Type: "bad_request", Param: "user_id", Message: fmt.Sprintf(
				"Customer already exists, passed user_id=%s. Please pass a new user_id.", r.UserID.Value)}
		}
		if err != nil {
			return fmt.Errorf("write customer: %w", err)
		}
		if out, err = s.write(ctx, tx, who, row, r); err != nil {
			return err
		}
		return tx.Audited(ctx, entry(who, audit.Created, row.UserID, nil, out))
	})
	return out, err
}

// write gives a customer the budget that a request asks for, stores the row and
// returns what came of it.
func (s *Service) write(ctx context.Context, tx *store.Tx, who caller.Caller, row db.EndUserTable, r *Request) (Stored, error) {
	var err error
	row.BudgetID, err = tier.Assign(ctx, s.store, tx, tier.Assignment{
		Owner: tier.Owner(store.KindCustomer, row.UserID), Current: row.BudgetID, BudgetID: r.BudgetID, Fields: &r.Fields, By: *who.ID(),
	})
	if err != nil {
		return Stored{}, err
	}
	if row, err = s.store.CustomerUpdate(ctx, tx, updateParams(row)); err != nil {
		return Stored{}, fmt.Errorf("write customer: %w", err)
	}
	if err := tx.Changed(ctx, store.KindCustomer, row.UserID); err != nil {
		return Stored{}, err
	}
	return s.stored(ctx, tx, row)
}

// Update changes what was sent; nothing, zero and false change nothing, as at
// LiteLLM.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *Request) (Stored, error) {
	r.dropFalsy()
	if err := s.check(ctx, r); err != nil {
		return Stored{}, err
	}
	var out Stored
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.CustomerForUpdate(ctx, tx, r.UserID.Value)
		if err != nil {
			return lost("user_id", r.UserID.Value, err)
		}
		before, err := s.stored(ctx, tx, row)
		if err != nil {
			return err
		}
		r.apply(&row)
		if out, err = s.write(ctx, tx, who, row, r); err != nil {
			return err
		}
		return tx.AuditedChange(ctx, entry(who, audit.Updated, row.UserID, before, out))
	})
	return out, err
}

func lost(param, id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFound(param, fmt.Sprintf("End User Id=%s does not exist in db", id))
	}
	return fmt.Errorf("read customer: %w", err)
}

func notFound(param, message string) error {
	return &apierr.Error{Status: http.StatusNotFound, Type: "not_found", Param: param, Message: message}
}

// Info returns a customer.
func (s *Service) Info(ctx context.Context, _ caller.Caller, id string) (Row, error) {
	if id == "" {
		e := apierr.Invalid("missing", "end_user_id", "Field required")
		e.Invalid.Loc[0] = "query"
		return Row{}, e
	}
	row, err := s.store.CustomerByID(ctx, s.store.DB(), id)
	if err != nil {
		return Row{}, lost("end_user_id", id, err)
	}
	out, err := s.stored(ctx, s.store.DB(), row)
	return out.Row, err
}

// List returns customers in the order of their ids.
func (s *Service) List(ctx context.Context, _ caller.Caller) ([]Row, error) {
	rows, err := s.store.CustomerList(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list customers: %w", err)
	}
	all, err := s.views(ctx, s.store.DB(), rows)
	if err != nil {
		return nil, err
	}
	out := make([]Row, len(all))
	for i, v := range all {
		out[i] = v.Row
	}
	return out, nil
}

// Deleted is the reply of /customer/delete.
type Deleted struct {
	Count   int    `json:"deleted_customers"`
	Message string `json:"message"`
}

// Delete removes customers; all of them or none.
func (s *Service) Delete(ctx context.Context, who caller.Caller, ids []string) (Deleted, error) {
	if err := bounds.CheckIDs("user_ids", ids); err != nil {
		return Deleted{}, err
	}
	var found []string
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		rows, err := s.store.CustomersLock(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read customers: %w", err)
		}
		found = userIDs(rows)
		if missing := without(ids, found); len(missing) > 0 {
			return notFound("user_ids", "End User Id(s)="+bounds.Repr(missing)+" do not exist in db")
		}
		if err := s.auditDeleted(ctx, tx, who, rows); err != nil {
			return err
		}
		if err := s.store.CustomersDelete(ctx, tx, found); err != nil {
			return fmt.Errorf("delete customers: %w", err)
		}
		if err := tier.Drop(ctx, s.store, tx, store.KindCustomer, found); err != nil {
			return err
		}
		return tx.ChangedAll(ctx, store.KindCustomer, found)
	})
	return Deleted{Count: len(found), Message: "Successfully deleted customers with ids: " + bounds.Repr(ids)}, err
}

func without(ids, found []string) []string {
	var missing []string
	for _, id := range ids {
		if !slices.Contains(found, id) {
			missing = append(missing, id)
		}
	}
	return missing
}
