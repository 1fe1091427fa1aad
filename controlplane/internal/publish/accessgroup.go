package publish

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func (p *Publisher) accessGroup(ctx context.Context, id string) error {
	return write(ctx, p, p.names.ConfigBucket(), contract.AccessGroupKey(id), func(ctx context.Context, _ *contract.AccessGroup) (*contract.AccessGroup, error) {
		return optional(renderAccessGroup)(p.store.AccessGroupByID(ctx, p.store.DB(), id))
	})
}

func renderAccessGroup(row db.AccessGroupTable) *contract.AccessGroup {
	return &contract.AccessGroup{ID: row.AccessGroupID, Models: row.AccessModelNames}
}

func (p *Publisher) reconcileAccessGroups(ctx context.Context, seen map[string]bool) error {
	ids, err := p.store.AccessGroupIDs(ctx, p.store.DB())
	if err != nil {
		return fmt.Errorf("list access groups: %w", err)
	}
	for _, id := range ids {
		seen[contract.AccessGroupKey(id)] = true
	}
	return p.reconcileObjects(ctx, store.KindAccessGroup, ids)
}

// writeRouter publishes the router's settings, of which the database knows a
// part.
func (p *Publisher) writeRouter(ctx context.Context) error {
	return write(ctx, p, p.names.ConfigBucket(), contract.KeyRouterSettings, func(ctx context.Context, _ *contract.RouterSettings) (*contract.RouterSettings, error) {
		s := p.settings.Router
		if p.settings.Route == nil {
			return &s, nil
		}
		if err := p.settings.Route(ctx, &s); err != nil {
			return nil, fmt.Errorf("complete the settings of the router: %w", err)
		}
		return &s, nil
	})
}
