package budget

import (
	"context"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/limit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// Account is somebody who spends, whose row in the database is locked.
type Account struct {
	ID string
	// Set is what it is held to; nil is nothing.
	Set *limits.Set
	// Running is what it spent in the present period of Window, which is that of
	// its first budget.
	Running Running
	Window  limits.Window

	// columns are what it is held to, and tiers are where it takes from what
	// they do not say.
	columns limit.Columns
	tiers   []*string
	// of makes the limits of what the columns say; general are for one without
	// any.
	of      func(*contract.Limits) *limits.Set
	general *contract.Limits
}

// Prepare finds out what accounts are held to, and brings their running spend
// to the present period.
func Prepare(ctx context.Context, st *store.Store, conn db.DBTX, now time.Time, accounts ...*Account) error {
	var tiers []string
	known := map[string]bool{}
	for _, a := range accounts {
		for _, id := range a.tiers {
			if !known[*id] {
				known[*id], tiers = true, append(tiers, *id)
			}
		}
	}
	budgets, err := tier.Resolve(ctx, st, conn, tiers)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		a.prepare(budgets, now)
	}
	return nil
}

func (a *Account) prepare(tiers map[string]db.BudgetTable, now time.Time) {
	c := &a.columns
	tier.FillFrom(*c, tiers, a.tiers...)
	duration := ""
	if d := *c.BudgetDuration; d != nil {
		duration = *d
	}
	if *c.MaxBudget != nil || *c.SoftBudget != nil || len(*c.BudgetLimits) > len("[]") || len(*c.ModelMaxBudget) > len("{}") || len(a.tiers) > 0 {
		l := c.Limits()
		a.Set = a.of(&l)
	}
	if a.general != nil && (a.Set == nil || a.Set.Empty()) {
		a.Set = a.of(a.general)
		if duration == "" && len(a.general.Budgets) > 0 {
			duration = a.general.Budgets[0].Duration
		}
	}
	if w, err := limits.Every(duration); err == nil {
		a.Window = w
	}
	a.Running = a.Running.At(a.Window, now)
}

// Budgeted reports whether the account has a budget for everything it does.
func (a *Account) Budgeted() bool {
	if a.Set != nil {
		for i := range a.Set.Always {
			if a.Set.Always[i].Unit == limits.Money {
				return true
			}
		}
	}
	return false
}

// Runs reports whether a limit is about the running spend of the account.
func (a *Account) Runs(l *limits.Limit) bool {
	return l.Unit == limits.Money && l.Model == "" && l.Window == a.Window
}

// budgets are all its limits of money.
func (a *Account) budgets() []*limits.Limit {
	if a.Set == nil {
		return nil
	}
	var all []*limits.Limit
	lists := [][]limits.Limit{a.Set.Always}
	for _, list := range a.Set.Models {
		lists = append(lists, list)
	}
	for _, list := range lists {
		for i := range list {
			if list[i].Unit == limits.Money {
				all = append(all, &list[i])
			}
		}
	}
	return all
}
