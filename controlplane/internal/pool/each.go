package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/limits"
)

const (
	pageWait = 2 * time.Second
	// idleConsumer is when the server forgets a walk that was given up.
	idleConsumer = 30 * time.Second
)

// Entry is a counter and its value.
type Entry struct {
	Counter

	Value int64
}

// Each calls f for all counters of a class, a page at a time. Counters that
// change meanwhile may come twice.
func (p *Pool) Each(ctx context.Context, class limits.Class, page int, f func([]Entry) error) error {
	name := p.names.LimitStream(string(class))
	stream, err := p.js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("open counters: %w", err)
	}
	left := stream.CachedInfo().State.Msgs
	if left == 0 {
		return nil
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Description: "walk over the counters of limits", AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: idleConsumer,
	})
	if err != nil {
		return fmt.Errorf("walk over counters: %w", err)
	}
	defer func() { // if that fails, the server forgets it by itself
		_ = stream.DeleteConsumer(context.WithoutCancel(ctx), consumer.CachedInfo().Name)
	}()
	for left > 0 && ctx.Err() == nil {
		entries, seen, err := p.page(consumer, class, min(page, int(min(left, 1<<20))))
		if err != nil {
			return err
		}
		if seen == 0 {
			break
		}
		left -= min(left, seen)
		if err := f(entries); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("walk over counters: %w", err)
	}
	return nil
}

func (p *Pool) page(consumer jetstream.Consumer, class limits.Class, size int) (entries []Entry, seen uint64, err error) {
	batch, err := consumer.Fetch(size, jetstream.FetchMaxWait(pageWait))
	if err != nil {
		return nil, 0, fmt.Errorf("read counters: %w", err)
	}
	for m := range batch.Messages() {
		seen++
		c, ok := p.parse(class, m.Subject())
		if !ok {
			continue
		}
		if n, err := value(m.Data()); err == nil {
			entries = append(entries, Entry{c, n})
		}
	}
	if err := batch.Error(); err != nil && seen == 0 && !errors.Is(err, jetstream.ErrNoMessages) {
		return nil, 0, fmt.Errorf("read counters: %w", err)
	}
	return entries, seen, nil
}
