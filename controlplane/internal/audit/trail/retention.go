package trail

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	retainEvery = time.Hour
	retainPause = time.Minute // after a failure
	// settleWait is how long changes may wait for the retention.
	settleWait = 5 * time.Second
)

// Archive keeps entries before they are deleted.
type Archive interface {
	// Keep stores lines of JSON under a name, completely or not at all. A name
	// that is there already is replaced: it holds the same entries.
	Keep(ctx context.Context, name string, lines []byte) error
}

// Retention deletes entries that are older than Age, once they are archived.
type Retention struct {
	Store *store.Store
	// Age of zero keeps everything.
	Age time.Duration
	// Archive may be nil: entries are then deleted without.
	Archive Archive
	Logger  *slog.Logger
}

// Run makes partitions in time and deletes what is too old, until ctx ends.
func (r *Retention) Run(ctx context.Context) {
	for {
		pause := retainEvery
		if err := r.Once(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.Logger.LogAttrs(ctx, slog.LevelWarn, "audit retention failed; nothing is deleted that is not archived", slog.Any("error", err))
			pause = retainPause
		}
		if !lifecycle.Sleep(ctx, pause) {
			return
		}
	}
}

// Once does it once.
func (r *Retention) Once(ctx context.Context, now time.Time) error {
	for months := range 3 {
		month := pgtype.Date{Time: time.Date(now.Year(), now.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC), Valid: true}
		if err := r.Store.AuditPartition(ctx, r.Store.DB(), month); err != nil {
			return fmt.Errorf("make a partition of the audit log: %w", err)
		}
	}
	if r.Age <= 0 {
		return nil
	}
	return r.remove(ctx, now.Add(-r.Age).UTC())
}

// remove archives and deletes what is older than until. The hash of the last
// entry that goes stays, for the chain to begin with.
func (r *Retention) remove(ctx context.Context, until time.Time) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	for {
		chain, err := r.Store.AuditChain(ctx, r.Store.DB())
		if err != nil {
			return fmt.Errorf("read the beginning of the audit log: %w", err)
		}
		rows, err := r.Store.AuditBefore(ctx, r.Store.DB(), db.AuditBeforeParams{Until: until, Seq: chain.ArchivedSeq, PageSize: batch})
		if err != nil {
			return fmt.Errorf("read old audit logs: %w", err)
		}
		if len(rows) == 0 {
			break
		}
		if err := r.archive(ctx, rows); err != nil {
			return err
		}
		p := db.AuditArchivedParams{Hash: chain.ArchivedHash, Seq: rows[len(rows)-1].Seq}
		for i := range rows {
			if len(rows[i].Hash) > 0 {
				p.Hash = rows[i].Hash
			}
		}
		if err := r.Store.AuditArchived(ctx, r.Store.DB(), p); err != nil {
			return fmt.Errorf("note what was archived: %w", err)
		}
	}
	// Whole partitions are dropped, which costs nothing; the rest is deleted.
	if err := r.drop(ctx, until); err != nil {
		return err
	}
	if err := r.Store.AuditDelete(ctx, r.Store.DB(), until); err != nil {
		return fmt.Errorf("delete old audit logs: %w", err)
	}
	return nil
}

// settle waits for the changes that are under way: an entry takes its number
// before it is seen, and one that came late would be passed over.
func (r *Retention) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleWait) // writers wait behind us
	defer cancel()
	err := r.Store.InTx(ctx, func(tx *store.Tx) error { return r.Store.AuditSettle(ctx, tx) })
	if err != nil {
		return fmt.Errorf("wait for changes under way: %w", err)
	}
	return nil
}

// drop removes whole partitions, while nobody adds to them and unless they hold
// what is not archived.
func (r *Retention) drop(ctx context.Context, until time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	err := r.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := r.Store.AuditSettle(ctx, tx); err != nil {
			return err
		}
		if left, err := r.Store.AuditUnarchived(ctx, tx, until); err != nil || left {
			return err
		}
		_, err := r.Store.AuditDrop(ctx, tx, pgtype.Date{Time: until, Valid: true})
		return err
	})
	if err != nil {
		return fmt.Errorf("drop old partitions: %w", err)
	}
	return nil
}

// archived is an entry in the archive, with what verifies it.
type archived struct {
	Entry

	Seq  int64  `json:"seq"`
	Hash []byte `json:"hash,omitempty"`
}

func (r *Retention) archive(ctx context.Context, rows []db.AuditLog) error {
	if r.Archive == nil {
		return nil
	}
	var lines []byte
	for i := range rows {
		line, err := json.Marshal(archived{Entry: show(&rows[i]), Seq: rows[i].Seq, Hash: rows[i].Hash})
		if err != nil {
			return fmt.Errorf("encode audit log: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	first, last := &rows[0], &rows[len(rows)-1]
	name := fmt.Sprintf("audit_logs/%s/%d-%d.jsonl", first.UpdatedAt.UTC().Format(time.DateOnly), first.Seq, last.Seq)
	if err := r.Archive.Keep(ctx, name, lines); err != nil {
		return fmt.Errorf("archive audit logs: %w", err)
	}
	return nil
}
