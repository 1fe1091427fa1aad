package cache_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

func wholeEntry() *cache.Entry {
	return &cache.Entry{
		Status: 200, ContentType: "text/event-stream", Stream: true, Body: []byte("data: {}\n\ndata: [DONE]\n\n"), Model: "gpt-4o-2024-08-06",
		Usage: chat.Usage{
			Input: 1, Output: 2, CachedInput: 3, CacheWrite: 4, CacheWrite1h: 5, Reasoning: 6, AudioInput: 7, AudioOutput: 8,
			ImageInput: 9, ImageOutput: 10, AcceptedPrediction: 11, RejectedPrediction: 12, WebSearches: 1 << 40,
		},
		StoredAt: time.UnixMilli(1234567890123),
	}
}

func TestEntry_survives_the_bus(t *testing.T) {
	t.Parallel()
	want := wholeEntry()
	got, expires, err := cache.Decode(cache.Encode(want, 99))
	require.NoError(t, err)
	require.Equal(t, int64(99), expires)
	require.Equal(t, want, got)
}

func FuzzDecodeEntry(f *testing.F) {
	whole := cache.Encode(wholeEntry(), 5)
	f.Add(whole)
	f.Add(whole[:20])
	f.Add([]byte{1, 0, 200, 1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, expires, err := cache.Decode(b)
		if err != nil {
			require.ErrorIs(t, err, cache.ErrEntry)
			return
		}
		again, at, err := cache.Decode(cache.Encode(e, expires))
		require.NoError(t, err)
		require.Equal(t, expires, at)
		require.Equal(t, e, again)
	})
}
