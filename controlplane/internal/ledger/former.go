package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// lock locks those who spent. Keys may be named by former texts.
func (b *booking) lock(ctx context.Context, g *group, k kind) ([]*budget.Account, error) {
	locked, err := k.lock(ctx, b.ledger.store, b.tx, g.ids, b.shared)
	if err != nil || k.Kind != store.KindKey || len(locked) == len(g.ids) {
		return locked, err
	}
	return b.follow(ctx, g, k, locked)
}

// follow books calls that began with a former text of a key on the key. It looks
// for those of which there is no row, and returns what is locked then. It is asked
// after the rows are locked: a key that gets another text meanwhile is found.
func (b *booking) follow(ctx context.Context, g *group, k kind, locked []*budget.Account) ([]*budget.Account, error) {
	known := make(map[string]bool, len(locked))
	for _, a := range locked {
		known[a.ID] = true
	}
	missing := slices.DeleteFunc(slices.Clone(g.ids), func(id string) bool { return known[id] })
	former, err := b.ledger.store.KeysFollowed(ctx, b.tx, missing)
	if err != nil {
		return nil, fmt.Errorf("look up former keys: %w", err)
	}
	var ids []string
	for _, f := range former {
		events := slices.Concat(g.events[f.ActiveTokenID], g.events[f.Token])
		slices.SortStableFunc(events, func(x, y *contract.Usage) int { return cmp.Compare(x.EndMS, y.EndMS) })
		g.events[f.ActiveTokenID] = events
		if !known[f.ActiveTokenID] {
			known[f.ActiveTokenID] = true
			ids = append(ids, f.ActiveTokenID)
		}
	}
	if len(ids) == 0 {
		return locked, nil
	}
	slices.Sort(ids)
	more, err := k.lock(ctx, b.ledger.store, b.tx, ids, b.shared)
	return append(locked, more...), err
}
