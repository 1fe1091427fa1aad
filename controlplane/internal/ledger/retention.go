package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	retainEvery = time.Hour
	retainPause = time.Minute // after a failure
	// daysAhead is how long partitions last when nobody makes new ones.
	daysAhead = 7
)

// Retention makes the partitions of spend rows, and drops those that are older
// than Age. The sums of days stay.
type Retention struct {
	Store *store.Store
	// Age of zero keeps everything.
	Age    time.Duration
	Logger *slog.Logger
}

// Run makes partitions in time and drops what is too old, until ctx ends.
func (r *Retention) Run(ctx context.Context) {
	for {
		pause := retainEvery
		dropped, err := r.Once(ctx, time.Now())
		switch {
		case err != nil && ctx.Err() == nil:
			r.Logger.LogAttrs(ctx, slog.LevelWarn, "spend log retention failed", slog.Any("error", err))
			pause = retainPause
		case dropped > 0:
			r.Logger.LogAttrs(ctx, slog.LevelInfo, "old spend logs dropped", slog.Int64("days", dropped))
		}
		if !lifecycle.Sleep(ctx, pause) {
			return
		}
	}
}

// Once does it once, and returns how many days were dropped.
func (r *Retention) Once(ctx context.Context, now time.Time) (int64, error) {
	today := now.UTC().Truncate(24 * time.Hour)
	for days := range daysAhead + 1 {
		if err := r.Store.SpendPartition(ctx, r.Store.DB(), pgtype.Date{Time: today.AddDate(0, 0, days), Valid: true}); err != nil {
			return 0, fmt.Errorf("make a partition of the spend logs: %w", err)
		}
	}
	if r.Age <= 0 {
		return 0, nil
	}
	dropped, err := r.Store.SpendDrop(ctx, r.Store.DB(), pgtype.Date{Time: now.UTC().Add(-r.Age), Valid: true})
	if err != nil {
		return 0, fmt.Errorf("drop old spend logs: %w", err)
	}
	return dropped, nil
}

// bookable returns the events by their ids, without those of days whose rows
// were dropped: they may be booked already, which nobody can tell any more, so
// they are kept for a person to look at.
func (l *Ledger) bookable(ctx context.Context, tx *store.Tx, events []contract.Usage) (map[string]*contract.Usage, error) {
	kept, err := l.store.SpendHorizon(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("read how far back spend rows go: %w", err)
	}
	horizon := kept.UnixMilli()
	byID := make(map[string]*contract.Usage, len(events))
	for i := range events {
		e := &events[i]
		if e.StartMS >= horizon {
			byID[e.ID] = e
			continue
		}
		err := l.store.DeadInsert(ctx, tx, db.DeadInsertParams{
			Subject: l.names.UsageStream(), Payload: e.AppendJSON(nil), Reason: "began before " + kept.UTC().Format(time.DateOnly) + ", of which spend logs are not kept: it may be booked already",
		})
		if err != nil {
			return nil, fmt.Errorf("keep old usage: %w", err)
		}
	}
	return byID, nil
}
