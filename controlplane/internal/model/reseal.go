package model

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/seal"
)

// Reseal seals the parameters of all stored deployments with another box, and
// returns how many those are. What data planes know stays as it is: they still
// have the present one.
func (s *Service) Reseal(ctx context.Context, tx *store.Tx, to *seal.Box) (int, error) {
	rows, err := s.store.ModelsForUpdate(ctx, tx)
	if err != nil {
		return 0, fmt.Errorf("read models: %w", err)
	}
	for i := range rows {
		row := &rows[i]
		plain, err := s.box.Open(row.SealedParams, sealPurpose(row.ModelID))
		if err != nil {
			return 0, fmt.Errorf("model %s: %w", row.ModelName, err)
		}
		p := db.ModelResealParams{ModelID: row.ModelID, SealedParams: to.Seal(plain, sealPurpose(row.ModelID))}
		if err := s.store.ModelReseal(ctx, tx, p); err != nil {
			return 0, fmt.Errorf("write model: %w", err)
		}
	}
	return len(rows), nil
}
