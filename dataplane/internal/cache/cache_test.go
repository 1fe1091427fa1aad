package cache_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/contract"
)

func TestCache_finds_what_was_stored(t *testing.T) {
	t.Parallel()
	now := newClock()
	r := newReplica(t, on(), cache.Options{Clock: now.Now})
	key := r.Key(chatCall(t, plainChat), cache.Controls{})
	_, ok := r.Get(t.Context(), key, cache.Controls{})
	require.False(t, ok)
	body := []byte(`{"id":"1"}`)
	r.Put(key, cache.Entry{Status: 200, ContentType: "application/json", Body: body, Usage: chat.Usage{Input: 3, Output: 4}, Model: "m"}, cache.Controls{})
	copy(body, "xxxxxxxxxx") // the caller's buffer is used again
	e, ok := r.Get(t.Context(), key, cache.Controls{})
	require.True(t, ok)
	require.JSONEq(t, `{"id":"1"}`, string(e.Body))
	require.Equal(t, chat.Usage{Input: 3, Output: 4}, e.Usage)
	require.Equal(t, now.Now().UnixMilli(), e.StoredAt.UnixMilli())
	require.InDelta(t, 1, r.metric(t, "hits_total", "tier", "local"), 0)
	require.InDelta(t, 1, r.metric(t, "misses_total"), 0)
	require.InDelta(t, 1, r.metric(t, "entries"), 0)
}

func TestCache_obeys_controls(t *testing.T) {
	t.Parallel()
	now := newClock()
	r := newReplica(t, on(), cache.Options{Clock: now.Now})
	key := cache.Key{1}
	get := func(member string) string {
		e, ok := r.Get(t.Context(), key, controls(t, member))
		if !ok {
			return ""
		}
		return string(e.Body)
	}
	r.Put(key, answer("old"), cache.Controls{})
	r.Put(key, answer("not kept"), controls(t, `{"no-store":true}`))
	now.advance(10 * time.Second)
	require.Equal(t, "old", get(""))
	require.Equal(t, "old", get(`{"no-store":true}`), "what is not stored is looked up still")
	require.Empty(t, get(`{"no-cache":true}`))
	require.Empty(t, get(`{"s-maxage":5}`))
	require.Empty(t, get(`{"s-maxage":0}`))
	require.Equal(t, "old", get(`{"s-maxage":11}`))
	r.Put(key, answer("new"), controls(t, `{"no-cache":true}`))
	require.Equal(t, "new", get(`{"s-maxage":5}`), "no-cache brings a new answer in")
}

func TestEnabled(t *testing.T) {
	t.Parallel()
	with := func(change func(*contract.CacheSettings)) *replica {
		s := on()
		change(s)
		return newReplica(t, s, cache.Options{})
	}
	r := with(func(*contract.CacheSettings) {})
	for _, callType := range []string{"acompletion", "atext_completion", "aembedding", "aresponses", "anthropic_messages", "agenerate_content", "arerank", "atranscription"} {
		require.True(t, r.Enabled(callType, cache.Controls{}), callType)
	}
	require.False(t, r.Enabled("aimage_generation", cache.Controls{}))
	require.False(t, r.Enabled("acompletion", cache.Controls{Off: true}))
	some := with(func(s *contract.CacheSettings) { s.CallTypes = []string{"completion", "arerank"} })
	require.True(t, some.Enabled("acompletion", cache.Controls{}), "LiteLLM's name of the synchronous call")
	require.True(t, some.Enabled("arerank", cache.Controls{}))
	require.False(t, some.Enabled("aembedding", cache.Controls{}))
	require.False(t, with(func(s *contract.CacheSettings) { s.CallTypes = []string{} }).Enabled("acompletion", cache.Controls{}))
	optIn := with(func(s *contract.CacheSettings) { s.DefaultOff = true })
	require.False(t, optIn.Enabled("acompletion", cache.Controls{}))
	require.True(t, optIn.Enabled("acompletion", cache.Controls{UseCache: true}))

	r.Put(cache.Key{1}, answer("a"), cache.Controls{})
	r.Configure(nil)
	require.False(t, r.Enabled("acompletion", cache.Controls{}))
	r.Configure(on())
	_, ok := r.Get(t.Context(), cache.Key{1}, cache.Controls{})
	require.False(t, ok, "turned off is forgotten")
}

func TestPut_leaves_out_what_is_no_success(t *testing.T) {
	t.Parallel()
	r := newReplica(t, on(), cache.Options{})
	for name, e := range map[string]cache.Entry{
		"an error":  {Status: 429, Body: []byte("{}")},
		"empty":     {Status: 200},
		"too large": {Status: 200, Body: make([]byte, cache.MaxBody+1)},
	} {
		r.Put(cache.Key{1}, e, cache.Controls{})
		_, ok := r.Get(t.Context(), cache.Key{1}, cache.Controls{})
		require.False(t, ok, name)
	}
}

func TestMemory_is_bounded(t *testing.T) {
	t.Parallel()
	s := on()
	s.LocalMaxBytes = 1 << 20
	r := newReplica(t, s, cache.Options{})
	for i := range 2000 {
		r.Put(cache.Key{byte(i), byte(i >> 8)}, answer(strings.Repeat("x", 4<<10)), cache.Controls{})
	}
	require.LessOrEqual(t, r.metric(t, "bytes"), float64(1<<20))
	require.Greater(t, r.metric(t, "bytes"), float64(1<<19))
	require.Greater(t, r.metric(t, "evictions_total"), 1500.0)
	r.Put(cache.Key{9, 9, 9}, answer(strings.Repeat("x", 512<<10)), cache.Controls{})
	_, ok := r.Get(t.Context(), cache.Key{9, 9, 9}, cache.Controls{})
	require.False(t, ok, "one answer that would push out half of the others")
}

func TestCache_under_concurrent_use(t *testing.T) {
	t.Parallel()
	r := newReplica(t, on(), cache.Options{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 500 {
				key := cache.Key{byte(i % 50)}
				want := fmt.Sprint(i % 50)
				r.Put(key, answer(want), cache.Controls{})
				if e, ok := r.Get(t.Context(), key, cache.Controls{}); ok {
					assertBody(t, want, e)
				}
				if w == 0 && i%100 == 0 {
					assertNoError(t, r.FlushAll(t.Context()))
				}
			}
		})
	}
	wg.Wait()
}

// Goroutines must not end a test.
func assertBody(t *testing.T, want string, e *cache.Entry) {
	t.Helper()
	if string(e.Body) != want {
		t.Errorf("got %q, want %q", e.Body, want)
	}
}

func assertNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func BenchmarkLocalHit(b *testing.B) {
	r := newReplica(b, on(), cache.Options{})
	for i := range 1000 {
		r.Put(cache.Key{byte(i), byte(i >> 8)}, answer(strings.Repeat("x", 1000)), controls(b, `{"ttl":86400}`))
	}
	ctx := b.Context()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, ok := r.Get(ctx, cache.Key{byte(i % 200)}, cache.Controls{}); !ok {
			b.Fatal("miss")
		}
	}
}

func BenchmarkPut(b *testing.B) {
	r := newReplica(b, on(), cache.Options{})
	e := answer(strings.Repeat("x", 1000))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		r.Put(cache.Key{byte(i), byte(i >> 8), byte(i >> 16)}, e, cache.Controls{})
	}
	runtime.KeepAlive(r)
}
