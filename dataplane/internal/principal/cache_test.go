package principal_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bucket is a source with a version for each key, which tests change.
type bucket struct {
	mu       sync.Mutex
	versions map[string]uint64
	err      error
	reads    atomic.Int64
	hold     chan struct{} // when set, a read takes its value and then waits
	reading  chan struct{}
}

func (b *bucket) Read(ctx context.Context, key string, atLeast uint64) (any, uint64, error) {
	b.reads.Add(1)
	b.mu.Lock()
	version, err, hold := b.versions[key], b.err, b.hold
	b.mu.Unlock()
	if hold != nil {
		b.reading <- struct{}{}
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
	if err != nil {
		return nil, 0, err
	}
	if version < atLeast {
		return nil, 0, fmt.Errorf("version %d is older than %d", version, atLeast)
	}
	if version == 0 {
		return nil, 0, nil
	}
	return version, version, nil
}

func (b *bucket) set(key string, version uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.versions[key] = version
}

func (b *bucket) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

func newCache(t *testing.T, size int) (*principal.Cache, *bucket, *clock) {
	t.Helper()
	b, c := &bucket{versions: map[string]uint64{}, reading: make(chan struct{}, 64)}, &clock{}
	c.at.Store(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixNano())
	cache := principal.New(principal.Options{Source: b, Size: size, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Clock: c.now})
	t.Cleanup(cache.Close)
	return cache, b, c
}

func get(t *testing.T, c *principal.Cache, key string) any {
	t.Helper()
	v, err := c.Get(t.Context(), []byte(key))
	require.NoError(t, err)
	return v
}

func TestCache_reads_once_and_forgets_on_change(t *testing.T) {
	t.Parallel()
	c, b, _ := newCache(t, 0)
	b.set("k", 1)
	require.Equal(t, uint64(1), get(t, c, "k"))
	require.Equal(t, uint64(1), get(t, c, "k"))
	require.EqualValues(t, 1, b.reads.Load())
	b.set("k", 2)
	c.Changed("k", 2, nil)
	require.Equal(t, uint64(2), get(t, c, "k"))
}

func TestCache_does_not_keep_what_changed_while_it_was_read(t *testing.T) {
	t.Parallel()
	c, b, _ := newCache(t, 0)
	b.set("k", 1)
	b.hold = make(chan struct{})
	first := make(chan any, 1)
	go func() { v, _ := c.Get(context.Background(), []byte("k")); first <- v }()
	<-b.reading // version 1 is in its hands
	b.set("k", 2)
	c.Changed("k", 2, nil)
	b.mu.Lock()
	hold := b.hold
	b.hold = nil
	b.mu.Unlock()
	close(hold)
	require.Equal(t, uint64(1), <-first, "who asked before the change may see the state before it")
	require.Equal(t, uint64(2), get(t, c, "k"), "who asks after it must not")
}

func TestCache_asks_for_a_reading_that_includes_the_change(t *testing.T) {
	t.Parallel()
	c, b, _ := newCache(t, 0)
	b.set("k", 1)
	c.Changed("k", 2, nil) // the source lags behind
	_, err := c.Get(t.Context(), []byte("k"))
	require.ErrorContains(t, err, "older than 2")
	b.set("k", 2)
	require.Equal(t, uint64(2), get(t, c, "k"))
}

func TestCache_shares_a_lookup(t *testing.T) {
	t.Parallel()
	c, b, _ := newCache(t, 0)
	b.set("k", 1)
	b.hold = make(chan struct{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { _, _ = c.Get(context.Background(), []byte("k")) })
	}
	<-b.reading
	close(b.hold)
	wg.Wait()
	require.EqualValues(t, 1, b.reads.Load())
}

func TestCache_remembers_for_a_moment_that_there_is_none(t *testing.T) {
	t.Parallel()
	c, b, clock := newCache(t, 0)
	require.Nil(t, get(t, c, "k"))
	require.Nil(t, get(t, c, "k"))
	require.EqualValues(t, 1, b.reads.Load())
	clock.advance(3 * time.Second)
	b.set("k", 1)
	require.Equal(t, uint64(1), get(t, c, "k"))

	require.Nil(t, get(t, c, "new"))
	b.set("new", 5)
	c.Changed("new", 5, nil)
	require.Equal(t, uint64(5), get(t, c, "new"), "a change ends it at once")
}

func TestCache_confirms_everything_after_a_gap_and_serves_it_while_it_can_not(t *testing.T) {
	t.Parallel()
	c, b, _ := newCache(t, 0)
	b.set("k", 1)
	require.Equal(t, uint64(1), get(t, c, "k"))
	b.set("k", 2)
	c.Missed("gap")
	b.fail(errors.New("away"))
	require.Equal(t, uint64(1), get(t, c, "k"), "known and not confirmable: used as it is")
	_, err := c.Get(t.Context(), []byte("other"))
	require.ErrorContains(t, err, "away", "unknown and not readable: an error, never 'does not exist'")
	b.fail(nil)
	require.Equal(t, uint64(2), get(t, c, "k"))
}

func TestCache_is_bounded_and_guesses_do_not_push_keys_out(t *testing.T) {
	t.Parallel()
	c, b, clock := newCache(t, 6400)
	const keys = 3200
	for i := range keys {
		b.set(fmt.Sprint("key", i), 1)
		get(t, c, fmt.Sprint("key", i))
	}
	clock.advance(time.Millisecond)
	for i := range 50_000 {
		get(t, c, fmt.Sprint("guess", i))
	}
	require.LessOrEqual(t, c.Len(), 6400)
	before := b.reads.Load()
	for i := range keys {
		get(t, c, fmt.Sprint("key", i))
	}
	require.Less(t, b.reads.Load()-before, int64(keys/20), "most keys are still there")
}

func TestCache_ends_with_the_request(t *testing.T) {
	t.Parallel()
	c, b, _ := newCache(t, 0)
	b.hold = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := c.Get(ctx, []byte("k")); done <- err }()
	<-b.reading
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

func BenchmarkGet(b *testing.B) {
	src := &bucket{versions: map[string]uint64{"k": 1}}
	c := principal.New(principal.Options{Source: src, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Clock: time.Now})
	defer c.Close()
	key := []byte("k")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(b.Context(), key); err != nil {
			b.Fatal(err)
		}
	}
}
