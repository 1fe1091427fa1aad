package publish

import (
	"context"
	"encoding/json"
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
	relayEvery = 250 * time.Millisecond
	// relayGrace leaves a fresh change to the request that made it.
	relayGrace = 500 * time.Millisecond
	relayPage  = 500
	relayRetry = time.Second
)

// Relay publishes what was left in the outbox by a control plane that died or
// could not reach the bus, until ctx ends.
func (p *Publisher) Relay(ctx context.Context) {
	for lifecycle.Sleep(ctx, relayEvery) {
		if err := p.relayOnce(ctx); err != nil && ctx.Err() == nil {
			p.log.LogAttrs(ctx, slog.LevelWarn, "outbox relay", slog.Any("error", err))
			lifecycle.Sleep(ctx, relayRetry)
		}
	}
}

func (p *Publisher) relayOnce(ctx context.Context) error {
	rows, err := p.store.OutboxPending(ctx, p.store.DB(), db.OutboxPendingParams{
		OlderThan: pgtype.Interval{Microseconds: relayGrace.Microseconds(), Valid: true}, PageSize: relayPage,
	})
	if err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	changes := make([]store.Change, len(rows))
	for i, r := range rows {
		changes[i] = store.Change{ID: r.ID, Kind: store.Kind(r.Kind), ObjectID: r.ObjectID}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return p.publishAll(ctx, changes)
}

// Beacon tells data planes once a second how far the buckets have come, until
// ctx ends.
func (p *Publisher) Beacon(ctx context.Context) {
	for lifecycle.Sleep(ctx, time.Second) {
		if err := p.beaconOnce(ctx); err != nil && ctx.Err() == nil {
			p.log.LogAttrs(ctx, slog.LevelDebug, "beacon not sent", slog.Any("error", err))
		}
	}
}

func (p *Publisher) beaconOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	b := contract.Beacon{V: contract.SchemaVersion}
	for bucket, seq := range map[string]*uint64{p.names.ConfigBucket(): &b.Config, p.names.PrincipalsBucket(): &b.Principals} {
		s, err := p.js.Stream(ctx, contract.KVStream(bucket))
		if err != nil {
			return fmt.Errorf("read state of %s: %w", bucket, err)
		}
		*seq = s.CachedInfo().State.LastSeq
	}
	value, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encode beacon: %w", err)
	}
	if err := p.js.Conn().Publish(p.names.BeaconSubject(), value); err != nil {
		return fmt.Errorf("publish beacon: %w", err)
	}
	return nil
}
