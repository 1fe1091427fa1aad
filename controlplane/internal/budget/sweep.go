package budget

import (
	"context"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	sweepPage     = 500
	sweepParallel = 8
	// afterEnd is how long the counter of a past period is kept, for those who
	// are late.
	afterEnd = time.Hour
)

// over reports whether the period of a budget has ended.
func over(c pool.Counter, now time.Time) bool {
	l, ok := limits.Parse(c.Key)
	if !ok || l.Window.Forever() {
		return false
	}
	_, end := l.Window.Bounds(time.Unix(c.Start, 0))
	return !now.Before(end)
}

// Sweep purges the counters of past periods, and looks through all others for
// those that are not what is booked.
func (r *Reconciler) Sweep(ctx context.Context) error {
	now := time.Now()
	err := r.opts.Pool.Each(ctx, limits.ClassBudget, sweepPage, func(entries []pool.Entry) error {
		var past, present []pool.Counter
		values := map[pool.Counter]int64{}
		for _, e := range entries {
			if over(e.Counter, now.Add(-afterEnd)) {
				past = append(past, e.Counter)
			} else if !over(e.Counter, now) {
				present = append(present, e.Counter)
				values[e.Counter] = e.Value
			}
		}
		if err := each(ctx, sweepParallel, past, r.opts.Pool.Forget); err != nil {
			return err
		}
		return r.check(ctx, present, values)
	})
	if err != nil {
		return err
	}
	for {
		n, err := r.opts.Store.BudgetSpendForget(ctx, r.opts.Store.DB(), db.BudgetSpendForgetParams{EndedBefore: now.Add(-afterEnd), PageSize: sweepPage})
		if err != nil {
			return fmt.Errorf("forget past periods of budgets: %w", err)
		}
		if n < sweepPage {
			return nil
		}
	}
}

// check raises counters that are below what is booked, and has those looked
// after that are above.
func (r *Reconciler) check(ctx context.Context, counters []pool.Counter, values map[pool.Counter]int64) error {
	if len(counters) == 0 {
		return nil
	}
	booked, err := booked(ctx, r.opts.Store, r.opts.Store.DB(), counters)
	if err != nil {
		return err
	}
	for _, c := range counters {
		switch {
		case values[c] > booked[c]:
			r.suspect(c)
		case values[c] < booked[c]:
			if err := r.opts.Pool.Raise(ctx, c, booked[c]); err != nil {
				return err
			}
		}
	}
	return nil
}

// suspect watches a counter that nobody watches yet.
func (r *Reconciler) suspect(c pool.Counter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.counters[c]; !known && len(r.counters) < maxWatched {
		r.counters[c] = &sight{}
	}
}
