package load_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/test/bench/internal/load"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
	"github.com/tianjillm/tianjillm/test/bench/internal/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func vendor(t *testing.T) string {
	t.Helper()
	s, err := upstream.Start(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s.Addr()
}

func handler(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// hang waits until the client is gone, which the server sees once the body has
// been read.
func hang(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestClosed_counts_what_the_target_answered(t *testing.T) {
	t.Parallel()
	addr := vendor(t)
	for _, kind := range []payload.Kind{{PromptBytes: 1 << 10}, {PromptBytes: 100 << 10}, {PromptBytes: 1 << 10, Stream: true}} {
		spent := time.Duration(0)
		result, err := load.Closed{
			Addr: addr, Request: kind.Request(addr, "k"), Conns: 4, Spread: 10 * time.Millisecond, Warmup: 20 * time.Millisecond, Duration: 100 * time.Millisecond,
			CPU: func() (time.Duration, error) { spent += time.Second; return spent, nil },
		}.Run(t.Context())
		require.NoError(t, err)
		require.Positive(t, result.Requests)
		require.Greater(t, result.Total, result.Requests)
		require.Equal(t, time.Second, result.CPU)
		require.Equal(t, time.Second/time.Duration(result.Requests), result.PerRequest())
		require.InDelta(t, float64(result.Requests)/result.Elapsed.Seconds(), result.Rate(), 1e-6)
		require.True(t, slices.IsSorted(result.Latencies))
		require.Positive(t, result.Latencies[0])
	}
}

func TestClosed_fails_on_a_refusal(t *testing.T) {
	t.Parallel()
	addr := handler(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) })
	_, err := load.Closed{Addr: addr, Request: payload.Kind{}.Request(addr, "k"), Conns: 2, Duration: time.Minute}.Run(t.Context())
	require.ErrorContains(t, err, "status 401")
}

func TestClosed_fails_when_connections_are_not_kept(t *testing.T) {
	t.Parallel()
	addr := handler(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	_, err := load.Closed{Addr: addr, Request: payload.Kind{}.Request(addr, "k"), Conns: 2, Duration: time.Minute}.Run(t.Context())
	require.ErrorContains(t, err, "keep")
}

func TestClosed_ends_with_its_context(t *testing.T) {
	t.Parallel()
	var arrived sync.Once
	ctx, cancel := context.WithCancel(t.Context())
	addr := handler(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived.Do(cancel)
		hang(r)
	})
	_, err := load.Closed{Addr: addr, Request: payload.Kind{}.Request(addr, "k"), Conns: 2, Duration: time.Hour}.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestClosed_fails_when_nobody_listens(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = load.Closed{Addr: l.Addr().String(), Conns: 1, Duration: time.Minute}.Run(t.Context())
	require.ErrorContains(t, err, "connect to target")
}

func TestOpen_keeps_its_rate_and_sees_stamps(t *testing.T) {
	t.Parallel()
	addr := vendor(t)
	kind := payload.Kind{PromptBytes: 1 << 10, Stream: true}
	o := load.Open{Addr: addr, Request: kind.Request(addr, "k"), Conns: 64, Rate: 100, Warmup: 100 * time.Millisecond, Duration: 500 * time.Millisecond}
	result, err := o.Run(t.Context())
	require.NoError(t, err)
	require.LessOrEqual(t, result.Requests, 51)
	require.Greater(t, result.Requests, 10)
	require.Greater(t, result.Total, result.Requests)
	require.Len(t, result.Latencies, result.Requests)
	require.Len(t, result.Delays, result.Requests)
	for i, d := range result.Delays {
		require.Positive(t, d)
		require.Less(t, d, result.Latencies[len(result.Latencies)-1], "sample %d", i)
	}
}

func TestOpen_fails_when_the_target_can_not_follow(t *testing.T) {
	t.Parallel()
	addr := handler(t, func(_ http.ResponseWriter, r *http.Request) { hang(r) })
	_, err := load.Open{Addr: addr, Request: payload.Kind{}.Request(addr, "k"), Conns: 2, Rate: 1000, Duration: time.Minute}.Run(t.Context())
	require.ErrorContains(t, err, "busy")
}

func TestConn_opens_a_stream_and_leaves_it(t *testing.T) {
	t.Parallel()
	addr := vendor(t)
	conn, err := load.Dial(t.Context(), addr)
	require.NoError(t, err)
	defer conn.Close()
	kind := payload.Kind{PromptBytes: 1 << 10, Stream: true, Pace: time.Hour}
	require.NoError(t, conn.Open(kind.Request(addr, "k")))
}
