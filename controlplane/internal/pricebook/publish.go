package pricebook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const publishRetry = 5 * time.Second

// PublishChanges publishes each file that comes into use, until ctx ends. Only
// the leader does it, after Publish.
func (k *Keeper) PublishChanges(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.changed:
		}
		for {
			err := k.Publish(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			k.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "prices not published", slog.Any("error", err))
			lifecycle.Sleep(ctx, publishRetry)
		}
	}
}

// Publish makes the config bucket hold the file in use. Without sources there
// is none; while the sources have not been read yet the bucket stays as it is.
func (k *Keeper) Publish(ctx context.Context) error {
	var parts []*contract.PriceOverlay
	if len(k.sources) > 0 {
		file := k.file.Load()
		if file == nil {
			return nil
		}
		var err error
		if parts, err = contract.SplitPrices(*file); err != nil {
			return fmt.Errorf("publish prices: %w", err)
		}
	}
	kv, err := k.opts.JS.KeyValue(ctx, k.opts.Names.ConfigBucket())
	if err != nil {
		return fmt.Errorf("publish prices: open bucket: %w", err)
	}
	for i := range contract.MaxPriceParts {
		var part *contract.PriceOverlay
		if i < len(parts) {
			part = parts[i]
		}
		if err := putPart(ctx, kv, i, part); err != nil {
			return fmt.Errorf("publish prices: part %d: %w", i, err)
		}
	}
	return nil
}

// putPart writes a part, or that there is none any more.
func putPart(ctx context.Context, kv jetstream.KeyValue, i int, part *contract.PriceOverlay) error {
	key := contract.PriceOverlayKey(i)
	entry, err := kv.Get(ctx, key)
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("read: %w", err)
	}
	exists := err == nil
	if part == nil {
		var head contract.Head
		if !exists || json.Unmarshal(entry.Value(), &head) == nil && head.Deleted {
			return nil
		}
		part = &contract.PriceOverlay{Head: contract.Head{Deleted: true, At: time.Now().UTC().Truncate(time.Second)}}
	}
	part.V = contract.SchemaVersion
	value, err := json.Marshal(part)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if exists && bytes.Equal(entry.Value(), value) {
		return nil
	}
	if _, err := kv.Put(ctx, key, value); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// restore takes the file that was published last, for a control plane that
// starts while its source is away.
func (k *Keeper) restore(ctx context.Context) {
	file, err := k.published(ctx)
	if err == nil {
		err = k.use(ctx, file)
	}
	if err != nil && !errors.Is(err, contract.ErrPriceParts) {
		k.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "published prices not usable", slog.Any("error", err))
	}
}

func (k *Keeper) published(ctx context.Context) ([]byte, error) {
	kv, err := k.opts.JS.KeyValue(ctx, k.opts.Names.ConfigBucket())
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	var parts []*contract.PriceOverlay
	for i := range contract.MaxPriceParts {
		entry, err := kv.Get(ctx, contract.PriceOverlayKey(i))
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read bucket: %w", err)
		}
		part := &contract.PriceOverlay{}
		if err := json.Unmarshal(entry.Value(), part); err != nil {
			return nil, fmt.Errorf("decode part: %w", err)
		}
		if part.Deleted {
			break
		}
		parts = append(parts, part)
	}
	file, err := contract.JoinPrices(parts)
	if err != nil {
		return nil, fmt.Errorf("published prices: %w", err)
	}
	return file, nil
}
