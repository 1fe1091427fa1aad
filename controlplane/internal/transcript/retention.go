package transcript

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	retainEvery = time.Hour
	retainPause = time.Minute // after a failure
	// daysAhead is how long partitions last when nobody makes new ones.
	daysAhead = 7
)

// Retention makes the partitions of transcripts, and drops those that are older
// than Age.
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
			r.Logger.LogAttrs(ctx, slog.LevelWarn, "transcript retention failed", slog.Any("error", err))
			pause = retainPause
		case dropped > 0:
			r.Logger.LogAttrs(ctx, slog.LevelInfo, "old transcripts dropped", slog.Int64("days", dropped))
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
		if err := r.Store.TranscriptPartition(ctx, r.Store.DB(), pgtype.Date{Time: today.AddDate(0, 0, days), Valid: true}); err != nil {
			return 0, fmt.Errorf("make a partition of transcripts: %w", err)
		}
	}
	if r.Age <= 0 {
		return 0, nil
	}
	dropped, err := r.Store.TranscriptDrop(ctx, r.Store.DB(), pgtype.Date{Time: now.UTC().Add(-r.Age), Valid: true})
	if err != nil {
		return 0, fmt.Errorf("drop old transcripts: %w", err)
	}
	return dropped, nil
}
