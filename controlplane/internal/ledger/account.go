package ledger

import (
	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// account is somebody who spends.
type account struct {
	*budget.Account

	// before is what was spent in the present period without this booking.
	before int64
}

// book adds what a call cost.
func (a *account) book(b *booking, e *contract.Usage) {
	before := a.Running
	next, counted, begun := before.Book(a.Window, b.ended(e), e.CostNano)
	a.Running = next
	if begun {
		a.before, before = 0, budget.Running{}
	}
	if a.Set == nil {
		return
	}
	for i := range a.Set.Always {
		l := &a.Set.Always[i]
		opening := int64(0)
		if counted && l.Window == a.Window {
			opening = before.Nano
		}
		b.add(l, a, e, opening)
	}
	list, _ := a.Set.ForModel(modelNames(e)...)
	for i := range list {
		b.add(&list[i], a, e, 0)
	}
}

// modelNames are the names by which limits of models know the model of a call.
func modelNames(e *contract.Usage) []string {
	if len(e.LimitedAs) > 0 {
		return e.LimitedAs
	}
	return []string{e.ModelGroup}
}
