package usage_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deduplicating stores as JetStream does: an id that it has is acknowledged
// and dropped. The first acknowledgement gets lost on its way.
type deduplicating struct {
	mu     sync.Mutex
	events int
	ids    map[string]bool
	first  chan struct{}
}

func (d *deduplicating) Store(_ context.Context, id string, batch []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ids[id] {
		d.ids[id] = true
		d.events += strings.Count(string(batch), "\n")
	}
	if len(d.ids) == 1 && d.first != nil {
		close(d.first)
		d.first = nil
		return errors.New("no answer in time")
	}
	return nil
}

// A batch that was stored although its acknowledgement got lost is offered
// again with what came since; the stream must not take it for the same.
func TestRecorder_lost_acknowledgement_loses_nothing(t *testing.T) {
	t.Parallel()
	first := make(chan struct{})
	sink := &deduplicating{ids: map[string]bool{}, first: first}
	r := open(t, t.TempDir(), sink, 0)
	r.Record(event(0))
	<-first
	for i := range 20 { // before the retry
		r.Record(event(1 + i))
	}
	require.NoError(t, closed(t, r, 10*time.Second))
	require.GreaterOrEqual(t, sink.events, 21)
}
