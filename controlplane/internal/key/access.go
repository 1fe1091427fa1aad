package key

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/shared/access"
)

// MayUse returns the rule by which the caller may see a model: the list of
// their key.
func (s *Service) MayUse(ctx context.Context, who caller.Caller) (func(model string) bool, error) {
	if who.May().Sees() {
		return func(string) bool { return true }, nil
	}
	row, err := s.ByHash(ctx, who.KeyHash)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return func(model string) bool { return access.Model(row.Models, model) }, nil
}
