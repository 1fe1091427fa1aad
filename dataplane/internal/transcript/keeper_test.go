package transcript_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/transcript"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a sink that can be closed.
type shelf struct {
	mu     sync.Mutex
	closed bool
	lines  int
	batch  int // the longest
}

func (s *shelf) Store(_ context.Context, batch []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("closed")
	}
	s.lines += bytes.Count(batch, []byte{'\n'})
	s.batch = max(s.batch, len(batch))
	return nil
}

func (s *shelf) close(closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = closed
}

func TestKeeper_brings_all_in_messages_of_bounded_size(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	k := transcript.Start(s, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	line := append(bytes.Repeat([]byte("x"), 40_000), '\n')
	for range 100 {
		k.Keep(line)
	}
	k.Keep(nil)
	require.NoError(t, k.Close(t.Context()))
	require.Equal(t, 100, s.lines)
	require.LessOrEqual(t, s.batch, 512<<10)
	require.Greater(t, s.batch, len(line))
}

// While the bus is away memory is bounded, and requests do not wait.
func TestKeeper_drops_what_would_be_too_much(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	s.close(true)
	reg := prometheus.NewRegistry()
	k := transcript.Start(s, slog.New(slog.DiscardHandler), reg)
	line := append(bytes.Repeat([]byte("x"), 64<<10), '\n')
	for range 1000 {
		k.Keep(line)
	}
	require.LessOrEqual(t, k.Waiting(), 16<<20)
	lost, err := testutil.GatherAndCount(reg, "tianji_dataplane_transcripts_lost_total")
	require.NoError(t, err)
	require.Equal(t, 1, lost)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, k.Close(ctx), "are lost")
}
