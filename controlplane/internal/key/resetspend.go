package key

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/money"
)

// SpendReset is the reply of /key/{key}/reset_spend.
type SpendReset struct {
	KeyHash       string     `json:"key_hash"`
	Spend         float64    `json:"spend"`
	PreviousSpend float64    `json:"previous_spend"`
	MaxBudget     *float64   `json:"max_budget"`
	BudgetResetAt *time.Time `json:"budget_reset_at"`
}

// ResetSpend makes what a key has spent in the present period of its budget less.
// What was booked of its calls stays. By the reply the counter of its budget is
// what its row says, for publishing the key brings it there; a data plane that has
// just refused the key asks again after half a second.
func (s *Service) ResetSpend(ctx context.Context, who caller.Caller, sent string, usd float64) (SpendReset, error) {
	to, err := money.FromUSD(usd)
	if err != nil || to < 0 {
		return SpendReset{}, apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "reset_to must be a number of dollars, at least 0. Received: %g", usd)
	}
	var out SpendReset
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.lock(ctx, tx, sent)
		if err != nil {
			return err
		}
		k, err := s.rights(ctx, tx, who, &row)
		if err != nil {
			return err
		}
		if err := who.May().ResetSpend(k); err != nil {
			return err
		}
		before := row
		budget.Roll(&row.SpendNano, &row.BudgetResetAt, row.BudgetDuration, time.Now())
		most, err := s.mostToSpend(ctx, tx, &row)
		if err != nil {
			return err
		}
		if err := mayReset(to, money.Nano(row.SpendNano), most); err != nil {
			return err
		}
		out = SpendReset{KeyHash: row.Token, Spend: to.USD(), PreviousSpend: money.Nano(row.SpendNano).USD()}
		if most != nil {
			out.MaxBudget = new(most.USD())
		}
		row, err = s.store.KeySetSpend(ctx, tx, db.KeySetSpendParams{
			Token: row.Token, SpendNano: int64(to), BudgetResetAt: row.BudgetResetAt, UpdatedBy: who.ID(),
		})
		if err != nil {
			return fmt.Errorf("write key: %w", err)
		}
		shown := View(row)
		out.BudgetResetAt = shown.BudgetResetAt
		if err := tx.AuditedChange(ctx, entry(who, audit.Updated, row.Token, View(before), shown)); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindKey, row.Token)
	})
	return out, err
}

// mostToSpend is the lower of a key's own budget and of that which it shares; nil
// is none.
func (s *Service) mostToSpend(ctx context.Context, tx *store.Tx, row *db.VerificationToken) (*money.Nano, error) {
	most := row.MaxBudgetNano
	if id := row.BudgetID; id != nil {
		budgets, err := tier.Resolve(ctx, s.store, tx, []string{*id})
		if err != nil {
			return nil, err //nolint:wrapcheck // it says what it is
		}
		if shared := budgets[*id].MaxBudgetNano; shared != nil && (most == nil || *shared < *most) {
			most = shared
		}
	}
	return (*money.Nano)(most), nil
}

func mayReset(to, spent money.Nano, most *money.Nano) error {
	switch {
	case to > spent:
		return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "reset_to (%s) must not be more than the current spend (%s)", to, spent)
	case most != nil && to > *most:
		return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "reset_to (%s) must not be more than max_budget (%s)", to, *most)
	}
	return nil
}
