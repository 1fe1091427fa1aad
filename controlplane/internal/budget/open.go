package budget

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// openTimeout bounds for how long a row is locked.
const openTimeout = 2 * time.Second

// Opener brings the counters of budgets to what is booked. It is safe for
// concurrent use.
type Opener struct {
	store  *store.Store
	pool   *pool.Pool
	config *Config
}

// NewOpener returns an opener. It does not need NATS to be up.
func NewOpener(st *store.Store, p *pool.Pool, c *Config) *Opener {
	return &Opener{store: st, pool: p, config: c}
}

// Open is called before a changed object is published. Its counters then hold
// what is booked: a data plane that learns of a new budget finds in it what was
// spent already, and one whose spend was set by an admin counts on from there.
func (o *Opener) Open(ctx context.Context, c store.Change) error {
	id := c.ObjectID
	switch c.Kind {
	case store.KindMember:
		team, user, err := store.SplitMemberID(id)
		if err != nil {
			return err
		}
		id = team + MemberSeparator + user
	case store.KindKey, store.KindTeam, store.KindUser, store.KindOrg, store.KindCustomer, store.KindTag:
	default:
		return nil
	}
	shared := &Shared{}
	if c.Kind == store.KindCustomer {
		var err error
		if shared, err = o.config.Shared(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	// The row stays locked: nothing is booked meanwhile.
	return pgx.BeginFunc(ctx, o.store.DB(), func(tx pgx.Tx) error {
		accounts, err := Lock(ctx, o.store, tx, c.Kind, []string{id}, shared)
		if err != nil {
			return fmt.Errorf("lock %s: %w", c.Kind, err)
		}
		now := time.Now().UTC()
		if err := Prepare(ctx, o.store, tx, now, accounts...); err != nil {
			return err
		}
		for _, a := range accounts {
			if err := o.open(ctx, tx, a, now, strconv.FormatInt(c.ID, 10)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (o *Opener) open(ctx context.Context, tx pgx.Tx, a *Account, now time.Time, change string) error {
	budgets := a.budgets()
	if len(budgets) == 0 {
		return nil
	}
	counters := make([]pool.Counter, len(budgets))
	for i, l := range budgets {
		start, _ := l.Window.Bounds(now)
		counters[i] = pool.OfBudget(l.Key, start.Unix())
	}
	booked, err := booked(ctx, o.store, tx, counters)
	if err != nil {
		return err
	}
	for i, l := range budgets {
		c := counters[i]
		if difference := a.Running.Nano - booked[c]; a.Runs(l) && difference != 0 {
			if err := o.adjust(ctx, tx, c, a, difference, change); err != nil {
				return err
			}
			booked[c] = a.Running.Nano
		}
		if booked[c] > 0 {
			if err := o.pool.Raise(ctx, c, booked[c]); err != nil {
				return err
			}
		}
	}
	return nil
}

// adjust makes a budget's spend what the row of its owner says. The counter is
// changed once for a change of the object, however often that is tried.
func (o *Opener) adjust(ctx context.Context, tx pgx.Tx, c pool.Counter, a *Account, difference int64, change string) error {
	var end *time.Time
	if !a.Running.Ends.IsZero() {
		end = &a.Running.Ends
	}
	err := o.store.BudgetSpendAdjust(ctx, tx, db.BudgetSpendAdjustParams{
		Counter: c.Key, PeriodStart: time.Unix(c.Start, 0), PeriodEnd: end, Difference: difference,
	})
	if err != nil {
		return fmt.Errorf("write budget's spend: %w", err)
	}
	return o.pool.Add(ctx, c, difference, "open."+change+"."+c.Key)
}

// booked reads what is booked of budgets.
func booked(ctx context.Context, st *store.Store, conn db.DBTX, counters []pool.Counter) (map[pool.Counter]int64, error) {
	var p db.BudgetSpendOfParams
	for _, c := range counters {
		p.Counters, p.Starts = append(p.Counters, c.Key), append(p.Starts, time.Unix(c.Start, 0))
	}
	rows, err := st.BudgetSpendOf(ctx, conn, p)
	if err != nil {
		return nil, fmt.Errorf("read what is booked of budgets: %w", err)
	}
	all := make(map[pool.Counter]int64, len(rows))
	for _, r := range rows {
		all[pool.OfBudget(r.Counter, r.PeriodStart.Unix())] = r.Booked
	}
	return all, nil
}

const (
	seedPage     = 1000
	seedParallel = 64
)

// Seed raises all counters to what is booked. It is for when NATS may have lost
// them, and reads no more than what somebody has spent of a budget.
func (o *Opener) Seed(ctx context.Context) error {
	p := db.BudgetSpendAfterParams{Now: time.Now(), PageSize: seedPage}
	for {
		rows, err := o.store.BudgetSpendAfter(ctx, o.store.DB(), p)
		if err != nil {
			return fmt.Errorf("read what is booked of budgets: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		last := rows[len(rows)-1]
		p.AfterCounter, p.AfterStart = last.Counter, last.PeriodStart
		rows = slices.DeleteFunc(rows, func(r db.BudgetSpendAfterRow) bool { return r.Booked <= 0 })
		if err := each(ctx, seedParallel, rows, func(ctx context.Context, r db.BudgetSpendAfterRow) error {
			return o.pool.Raise(ctx, pool.OfBudget(r.Counter, r.PeriodStart.Unix()), r.Booked)
		}); err != nil {
			return fmt.Errorf("seed counters of budgets: %w", err)
		}
	}
}
