package budget

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// Roll brings the columns of a row to the present period: its spend, when its
// period ends, by its duration. Whoever changes a row of which the period has
// ended does so first.
func Roll(nano *int64, ends **time.Time, duration *string, now time.Time) {
	if *ends == nil || now.Before(**ends) {
		return
	}
	*nano, *ends = 0, nil
	if duration == nil {
		return
	}
	if w, err := limits.Every(*duration); err == nil && !w.Forever() {
		_, end := w.Bounds(now)
		*ends = &end
	}
}

// RollTeam is Roll for the row of a team, which is locked.
func RollTeam(ctx context.Context, st *store.Store, conn db.DBTX, t *db.TeamTable, now time.Time) error {
	before := t.SpendNano
	Roll(&t.SpendNano, &t.BudgetResetAt, t.BudgetDuration, now)
	if t.SpendNano == before {
		return nil
	}
	ends := time.Unix(0, 0)
	if t.BudgetResetAt != nil {
		ends = *t.BudgetResetAt
	}
	err := st.TeamsSetSpend(ctx, conn, db.TeamsSetSpendParams{Ids: []string{t.TeamID}, Spends: []int64{t.SpendNano}, Ends: []time.Time{ends}})
	if err != nil {
		return fmt.Errorf("begin the team's period: %w", err)
	}
	return nil
}

// RenameKey takes what is booked of a key's further budgets along, when it got
// another hash. What it spent of its first budget is in its row.
func RenameKey(ctx context.Context, st *store.Store, conn db.DBTX, k *db.VerificationToken, old string) error {
	row := *k
	if row.BudgetID != nil {
		if err := tier.Fill(ctx, st, conn, limit.OfKey(&row), row.BudgetID); err != nil {
			return err
		}
	}
	a := &Account{Set: limits.OfKey(&contract.VirtualKey{Hash: old, Limits: limit.OfKey(&row).Limits()})}
	var p db.BudgetSpendRenameParams
	for _, l := range a.budgets() {
		tokens := strings.Split(l.Key, ".")
		if i := slices.Index(tokens, old); i >= 0 {
			tokens[i] = k.Token
			p.Before, p.After = append(p.Before, l.Key), append(p.After, strings.Join(tokens, "."))
		}
	}
	if len(p.Before) == 0 {
		return nil
	}
	if err := st.BudgetSpendRename(ctx, conn, p); err != nil {
		return fmt.Errorf("rename budgets: %w", err)
	}
	return nil
}
