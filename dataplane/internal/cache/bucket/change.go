package bucket

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	// MaxDelete bounds the entries of one Delete.
	MaxDelete = 1000
	// retryPause is how long to wait after an epoch that could not be read.
	retryPause   = 250 * time.Millisecond
	epochTimeout = 2 * time.Second
)

// Delete removes entries here and at every replica.
func (b *Bucket) Delete(ctx context.Context, sums [][32]byte) error {
	if len(sums) > MaxDelete {
		return fmt.Errorf("%d keys: want at most %d", len(sums), MaxDelete)
	}
	if len(sums) == 0 {
		return nil
	}
	change := contract.CacheChange{V: contract.SchemaVersion}
	for _, sum := range sums {
		if err := b.purge(ctx, b.subject(contract.CacheEntryKey(sum))); err != nil {
			return err
		}
		change.Keys = append(change.Keys, hex.EncodeToString(sum[:]))
	}
	return b.announce(ctx, &change)
}

// Flush removes everything, here and at every replica.
func (b *Bucket) Flush(ctx context.Context) error {
	if err := b.purge(ctx, ""); err != nil {
		return err
	}
	return b.announce(ctx, &contract.CacheChange{V: contract.SchemaVersion})
}

// purge removes messages without leaving markers of them.
func (b *Bucket) purge(ctx context.Context, subject string) error {
	request, err := json.Marshal(map[string]string{"filter": subject})
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	reply, err := b.opts.Conn.RequestWithContext(ctx, "$JS.API.STREAM.PURGE."+b.stream(), request)
	if err == nil {
		err = result(reply.Data)
	}
	if err != nil {
		b.failed(opDelete, err)
		return fmt.Errorf("delete from the cache bucket: %w", err)
	}
	return nil
}

// announce tells all replicas, this one included, and leaves a new epoch for
// those that can not be reached now.
func (b *Bucket) announce(ctx context.Context, change *contract.CacheChange) error {
	change.Epoch = ident.NewUUID(time.Now()).String()
	err := b.putEpoch(ctx, change.Epoch)
	if err != nil {
		b.failed(opDelete, err)
		return fmt.Errorf("announce what was deleted: %w", err)
	}
	message, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("encode change: %w", err)
	}
	b.apply(change)
	if err := b.opts.Conn.Publish(b.opts.Names.CacheChanges(), message); err != nil {
		return fmt.Errorf("announce what was deleted: %w", err)
	}
	return nil
}

func (b *Bucket) putEpoch(ctx context.Context, epoch string) error {
	reply, err := b.opts.Conn.RequestWithContext(ctx, b.subject(contract.CacheEpochKey), []byte(epoch))
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return result(reply.Data)
}

func (b *Bucket) listen() error {
	sub, err := b.opts.Conn.Subscribe(b.opts.Names.CacheChanges(), func(m *nats.Msg) {
		var change contract.CacheChange
		if err := json.Unmarshal(m.Data, &change); err != nil {
			b.opts.Logger.LogAttrs(context.Background(), slog.LevelWarn, "change of the cache not understood", slog.Any("error", err))
			return
		}
		b.apply(&change)
	})
	if err != nil {
		return fmt.Errorf("subscribe to changes of the cache: %w", err)
	}
	b.sub = sub
	return nil
}

// apply tells the owner what was deleted, once for each change.
func (b *Bucket) apply(change *contract.CacheChange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if change.Epoch == b.epoch {
		return
	}
	b.epoch = change.Epoch
	b.queue.clear() // what is about to be written may be what was deleted
	sums := make([][32]byte, 0, len(change.Keys))
	for _, key := range change.Keys {
		var sum [32]byte
		if n, err := hex.Decode(sum[:], []byte(key[:min(len(key), 64)])); err == nil && n == len(sum) {
			sums = append(sums, sum)
		}
	}
	if len(sums) == 0 {
		sums = nil
	}
	b.opts.Deleted(sums)
}

// Reconnected is to be called when the connection came back: what was deleted
// meanwhile was not heard of.
func (b *Bucket) Reconnected() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// follow compares epochs whenever a change may have been missed.
func (b *Bucket) follow(ctx context.Context) {
	first := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		for !b.compare(ctx, first) {
			first = false // from here on entries may be older than a flush
			if !lifecycle.Sleep(ctx, retryPause) {
				return
			}
		}
		first = false
	}
}

// compare reports whether the epoch could be read. At the start it is only
// remembered.
func (b *Bucket) compare(ctx context.Context, first bool) bool {
	ctx, cancel := context.WithTimeout(ctx, epochTimeout)
	defer cancel()
	m, err := b.opts.Conn.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+b.stream()+"."+b.subject(contract.CacheEpochKey), nil)
	if err == nil {
		err = failure(m)
	}
	epoch := ""
	switch {
	case err == nil:
		epoch = string(m.Data)
	case !errors.Is(err, ErrNotFound):
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if epoch == b.epoch {
		return true
	}
	b.epoch = epoch
	if !first {
		b.queue.clear()
		b.opts.Deleted(nil)
	}
	return true
}
