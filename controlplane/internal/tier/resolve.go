package tier

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// Resolve returns budgets by their ids, each with what it takes from the tier
// that it is based on. Those that do not exist are left out.
func Resolve(ctx context.Context, st *store.Store, conn db.DBTX, ids []string) (map[string]db.BudgetTable, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := st.BudgetsResolve(ctx, conn, ids)
	if err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	all := make(map[string]db.BudgetTable, len(rows))
	for _, r := range rows {
		all[r.BudgetID] = r
	}
	out := make(map[string]db.BudgetTable, len(ids))
	for _, id := range ids {
		row, ok := all[id]
		if !ok {
			continue
		}
		if row.BasedOn != nil {
			if base, ok := all[*row.BasedOn]; ok {
				fill(Columns(&row), Columns(&base))
			}
		}
		out[id] = row
	}
	return out, nil
}

// Fill takes what columns do not say themselves from budgets, the first of
// them first. Nil, and ids of budgets that do not exist, are passed over.
func Fill(ctx context.Context, st *store.Store, conn db.DBTX, c limit.Columns, ids ...*string) error {
	var wanted []string
	for _, id := range ids {
		if id != nil && *id != "" {
			wanted = append(wanted, *id)
		}
	}
	budgets, err := Resolve(ctx, st, conn, wanted)
	if err != nil {
		return err
	}
	FillFrom(c, budgets, ids...)
	return nil
}

// FillFrom is Fill with budgets that were resolved before.
func FillFrom(c limit.Columns, budgets map[string]db.BudgetTable, ids ...*string) {
	for _, id := range ids {
		if id == nil {
			continue
		}
		if b, ok := budgets[*id]; ok {
			fill(c, Columns(&b))
		}
	}
}
