package publish

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// jwtMapping is the record of a mapping, or nil when there is none.
func (p *Publisher) jwtMapping(ctx context.Context, id string) (*contract.JWTMapping, error) {
	claim, value, err := store.SplitMemberID(id) // of the same form
	if err != nil {
		return nil, err
	}
	row, err := p.store.JWTMappingByClaim(ctx, p.store.DB(), db.JWTMappingByClaimParams{JwtClaimName: claim, JwtClaimValue: value})
	if err != nil {
		return nil, absent(err)
	}
	return &contract.JWTMapping{KeyHash: text(row.Token), Inactive: !row.IsActive}, nil
}

// jwtMappingsOf brings the mappings that lead to a key to the bus: they go along
// when it gets another text.
func (p *Publisher) jwtMappingsOf(ctx context.Context, token string) error {
	rows, err := p.store.JWTMappingsOfKey(ctx, p.store.DB(), token)
	if err != nil {
		return fmt.Errorf("read mappings of a key: %w", err)
	}
	for _, r := range rows {
		if err := p.publish(ctx, store.Change{Kind: store.KindJWTMapping, ObjectID: contract.JWTMappingID(r.JwtClaimName, r.JwtClaimValue)}); err != nil {
			return err
		}
	}
	return nil
}
