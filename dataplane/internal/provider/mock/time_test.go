package mock_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/mock"
)

func TestLatency_is_before_the_head(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backend(t, "echo", `{"mock_latency_ms":250}`)
		for options, want := range map[string]time.Duration{
			`"x":1`:                   250 * time.Millisecond,
			`"mock_latency_ms":10`:    10 * time.Millisecond,
			`"mock_latency_ms":0.5`:   500 * time.Microsecond,
			`"mock_latency_ms":0`:     0,
			`"mock_delay":1.5`:        1500 * time.Millisecond,
			`"mock_status":503`:       250 * time.Millisecond,
			`"mock_chunks":"invalid"`: 250 * time.Millisecond,
		} {
			start := time.Now()
			r := do(t, b, chatCall(t, with(question, options)))
			require.Equal(t, want, time.Since(start), options)
			body(t, r)
			require.Equal(t, want, time.Since(start), "the body comes at once")
		}
	})
}

func TestLatency_is_bounded_by_the_timeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := mock.New(provider.Config{Model: "echo", Timeout: 2 * time.Second, StreamTimeout: time.Second})
		require.NoError(t, err)
		for _, c := range []struct {
			stream bool
			own    time.Duration
			want   time.Duration
		}{{false, 0, 2 * time.Second}, {true, 0, time.Second}, {true, 5 * time.Millisecond, 5 * time.Millisecond}, {false, time.Minute, 0}} {
			call := chatCall(t, with(question, `"mock_delay":30`))
			call.Stream, call.Timeout = c.stream, c.own
			start := time.Now()
			r, err := b.Do(t.Context(), call)
			if c.want == 0 {
				require.NoError(t, err)
				require.NoError(t, r.Close())
				require.Equal(t, 30*time.Second, time.Since(start))
				continue
			}
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, c.want, time.Since(start))
		}
	})
}

func TestLatency_ends_with_the_context(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backend(t, "echo", `{"mock_delay":30}`)
		hungUp := errors.New("client went away")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(hungUp) })
		start := time.Now()
		_, err := b.Do(ctx, chatCall(t, question))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, hungUp)
		require.Equal(t, time.Second, time.Since(start))

		_, err = backend(t, "echo", "").Do(cancelledContext(t), chatCall(t, question))
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestInterval_is_before_each_content_chunk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backend(t, "echo", `{"mock_chunk_interval_ms":20,"mock_chunks":10}`)
		call := streamCall(t, question)
		call.AddUsage = true
		start := time.Now()
		r := do(t, b, call)
		p := make([]byte, 64<<10)
		var (
			stream []byte
			at     []time.Duration
		)
		for {
			n, err := r.Read(p)
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
			require.Len(t, events(t, p[:n]), 1, "one chunk for each read")
			stream = append(stream, p[:n]...)
			at = append(at, time.Since(start))
		}
		_, pieces := said(chunks(t, string(stream)))
		require.Equal(t, 10, pieces)
		require.Len(t, at, 1+10+1+1+1, "role, text, finish, usage, end")
		for i, d := range at {
			require.EqualValues(t, min(i, 10)*20, d.Milliseconds())
		}
	})
}

func TestInterval_ends_with_the_context(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backend(t, "echo", `{"mock_chunk_interval_ms":1000}`)
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		r, err := b.Do(ctx, streamCall(t, question))
		require.NoError(t, err)
		time.AfterFunc(2500*time.Millisecond, cancel)
		reads, err := readEach(r, 4096)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 2500*time.Millisecond, time.Since(start))
		require.Len(t, events(t, bytes.Join(reads, nil)), 3, "the role and two words")
		_, err = r.Read(make([]byte, 10))
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, r.Close())
	})
}

func TestBody_ends_with_the_context(t *testing.T) {
	t.Parallel()
	b := backend(t, "echo", "")
	for _, stream := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		call := chatCall(t, question)
		call.Stream = stream
		r, err := b.Do(ctx, call)
		require.NoError(t, err)
		_, err = r.Read(make([]byte, 5))
		require.NoError(t, err)
		cancel()
		_, err = r.Read(make([]byte, 5))
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, r.Close())
	}
}

// TestInterval_stops_when_closed: nothing is left that waits.
func TestInterval_stops_when_closed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, err := backend(t, "echo", `{"mock_chunk_interval_ms":1000}`).Do(t.Context(), streamCall(t, question))
		require.NoError(t, err)
		for range 2 {
			_, err = r.Read(make([]byte, 4096))
			require.NoError(t, err)
		}
		require.NoError(t, r.Close())
	})
}
