package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// AuditOptions say whether the audit trail is kept.
type AuditOptions struct {
	Keep bool
	// Chain links entries by their hashes, so that one that is changed or
	// removed is found. Changes are then committed one after the other.
	Chain bool
}

// KeepAudit sets whether changes leave an entry in the audit trail. It is called
// before the store is used.
func (s *Store) KeepAudit(o AuditOptions) { s.audit = o }

// Audited writes an entry of the audit trail in the transaction of the change:
// there is no change without its entry, and no entry without its change.
func (t *Tx) Audited(ctx context.Context, e *audit.Entry) error {
	if !t.audit.Keep {
		return nil
	}
	row, err := audit.NewRow(e, time.Now())
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	p := db.AuditInsertParams{
		ID: pgtype.UUID{Bytes: row.ID, Valid: true}, UpdatedAt: row.UpdatedAt, ChangedBy: e.Actor.ID, ChangedByApiKey: e.Actor.KeyHash, Action: string(e.Action),
		TableName: string(e.Table), ObjectID: e.ObjectID, BeforeValue: row.Before, UpdatedValues: row.After,
	}
	if t.audit.Chain {
		previous, err := t.q.AuditChainLock(ctx, t)
		if err != nil {
			return fmt.Errorf("lock the chain of the audit log: %w", err)
		}
		p.Hash = row.Hash(previous)
		if err := t.q.AuditChainSet(ctx, t, p.Hash); err != nil {
			return fmt.Errorf("write the chain of the audit log: %w", err)
		}
	}
	if err := t.q.AuditInsert(ctx, t, p); err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// AuditedChange writes the entry of an update: what the object was, and which of
// its members changed.
func (t *Tx) AuditedChange(ctx context.Context, e *audit.Entry) error {
	if !t.audit.Keep {
		return nil
	}
	changes, err := audit.Changes(e.Before, e.After)
	if err != nil {
		return err //nolint:wrapcheck // it says what it is
	}
	e.After = changes
	return t.Audited(ctx, e)
}
