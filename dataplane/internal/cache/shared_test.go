package cache_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/testkit/cutter"
)

func found(tb testing.TB, r *replica, key cache.Key) string {
	tb.Helper()
	e, ok := r.Get(context.Background(), key, cache.Controls{})
	if !ok {
		return ""
	}
	return string(e.Body)
}

func TestReplicas_share_answers(t *testing.T) {
	t.Parallel()
	now := newClock()
	b := newBus(t)
	one, two := b.replica(shared(), cache.Options{Clock: now.Now}), b.replica(shared(), cache.Options{Clock: now.Now})
	key := cache.Key{1}
	stream := cache.Entry{Status: 200, ContentType: "text/event-stream", Stream: true, Body: []byte("data: {}\n\ndata: [DONE]\n\n")}
	one.Put(key, stream, controls(t, `{"ttl":60}`))
	b.stored(1)
	e, ok := two.Get(t.Context(), key, cache.Controls{})
	require.True(t, ok)
	require.True(t, e.Stream)
	require.Equal(t, "text/event-stream", e.ContentType)
	require.Equal(t, string(stream.Body), string(e.Body))
	require.InDelta(t, 1, two.metric(t, "hits_total", "tier", "shared"), 0)
	require.NotEmpty(t, found(t, two, key))
	require.InDelta(t, 1, two.metric(t, "hits_total", "tier", "local"), 0, "the second time out of memory")

	// The server forgets it by itself.
	s, err := b.admin.Stream(t.Context(), contract.KVStream(b.names.CacheBucket()))
	require.NoError(t, err)
	m, err := s.GetLastMsgForSubject(t.Context(), contract.KVSubject(b.names.CacheBucket(), contract.CacheEntryKey(key)))
	require.NoError(t, err)
	require.Equal(t, "1m0s", m.Header.Get("Nats-TTL"))

	// The entry says how long it counts, whatever the server does.
	three := b.replica(shared(), cache.Options{Clock: now.Now})
	now.advance(59 * time.Second)
	require.NotEmpty(t, found(t, two, key))
	now.advance(2 * time.Second)
	require.Empty(t, found(t, two, key))
	require.Empty(t, found(t, three, key))
}

func TestReplicas_do_not_share_what_is_local(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	one, two := b.replica(on(), cache.Options{}), b.replica(shared(), cache.Options{})
	one.Put(cache.Key{1}, answer("a"), cache.Controls{})
	two.Put(cache.Key{2}, answer("b"), cache.Controls{})
	b.stored(1)
	require.Empty(t, found(t, two, cache.Key{1}))
	require.Empty(t, found(t, one, cache.Key{2}))
	require.Equal(t, "a", found(t, one, cache.Key{1}))
}

func TestWhat_is_too_large_for_the_bus_stays_local(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	one, two := b.replica(shared(), cache.Options{}), b.replica(shared(), cache.Options{})
	one.Put(cache.Key{1}, answer(string(bytes.Repeat([]byte("x"), 2<<20))), cache.Controls{})
	one.Put(cache.Key{2}, answer("small"), cache.Controls{})
	b.stored(1)
	require.NotEmpty(t, found(t, one, cache.Key{1}))
	require.Empty(t, found(t, two, cache.Key{1}))
	require.Equal(t, "small", found(t, two, cache.Key{2}))
	require.InDelta(t, 0, one.metric(t, "bus_errors_total"), 0)
}

func TestFlushAll_reaches_all_replicas(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	one, two := b.replica(shared(), cache.Options{}), b.replica(shared(), cache.Options{})
	for i := range 10 {
		one.Put(cache.Key{byte(i)}, answer("a"), cache.Controls{})
	}
	b.stored(10)
	for i := range 10 {
		require.Equal(t, "a", found(t, two, cache.Key{byte(i)}))
	}
	require.NoError(t, two.FlushAll(t.Context()))
	require.Empty(t, found(t, two, cache.Key{1}))
	require.Eventually(t, func() bool { return one.metric(t, "entries") == 0 }, 5*time.Second, time.Millisecond)
	for i := range 10 {
		require.Empty(t, found(t, one, cache.Key{byte(i)}))
	}
	b.stored(1) // the epoch
	one.Put(cache.Key{1}, answer("again"), cache.Controls{})
	b.stored(2)
	require.Equal(t, "again", found(t, two, cache.Key{1}))
}

func TestDelete_reaches_all_replicas(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	one, two := b.replica(shared(), cache.Options{}), b.replica(shared(), cache.Options{})
	for i := range 3 {
		one.Put(cache.Key{byte(i)}, answer("a"), cache.Controls{})
	}
	b.stored(3)
	for i := range 3 {
		require.Equal(t, "a", found(t, two, cache.Key{byte(i)}))
	}
	require.NoError(t, two.Delete(t.Context(), []string{cache.Key{1}.Hex(), "namespace:" + cache.Key{2}.Hex()}))
	require.Eventually(t, func() bool { return found(t, one, cache.Key{1}) == "" && found(t, one, cache.Key{2}) == "" }, 5*time.Second, time.Millisecond)
	require.Empty(t, found(t, two, cache.Key{1}))
	require.Equal(t, "a", found(t, one, cache.Key{0}))
	require.Equal(t, "a", found(t, two, cache.Key{0}))
	require.NoError(t, two.Delete(t.Context(), []string{"not a key", ""}))
	require.ErrorIs(t, two.Delete(t.Context(), make([]string, 1001)), cache.ErrKeys)
}

// A replica that was cut off has not heard that everything was deleted.
func TestReplica_that_comes_back_forgets_what_was_deleted_meanwhile(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	proxy := cutter.New(t, b.server.Addr())
	one, two := b.replica(shared(), cache.Options{}), b.replicaBehind(proxy, shared(), cache.Options{})
	two.Put(cache.Key{1}, answer("a"), cache.Controls{})
	b.stored(1)
	proxy.Cut()
	require.Eventually(t, func() bool { return !two.conn.IsConnected() }, 5*time.Second, time.Millisecond)
	require.NoError(t, one.FlushAll(t.Context()))
	require.Equal(t, "a", found(t, two, cache.Key{1}))
	proxy.Resume()
	require.Eventually(t, func() bool { return two.metric(t, "entries") == 0 }, 10*time.Second, 5*time.Millisecond)
	require.Eventually(t, func() bool { return two.metric(t, "bus_open") == 0 || found(t, two, cache.Key{1}) != "" }, 10*time.Second, 5*time.Millisecond)
	require.Empty(t, found(t, two, cache.Key{1}))
}

// NATS gone: what is in memory is found, all else is a miss, soon without
// asking; when it is back, so are the answers.
func TestNATS_gone_is_a_miss(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	one, two := b.replica(shared(), cache.Options{}), b.replica(shared(), cache.Options{})
	one.Put(cache.Key{1}, answer("a"), cache.Controls{})
	b.stored(1)
	b.server.Stop()
	require.Eventually(t, func() bool { return !two.conn.IsConnected() }, 5*time.Second, time.Millisecond)
	for range 5 {
		require.Empty(t, found(t, two, cache.Key{1}))
	}
	require.Equal(t, "a", found(t, one, cache.Key{1}))
	require.InDelta(t, 1, two.metric(t, "bus_open"), 0)
	one.Put(cache.Key{2}, answer("b"), cache.Controls{})
	require.Error(t, one.FlushAll(t.Context()), "it has not reached the other replicas")
	require.Error(t, one.Ping(t.Context()))
	b.server.Restart()
	require.Eventually(t, func() bool { return found(t, two, cache.Key{1}) == "a" }, 10*time.Second, 5*time.Millisecond)
	require.InDelta(t, 0, two.metric(t, "bus_open"), 0)
	require.Positive(t, two.metric(t, "bus_errors_total", "operation", "read"))
}

// A server that hangs is worse than one that is gone: nothing fails, it only
// takes its time.
func TestNATS_that_hangs_keeps_nobody(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	proxy := cutter.New(t, b.server.Addr())
	r := b.replicaBehind(proxy, shared(), cache.Options{Wait: 10 * time.Millisecond})
	proxy.Blackhole()
	// The breaker opens after three, and lets one try every 250 ms: the hundred
	// must not take the time of as many waits.
	begin := time.Now()
	for i := range 100 {
		require.Empty(t, found(t, r, cache.Key{byte(i)}))
	}
	require.Less(t, time.Since(begin), 500*time.Millisecond)
	require.InDelta(t, 1, r.metric(t, "bus_open"), 0)
	for i := range 6000 {
		r.Put(cache.Key{byte(i), byte(i >> 8)}, answer("a"), cache.Controls{}) // does not block
	}
	require.Positive(t, r.metric(t, "bus_dropped_total"))
	proxy.Resume()
	require.Eventually(t, func() bool {
		_ = found(t, r, cache.Key{255, 255, 255})
		return r.metric(t, "bus_open") == 0
	}, 20*time.Second, 10*time.Millisecond)
}

// Without the bucket, as before the control plane has made it, there is the
// memory.
func TestBucket_that_is_not_there(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	require.NoError(t, b.admin.DeleteStream(t.Context(), contract.KVStream(b.names.CacheBucket())))
	r := b.replica(shared(), cache.Options{})
	require.Empty(t, found(t, r, cache.Key{1}))
	r.Put(cache.Key{1}, answer("a"), cache.Controls{})
	require.Equal(t, "a", found(t, r, cache.Key{1}))
	require.Error(t, r.Ping(t.Context()))
}

func TestStatus_and_info(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := b.replica(nil, cache.Options{})
	_, err := r.Status()
	require.ErrorIs(t, err, cache.ErrOff)
	require.ErrorIs(t, r.Ping(t.Context()), cache.ErrOff)
	require.ErrorIs(t, r.FlushAll(t.Context()), cache.ErrOff)
	require.ErrorIs(t, r.Delete(t.Context(), nil), cache.ErrOff)
	_, err = r.Info(t.Context())
	require.ErrorIs(t, err, cache.ErrOff)

	r.Configure(shared())
	require.NoError(t, r.Ping(t.Context()))
	r.Put(cache.Key{1}, answer("a"), cache.Controls{})
	b.stored(2) // with that of the ping
	status, err := r.Status()
	require.NoError(t, err)
	require.True(t, status.Shared)
	require.Equal(t, "redis", status.Kind)
	require.Len(t, status.Params["supported_call_types"], 8)
	info, err := r.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, info.Local.Entries)
	require.Equal(t, uint64(2), info.Shared.Entries)
	require.Equal(t, "tianji-cache", info.Shared.Bucket)
	require.NotEmpty(t, info.Shared.Server)
}

func BenchmarkSharedHit(b *testing.B) {
	bus := newBus(b)
	one, two := bus.replica(shared(), cache.Options{}), bus.replica(&contract.CacheSettings{Enabled: true, Shared: true, LocalMaxBytes: 1}, cache.Options{})
	one.Put(cache.Key{1}, answer(string(bytes.Repeat([]byte("x"), 1000))), controls(b, `{"ttl":86400}`))
	bus.stored(1)
	b.ReportAllocs()
	for b.Loop() {
		if found(b, two, cache.Key{1}) == "" {
			b.Fatal("miss")
		}
	}
}
