package tier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Owner is the text by which a budget says whose it is.
func Owner(kind store.Kind, objectID string) string { return string(kind) + " " + objectID }

// OwnerOf undoes Owner.
func OwnerOf(owner string) (kind store.Kind, objectID string) {
	k, id, _ := strings.Cut(owner, " ")
	return store.Kind(k), id
}

// Assignment is what a request says about the budget of somebody.
type Assignment struct {
	// Owner is whose budget it is, see Owner; Current is the budget they have.
	Owner   string
	Current *string
	// BudgetID and Fields are what was sent: a tier, and what is different from
	// it for the owner alone.
	BudgetID field.Of[string]
	Fields   *limit.Fields
	// Columns replaces columns of the budget where the owner has a place of its
	// own for them. Nil leaves them.
	Columns func(*limit.Columns)
	// Always makes a budget even when nothing was said.
	Always bool
	By     string
}

// Assign gives somebody the budget that a request asks for and returns its id.
// What is said beside a tier is kept in a budget of the owner's own, based on
// the tier: it comes first, and changes of the tier still reach the rest. A new
// tier replaces both.
func Assign(ctx context.Context, st *store.Store, tx *store.Tx, a Assignment) (*string, error) {
	own, base, err := current(ctx, st, tx, &a)
	if err != nil {
		return nil, err
	}
	if a.BudgetID.Sent && (own == nil || a.BudgetID.Or("") != own.BudgetID) {
		if own, base, err = a.replaced(ctx, st, tx, own); err != nil {
			return nil, err
		}
	}
	switch {
	case own != nil && a.Fields.SetsLimits():
		return a.change(ctx, st, tx, own, base)
	case own != nil:
		return &own.BudgetID, nil
	case a.Fields.SetsLimits() || a.Always && base == nil:
		return a.create(ctx, st, tx, base)
	default:
		return base, nil
	}
}

// replaced begins anew with the tier that was asked for. A budget of the
// owner's own stays, empty, when something is to be kept in it.
func (a *Assignment) replaced(ctx context.Context, st *store.Store, tx *store.Tx, own *db.BudgetTable) (empty *db.BudgetTable, base *string, err error) {
	if id := a.BudgetID.Or(""); id != "" {
		if err := Use(ctx, st, tx, id); err != nil {
			return nil, nil, err
		}
		base = &id
	}
	switch {
	case own == nil:
		return nil, base, nil
	case a.Fields.SetsLimits():
		return &db.BudgetTable{BudgetID: own.BudgetID, Owner: own.Owner}, base, nil
	}
	if err := st.BudgetsDeleteByOwner(ctx, tx, []string{a.Owner}); err != nil {
		return nil, nil, fmt.Errorf("drop budget: %w", err)
	}
	return nil, base, nil
}

// current returns the owner's own budget, if they have one, and the tier.
func current(ctx context.Context, st *store.Store, tx *store.Tx, a *Assignment) (own *db.BudgetTable, base *string, err error) {
	row, err := st.BudgetByOwner(ctx, tx, a.Owner)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, a.Current, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read budget: %w", err)
	}
	return &row, row.BasedOn, nil
}

func (a *Assignment) apply(row *db.BudgetTable) error {
	c := Columns(row)
	if a.Columns != nil {
		a.Columns(&c)
	}
	return a.Fields.ApplyLimits(c, rules(time.Now()))
}

func (a *Assignment) create(ctx context.Context, st *store.Store, tx *store.Tx, base *string) (*string, error) {
	row := db.BudgetTable{BudgetID: uuid.NewString(), Owner: &a.Owner, BasedOn: base, CreatedBy: a.By}
	if err := a.apply(&row); err != nil {
		return nil, err
	}
	complete(&row)
	if _, err := st.BudgetInsert(ctx, tx, insertParams(row)); err != nil {
		return nil, fmt.Errorf("write budget: %w", err)
	}
	return &row.BudgetID, nil
}

func (a *Assignment) change(ctx context.Context, st *store.Store, tx *store.Tx, row *db.BudgetTable, base *string) (*string, error) {
	if err := a.apply(row); err != nil {
		return nil, err
	}
	complete(row)
	row.BasedOn, row.UpdatedBy = base, a.By
	if _, err := st.BudgetUpdate(ctx, tx, updateParams(*row)); err != nil {
		return nil, fmt.Errorf("write budget: %w", err)
	}
	return &row.BudgetID, nil
}

// complete gives columns that may not be null their defaults.
func complete(row *db.BudgetTable) {
	for _, c := range []struct {
		to  *[]byte
		def string
	}{{(*[]byte)(&row.BudgetLimits), "[]"}, {(*[]byte)(&row.ModelMaxBudget), "{}"}, {(*[]byte)(&row.Metadata), "{}"}} {
		if len(*c.to) == 0 {
			*c.to = []byte(c.def)
		}
	}
}

// Use notes that somebody is to have a budget, which must exist and can not be
// deleted before the transaction ends. A budget of one owner becomes a tier
// when others use it.
func Use(ctx context.Context, st *store.Store, tx *store.Tx, id string) error {
	if err := bounds.CheckID("budget_id", id); err != nil {
		return err
	}
	row, err := st.BudgetLock(ctx, tx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refuse("Budget with id '%s' does not exist.", id)
	case err != nil:
		return fmt.Errorf("read budget: %w", err)
	case row.Owner == nil:
		return nil
	case row.BasedOn != nil:
		return refuse("Budget with id '%s' says what is different for one owner and can not be shared.", id)
	}
	if err := st.BudgetShare(ctx, tx, id); err != nil {
		return fmt.Errorf("write budget: %w", err)
	}
	return nil
}

func refuse(format string, args ...any) error {
	e := apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, format, args...)
	e.NoneText = true
	return e
}

// Drop removes the budgets that owners have for themselves.
func Drop(ctx context.Context, st *store.Store, tx *store.Tx, kind store.Kind, objectIDs []string) error {
	owners := make([]string, len(objectIDs))
	for i, id := range objectIDs {
		owners[i] = Owner(kind, id)
	}
	if err := st.BudgetsDeleteByOwner(ctx, tx, owners); err != nil {
		return fmt.Errorf("drop budgets: %w", err)
	}
	return nil
}
