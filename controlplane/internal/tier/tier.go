// Package tier manages budgets by LiteLLM's rules: tiers, which any number of
// keys, members, customers, organisations and tags may share, and the budgets
// that one of those has for itself (see Assign).
//
// It decides what a budget says. Who is held to it is told by package publish,
// which finds all users of one that changed. It owns no goroutine.
package tier

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
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct{ store *store.Store }

// New returns a service over the store.
func New(st *store.Store) *Service { return &Service{store: st} }

func entry(who caller.Caller, action audit.Action, id string, before, after any) *audit.Entry {
	return &audit.Entry{Actor: who.Actor(), Action: action, Table: audit.Budgets, ObjectID: id, Before: before, After: after}
}

// New makes a tier.
func (s *Service) New(ctx context.Context, who caller.Caller, r *Request) (Row, error) {
	id := r.BudgetID.Or("")
	if id == "" {
		id = uuid.NewString()
	}
	if err := bounds.CheckID("budget_id", id); err != nil {
		return Row{}, err
	}
	wanted := db.BudgetTable{BudgetID: id, CreatedBy: *who.ID()}
	if err := r.apply(&wanted, time.Now()); err != nil {
		return Row{}, err
	}
	var row db.BudgetTable
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		row, err = s.store.BudgetInsert(ctx, tx, insertParams(wanted))
		if _, taken := store.Duplicate(err); taken {
			return apierr.Detail(http.StatusBadRequest, "Budget with id '%s' already exists.", id)
		}
		if err != nil {
			return fmt.Errorf("write budget: %w", err)
		}
		if err := tx.Audited(ctx, entry(who, audit.Created, id, nil, show(row))); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindBudget, id) // keys may name it already
	})
	return show(row), err
}

// Update changes what was sent, for all who use the budget.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *Request) (Row, error) {
	id := r.BudgetID.Or("")
	if id == "" {
		return Row{}, apierr.Detail(http.StatusBadRequest, "budget_id is required")
	}
	var row db.BudgetTable
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if row, err = s.store.BudgetForUpdate(ctx, tx, id); err != nil {
			return lost(id, err)
		}
		before := show(row)
		if err := r.apply(&row, time.Now()); err != nil {
			return err
		}
		row.UpdatedBy = *who.ID()
		if row, err = s.store.BudgetUpdate(ctx, tx, updateParams(row)); err != nil {
			return fmt.Errorf("write budget: %w", err)
		}
		if err := tx.AuditedChange(ctx, entry(who, audit.Updated, id, before, show(row))); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindBudget, id)
	})
	return show(row), err
}

func lost(id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return apierr.Detail(http.StatusNotFound, "Budget with id '%s' not found.", id)
	}
	return fmt.Errorf("read budget: %w", err)
}

// Info returns those budgets that exist.
func (s *Service) Info(ctx context.Context, _ caller.Caller, ids []string) ([]Row, error) {
	if len(ids) == 0 {
		return nil, apierr.Detail(http.StatusBadRequest, "Specify list of budget id's to query. Passed in=[]")
	}
	if err := bounds.CheckLen("budgets", len(ids)); err != nil {
		return nil, err
	}
	rows, err := s.store.BudgetsByIDs(ctx, s.store.DB(), ids)
	if err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	return shown(rows), nil
}

// List returns the latest budgets.
func (s *Service) List(ctx context.Context, _ caller.Caller) ([]Row, error) {
	rows, err := s.store.BudgetList(ctx, s.store.DB())
	if err != nil {
		return nil, fmt.Errorf("list budgets: %w", err)
	}
	return shown(rows), nil
}

// Delete removes a budget. Whoever used it is let go of it by package publish.
func (s *Service) Delete(ctx context.Context, who caller.Caller, id string) (Row, error) {
	if id == "" {
		return Row{}, apierr.Invalid("missing", "id", "Field required")
	}
	var row db.BudgetTable
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		if row, err = s.store.BudgetDelete(ctx, tx, id); err != nil {
			return lost(id, err)
		}
		if err := s.store.BudgetOrgMembersLeave(ctx, tx, &id); err != nil {
			return fmt.Errorf("let members of organizations go: %w", err)
		}
		if err := tx.Audited(ctx, entry(who, audit.Deleted, id, show(row), audit.Nothing{})); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindBudget, id)
	})
	return show(row), err
}

// Limits returns what a budget says, or nil when it does not exist.
func (s *Service) Limits(ctx context.Context, id string) (*contract.Limits, error) {
	all, err := Resolve(ctx, s.store, s.store.DB(), []string{id})
	if err != nil {
		return nil, err
	}
	row, ok := all[id]
	if !ok {
		return nil, nil //nolint:nilnil // there is none
	}
	return new(Columns(&row).Limits()), nil
}
