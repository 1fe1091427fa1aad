package report

import (
	"context"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/money"
)

// resetBatch is how many keys or teams one transaction resets: the ledger waits
// for it.
const resetBatch = 500

// Reset sets what keys and teams have spent to zero. What was booked stays, and
// so do the sums of days. It can be called again when it was interrupted.
func (s *Service) Reset(ctx context.Context, who caller.Caller) error {
	err := s.reset(ctx, who, store.KindKey, audit.Keys, func(ctx context.Context, tx *store.Tx, after string) ([]emptied, error) {
		rows, err := s.store.KeysResetSpend(ctx, tx, db.KeysResetSpendParams{After: after, PageSize: resetBatch})
		return convert(rows, func(r db.KeysResetSpendRow) emptied { return emptied(r) }), err
	})
	if err != nil {
		return err
	}
	return s.reset(ctx, who, store.KindTeam, audit.Teams, func(ctx context.Context, tx *store.Tx, after string) ([]emptied, error) {
		rows, err := s.store.TeamsResetSpend(ctx, tx, db.TeamsResetSpendParams{After: after, PageSize: resetBatch})
		return convert(rows, func(r db.TeamsResetSpendRow) emptied { return emptied(r) }), err
	})
}

// emptied is an object whose spend was set to zero, and what it was.
type emptied struct {
	ID  string
	Was int64
}

type spent struct {
	Spend float64 `json:"spend"`
}

func (s *Service) reset(ctx context.Context, who caller.Caller, kind store.Kind, table audit.Table,
	batch func(ctx context.Context, tx *store.Tx, after string) ([]emptied, error),
) error {
	for after := ""; ; {
		var ids []string
		err := s.store.InTx(ctx, func(tx *store.Tx) error {
			rows, err := batch(ctx, tx, after)
			if err != nil {
				return fmt.Errorf("reset spend: %w", err)
			}
			ids = make([]string, len(rows))
			for i, r := range rows {
				ids[i] = r.ID
				e := &audit.Entry{
					Actor: who.Actor(), Action: audit.Updated, Table: table, ObjectID: r.ID, Before: spent{money.Nano(r.Was).USD()}, After: spent{},
				}
				if err := tx.Audited(ctx, e); err != nil {
					return err
				}
			}
			return tx.ChangedAll(ctx, kind, ids)
		})
		if err != nil || len(ids) < resetBatch {
			return err
		}
		after = slices.Max(ids)
	}
}
