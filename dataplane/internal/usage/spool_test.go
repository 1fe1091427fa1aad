package usage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tianjillm/tianjillm/dataplane/internal/usage"
	"github.com/tianjillm/tianjillm/shared/contract"
)

const childDir = "TEST_SPOOL_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv(childDir); ok {
		childRecordsAndWaits(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// memory is a sink that can be broken, and counts what it is given.
type memory struct {
	mu     sync.Mutex
	broken error
	events map[string]int
	ids    map[string][]byte
	stored chan struct{}
}

func newMemory() *memory {
	return &memory{events: map[string]int{}, ids: map[string][]byte{}, stored: make(chan struct{}, 1024)}
}

func (m *memory) Store(_ context.Context, id string, batch []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	if before, ok := m.ids[id]; ok && !bytes.Equal(before, batch) {
		return fmt.Errorf("id %s was used for other bytes", id)
	}
	m.ids[id] = bytes.Clone(batch)
	for line := range strings.Lines(string(batch)) {
		var u contract.Usage
		if err := json.Unmarshal([]byte(line), &u); err != nil {
			return err
		}
		m.events[u.ID]++
	}
	select {
	case m.stored <- struct{}{}:
	default:
	}
	return nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.events)
}

func open(t *testing.T, dir string, sink usage.Sink, maxBytes int64) *usage.Recorder {
	t.Helper()
	r, err := usage.Open(usage.Options{Dir: dir, Sink: sink, MaxBytes: maxBytes, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
	require.NoError(t, err)
	return r
}

func event(i int) *contract.Usage {
	return &contract.Usage{V: 1, ID: fmt.Sprintf("call-%d", i), CallType: "acompletion", Status: contract.Success, HTTPStatus: 200, ModelGroup: strings.Repeat("m", 200)}
}

func closed(t *testing.T, r *usage.Recorder, within time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return r.Close(ctx)
}

func TestRecorder_publishes_all_from_many_writers(t *testing.T) {
	t.Parallel()
	sink := newMemory()
	r := open(t, t.TempDir(), sink, 0)
	const writers, each = 8, 5000 // more than one segment
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				r.Record(event(w*each + i))
			}
		})
	}
	wg.Wait()
	require.NoError(t, closed(t, r, 30*time.Second))
	require.Equal(t, writers*each, sink.count())
	require.Zero(t, r.Spooled())
}

func TestRecorder_keeps_what_the_bus_refuses_for_the_next_start(t *testing.T) {
	t.Parallel()
	dir, sink := t.TempDir(), newMemory()
	sink.fail(errors.New("away"))
	r := open(t, dir, sink, 0)
	for i := range 120 {
		r.Record(event(i))
	}
	require.ErrorContains(t, closed(t, r, 100*time.Millisecond), "stay in the spool")
	require.Zero(t, sink.count())

	sink.fail(nil)
	r = open(t, dir, sink, 0)
	require.NoError(t, closed(t, r, 10*time.Second))
	require.Equal(t, 120, sink.count())
	left, err := filepath.Glob(filepath.Join(dir, "slot-0", "*.ndjson"))
	require.NoError(t, err)
	require.LessOrEqual(t, len(left), 1, "published segments are removed")
}

// A replica that starts empties the slots of replicas that are gone for good.
func TestRecorder_inherits_from_its_neighbours(t *testing.T) {
	t.Parallel()
	dir, sink := t.TempDir(), newMemory()
	sink.fail(errors.New("away"))
	var gone []*usage.Recorder
	for i := range 3 {
		r := open(t, dir, sink, 0)
		r.Record(event(i))
		gone = append(gone, r)
	}
	for _, r := range gone {
		require.Error(t, closed(t, r, 50*time.Millisecond))
	}
	sink.fail(nil)
	heir := open(t, dir, sink, 0)
	heir.Record(event(3))
	require.NoError(t, closed(t, heir, 10*time.Second))
	require.Equal(t, 4, sink.count())
}

func TestRecorder_is_bounded(t *testing.T) {
	t.Parallel()
	sink := newMemory()
	sink.fail(errors.New("away"))
	r := open(t, t.TempDir(), sink, 4096)
	for i := range 1000 {
		r.Record(event(i))
	}
	require.LessOrEqual(t, r.Spooled(), int64(4096+1024))
	sink.fail(nil)
	require.NoError(t, closed(t, r, 10*time.Second))
	require.Less(t, sink.count(), 1000)
}

func TestRecorder_skips_a_torn_line(t *testing.T) {
	t.Parallel()
	dir, sink := t.TempDir(), newMemory()
	sink.fail(errors.New("away"))
	r := open(t, dir, sink, 0)
	r.Record(event(1))
	require.Error(t, closed(t, r, 50*time.Millisecond))
	files, err := filepath.Glob(filepath.Join(dir, "slot-0", "*.ndjson"))
	require.NoError(t, err)
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.WriteString(`{"v":1,"id":"torn`)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	sink.fail(nil)
	r = open(t, dir, sink, 0)
	r.Record(event(2))
	require.NoError(t, closed(t, r, 10*time.Second))
	require.Equal(t, map[string]int{"call-1": 1, "call-2": 1}, sink.events)
}

// A killed process loses nothing that Record returned for, and whoever shares
// its directory publishes it.
func TestRecorder_survives_kill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.ReadFull(out, make([]byte, len("recorded")))
	require.NoError(t, err)

	// A second recorder beside the living child leaves the child's slot alone.
	sink := newMemory()
	beside := open(t, dir, sink, 0)
	beside.Record(event(-1))
	require.NoError(t, closed(t, beside, 10*time.Second))
	require.Equal(t, 1, sink.count())

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	heir := open(t, dir, sink, 0)
	require.NoError(t, closed(t, heir, 10*time.Second))
	require.Equal(t, 501, sink.count())
}

func childRecordsAndWaits(dir string) {
	sink := newMemory()
	sink.fail(errors.New("away"))
	r, err := usage.Open(usage.Options{Dir: dir, Sink: sink, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
	if err != nil {
		os.Exit(1)
	}
	for i := range 500 {
		r.Record(event(i))
	}
	_, _ = os.Stdout.WriteString("recorded")
	select {} // until killed
}

func BenchmarkRecord(b *testing.B) {
	r, err := usage.Open(usage.Options{Dir: b.TempDir(), Sink: newDiscard(), Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
	if err != nil {
		b.Fatal(err)
	}
	u := event(1)
	b.ReportAllocs()
	for b.Loop() {
		r.Record(u)
	}
	_ = r.Close(context.Background())
}

type discard struct{}

func newDiscard() discard { return discard{} }

func (discard) Store(context.Context, string, []byte) error { return nil }
