package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/pool"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// booking is the booking of events that nobody booked before, in one
// transaction.
type booking struct {
	ledger *Ledger
	tx     *store.Tx
	now    time.Time
	shared *budget.Shared
	spent  map[pool.Counter]*spent
	alerts []contract.Alert
}

// spent is what events cost in one period of one budget.
type spent struct {
	limit   *limits.Limit
	owner   *account // nil for what has no row
	id      string
	start   time.Time
	end     time.Time
	opening int64
	nano    int64
}

// run adds the cost of events to all who spend and to all budgets. Rows are
// locked in one order everywhere, so that two transactions never wait for each
// other in a circle: first those of a kind after the other, by their ids, then
// those of budgets.
func (b *booking) run(ctx context.Context, events []*contract.Usage) error {
	slices.SortStableFunc(events, func(x, y *contract.Usage) int { return cmp.Compare(x.EndMS, y.EndMS) })
	kinds := b.ledger.kinds()
	groups := make([]group, len(kinds))
	var all []*budget.Account
	for i, k := range kinds {
		g := gather(events, k)
		if len(g.ids) == 0 {
			continue
		}
		locked, err := b.lock(ctx, &g, k)
		if err != nil {
			return fmt.Errorf("lock %s: %w", k.name, err)
		}
		for _, a := range locked {
			g.accounts = append(g.accounts, &account{Account: a})
		}
		groups[i], all = g, append(all, locked...)
	}
	if err := budget.Prepare(ctx, b.ledger.store, b.tx, b.now, all...); err != nil {
		return err
	}
	for i, g := range groups {
		for _, a := range g.accounts {
			a.before = a.Running.Nano
			for _, e := range g.events[a.ID] {
				a.book(b, e)
			}
			b.soft(a)
		}
		if err := kinds[i].write(ctx, b.tx, g.accounts); err != nil {
			return fmt.Errorf("add spend to %s: %w", kinds[i].name, err)
		}
	}
	b.bookShared(events, groups[len(groups)-1])
	return b.store(ctx)
}

// group are the events of all accounts of one kind.
type group struct {
	ids      []string // sorted
	events   map[string][]*contract.Usage
	accounts []*account
}

func gather(events []*contract.Usage, k kind) group {
	g := group{events: map[string][]*contract.Usage{}}
	for _, e := range events {
		if e.CostNano == 0 && !k.always {
			continue
		}
		for _, id := range k.of(e) {
			if id != "" {
				g.events[id] = append(g.events[id], e)
			}
		}
	}
	for id := range g.events {
		g.ids = append(g.ids, id)
	}
	slices.Sort(g.ids)
	return g
}

// bookShared books what counts for budgets that are nobody's. The settings'
// budget of a tag is for one without a budget of its own.
func (b *booking) bookShared(events []*contract.Usage, tagged group) {
	own := map[string]bool{}
	for _, a := range tagged.accounts {
		own[a.ID] = a.Budgeted()
	}
	for _, e := range events {
		b.addSet(b.shared.Proxy, "", e)
		b.addSet(b.shared.Providers[e.Provider], e.Provider, e)
		b.addSet(b.shared.Deployments[e.DeploymentID], e.DeploymentID, e)
		for _, tag := range bookedTags(e) {
			if !own[tag] {
				b.addSet(b.shared.Tags[tag], tag, e)
			}
		}
	}
}

func (b *booking) addSet(set *limits.Set, id string, e *contract.Usage) {
	if set == nil {
		return
	}
	for i := range set.Always {
		l := &set.Always[i]
		if s := b.add(l, nil, e, 0); s != nil {
			s.id = id
		}
	}
}

// add notes what a call cost of a budget. opening is what was spent in the
// period before, in case that the budget is not booked by itself yet.
func (b *booking) add(l *limits.Limit, owner *account, e *contract.Usage, opening int64) *spent {
	if l.Unit != limits.Money || e.CostNano == 0 {
		return nil
	}
	start, end := l.Window.Bounds(b.ended(e))
	at := pool.OfBudget(l.Key, start.Unix())
	s := b.spent[at]
	if s == nil {
		s = &spent{limit: l, owner: owner, start: start, end: end, opening: opening}
		if owner != nil {
			s.id = owner.ID
		}
		b.spent[at] = s
	}
	s.nano += e.CostNano
	return s
}

func (b *booking) ended(e *contract.Usage) time.Time {
	return budget.Ended(time.UnixMilli(e.EndMS), b.now)
}

// store writes what was spent of budgets, and tells of those that were reached.
func (b *booking) store(ctx context.Context) error {
	if len(b.spent) > 0 {
		if err := b.storeSpent(ctx); err != nil {
			return fmt.Errorf("add spend to budgets: %w", err)
		}
	}
	for i := range b.alerts {
		if err := budget.Announce(ctx, b.tx, &b.alerts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *booking) storeSpent(ctx context.Context) error {
	var p db.BudgetSpendAddParams
	for _, c := range b.counters() {
		s := b.spent[c]
		end := s.end
		if end.IsZero() {
			end = time.Unix(0, 0)
		}
		p.Counters, p.Starts, p.Ends = append(p.Counters, c.Key), append(p.Starts, s.start), append(p.Ends, end)
		p.Openings, p.Spends = append(p.Openings, s.opening), append(p.Spends, s.nano)
	}
	rows, err := b.ledger.store.BudgetSpendAdd(ctx, b.tx, p)
	if err != nil {
		return err
	}
	for _, r := range rows {
		s := b.spent[pool.OfBudget(r.Counter, r.PeriodStart.Unix())]
		if s.owner != nil && s.owner.Runs(s.limit) {
			if s.end.Equal(s.owner.Running.Ends) {
				b.crossed(s, s.owner.before, s.owner.Running.Nano)
			}
			continue
		}
		b.crossed(s, r.Booked-s.nano, r.Booked)
	}
	return nil
}

// counters are the budgets of which something was spent, in the order in which
// their rows are locked.
func (b *booking) counters() []pool.Counter {
	all := make([]pool.Counter, 0, len(b.spent))
	for c := range b.spent {
		all = append(all, c)
	}
	slices.SortFunc(all, pool.Counter.Compare)
	return all
}
