package reverseproxy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/test/bench/internal/load"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
	"github.com/tianjillm/tianjillm/test/bench/internal/reverseproxy"
	"github.com/tianjillm/tianjillm/test/bench/internal/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *reverseproxy.Server {
	t.Helper()
	vendor, err := upstream.Start(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(vendor.Close)
	proxy, err := reverseproxy.Start(t.Context(), "127.0.0.1:0", vendor.Addr())
	require.NoError(t, err)
	t.Cleanup(proxy.Close)
	return proxy
}

func TestServer_bears_an_upstream_that_answers_at_once(t *testing.T) {
	t.Parallel()
	addr := start(t).Addr()
	for _, kind := range []payload.Kind{{PromptBytes: 1 << 10, Stream: true}, {PromptBytes: 1 << 10}} {
		_, err := load.Closed{Addr: addr, Request: kind.Request(addr, "k"), Conns: 8, Duration: time.Second}.Run(t.Context())
		require.NoError(t, err)
	}
}

func TestServer_passes_on(t *testing.T) {
	t.Parallel()
	proxy := start(t)
	conn, err := load.Dial(t.Context(), proxy.Addr())
	require.NoError(t, err)
	defer conn.Close()

	plain, err := conn.Do(payload.Kind{PromptBytes: 100 << 10}.Request(proxy.Addr(), "k"))
	require.NoError(t, err)
	require.Equal(t, 200, plain.Status)

	stream, err := conn.Do(payload.Kind{PromptBytes: 1 << 10, Stream: true, Pace: 10 * time.Millisecond}.Request(proxy.Addr(), "k"))
	require.NoError(t, err)
	require.Equal(t, 200, stream.Status)
	require.Greater(t, stream.Took, (payload.Events-1)*10*time.Millisecond)
	require.Positive(t, stream.Delay)
	require.Less(t, stream.Delay, stream.Took/2, "events are not held back")
}
