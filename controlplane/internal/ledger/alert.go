package ledger

import (
	"time"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// crossed tells that spend reached a budget, or most of it.
func (b *booking) crossed(s *spent, before, after int64) {
	most := s.limit.Ceiling(b.now.Unix())
	b.alert(s, contract.ThresholdCrossed, most/100*contract.AlertPercent+most%100*contract.AlertPercent/100, most, before, after)
	b.alert(s, contract.BudgetCrossed, most, most, before, after)
}

// soft tells that an account reached its soft budget.
func (b *booking) soft(a *account) {
	if a.Set == nil {
		return
	}
	for i := range a.Set.Soft {
		s := &spent{limit: &a.Set.Soft[i], owner: a, id: a.ID, end: a.Running.Ends}
		s.start, _ = a.Window.Bounds(b.now)
		if !s.end.IsZero() {
			s.start, _ = a.Window.Bounds(s.end.Add(-time.Second))
		}
		b.alert(s, contract.SoftBudgetCrossed, s.limit.Max, s.limit.Max, a.before, a.Running.Nano)
	}
}

// alert is made by the booking that crosses the mark, and by no other: so there
// is one for each period.
func (b *booking) alert(s *spent, kind contract.AlertKind, mark, most, before, after int64) {
	if mark <= 0 || before >= mark || after < mark {
		return
	}
	b.alerts = append(b.alerts, contract.Alert{
		Kind: kind, Scope: string(s.limit.Scope), ID: s.ident(), Name: s.limit.Name, Model: s.limit.Model,
		SpendNano: after, BudgetNano: most, Duration: s.limit.Window.String(), Start: s.start, Resets: s.end, At: b.now.UTC().Truncate(time.Millisecond),
	})
}

// ident is the id of whom the budget is for.
func (s *spent) ident() string {
	switch s.limit.Scope {
	case limits.Proxy, limits.Member, limits.MemberModel:
		return s.limit.Name
	default:
		return s.id
	}
}
