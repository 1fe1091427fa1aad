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
	row, err := s.fresh(ctx, r)
	if err != nil {
		return Stored{}, err
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err = s.store.CustomerInsert(ctx, tx, insertParams(row))
		if _, taken := store.Duplicate(err); taken {
			return &apierr.Error{Status: http.StatusBadRequest, Type: "bad_request", Param: "user_id", Message: fmt.Sprintf(
				"Customer already exists, passed user_id=%s. Please pass a new user_id.", r.UserID.Value)}
		}
		if err != nil {
			return fmt.Errorf("write customer: %w", err)
		}
		row, err = s.write(ctx, tx, who, row, r)
		return err
	})
	if err != nil {
		return Stored{}, err
	}
	return s.stored(ctx, row)
}

// write gives a customer the budget that a request asks for and stores the
// row.
func (s *Service) write(ctx context.Context, tx *store.Tx, who caller.Caller, row db.EndUserTable, r *Request) (db.EndUserTable, error) {
	var err error
	row.BudgetID, err = tier.Assign(ctx, s.store, tx, tier.Assignment{
		Owner: tier.Owner(store.KindCustomer, row.UserID), Current: row.BudgetID, BudgetID: r.BudgetID, Fields: &r.Fields, By: *who.ID(),
	})
	if err != nil {
		return row, err
	}
	if row, err = s.store.CustomerUpdate(ctx, tx, updateParams(row)); err != nil {
		return row, fmt.Errorf("write customer: %w", err)
	}
	return row, tx.Changed(ctx, store.KindCustomer, row.UserID)
}

// Update changes what was sent; nothing, zero and false change nothing, as at
// LiteLLM.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *Request) (Stored, error) {
	r.dropFalsy()
	if err := s.check(ctx, r); err != nil {
		return Stored{}, err
	}
	var row db.EndUserTable
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if row, err = s.store.CustomerForUpdate(ctx, tx, r.UserID.Value); err != nil {
			return lost("user_id", r.UserID.Value, err)
		}
		r.apply(&row)
		row, err = s.write(ctx, tx, who, row, r)
		return err
	})
	if err != nil {
		return Stored{}, err
	}
	return s.stored(ctx, row)
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
	out, err := s.stored(ctx, row)
	return out.Row, err
}

// List returns customers in the order of their ids.
func (s *Service) List(ctx context.Context, _ caller.Caller) ([]Row, error) {
	rows, err := s.store.CustomerList(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list customers: %w", err)
	}
	all, err := s.views(ctx, rows)
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
func (s *Service) Delete(ctx context.Context, _ caller.Caller, ids []string) (Deleted, error) {
	if err := bounds.CheckIDs("user_ids", ids); err != nil {
		return Deleted{}, err
	}
	var found []string
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if found, err = s.store.CustomersExisting(ctx, tx, ids); err != nil {
			return fmt.Errorf("read customers: %w", err)
		}
		if missing := without(ids, found); len(missing) > 0 {
			return notFound("user_ids", "End User Id(s)="+bounds.Repr(missing)+" do not exist in db")
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

// Block blocks customers, and makes those that are not known.
func (s *Service) Block(ctx context.Context, _ caller.Caller, ids []string) ([]Stored, error) {
	if err := bounds.CheckIDs("user_ids", ids); err != nil {
		return nil, err
	}
	var rows []db.EndUserTable
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if rows, err = s.store.CustomersBlock(ctx, tx, ids); err != nil {
			return fmt.Errorf("block customers: %w", err)
		}
		blocked := make([]string, len(rows))
		for i, r := range rows {
			blocked[i] = r.UserID
		}
		return tx.ChangedAll(ctx, store.KindCustomer, blocked)
	})
	if err != nil {
		return nil, err
	}
	return s.views(ctx, rows)
}

// Unblock ends the blocking of customers and returns the ids of those that are
// still blocked. LiteLLM forgets to write it down.
func (s *Service) Unblock(ctx context.Context, _ caller.Caller, ids []string) ([]string, error) {
	if err := bounds.CheckIDs("user_ids", ids); err != nil {
		return nil, err
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		freed, err := s.store.CustomersUnblock(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("unblock customers: %w", err)
		}
		return tx.ChangedAll(ctx, store.KindCustomer, freed)
	})
	if err != nil {
		return nil, err
	}
	blocked, err := s.store.CustomersBlocked(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list blocked customers: %w", err)
	}
	return blocked, nil
}
