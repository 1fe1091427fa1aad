package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// key brings a key to the bus, or a former text of one that still works. What
// such a text leads to is brought first: it never leads to nothing.
func (p *Publisher) key(ctx context.Context, c store.Change) error {
	err := p.keyRecord(ctx, c)
	if err != nil || c.ID == 0 {
		return err
	}
	return p.jwtMappingsOf(ctx, c.ObjectID)
}

func (p *Publisher) keyRecord(ctx context.Context, c store.Change) error {
	return write(ctx, p, p.names.PrincipalsBucket(), contract.VirtualKeyKey(c.ObjectID), func(ctx context.Context, _ *contract.VirtualKey) (*contract.VirtualKey, error) {
		k, err := optional(renderKey)(p.keyWithTier(ctx, c.ObjectID))
		if k != nil || err != nil {
			return k, err
		}
		if k, err = p.former(ctx, c.ObjectID); k == nil || err != nil {
			return nil, err
		}
		return k, p.publish(ctx, store.Change{ID: c.ID, Kind: store.KindKey, ObjectID: k.ReplacedBy})
	})
}

// former is the record of a former text of a key, or nil when it is none, or none
// any more.
func (p *Publisher) former(ctx context.Context, token string) (*contract.VirtualKey, error) {
	row, err := p.store.KeyFormer(ctx, p.store.DB(), token)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // nil is the record of an object that does not exist
	}
	if err != nil {
		return nil, fmt.Errorf("read former key: %w", err)
	}
	return &contract.VirtualKey{Hash: row.Token, Blocked: true, Expires: row.RevokeAt.UTC(), ReplacedBy: row.ActiveTokenID}, nil
}
