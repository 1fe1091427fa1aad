package transcript

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	// maxQueued bounds the lines that wait for the bus, in bytes.
	maxQueued = 16 << 20
	// maxBatch bounds one message, which may have 1 MiB at most.
	maxBatch     = 512 << 10
	gather       = 100 * time.Millisecond
	retryPause   = time.Second
	storeTimeout = 5 * time.Second
	// closePatience is how long a replica that stops waits for the bus: there is
	// more to be brought there, which must not be lost.
	closePatience = 2 * time.Second
)

// Sink stores one batch of lines.
type Sink interface {
	Store(ctx context.Context, batch []byte) error
}

// Stream is the stream of transcripts as a Sink.
type Stream struct {
	js      jetstream.JetStream
	names   contract.Names
	subject string
}

// NewStream returns the sink of one replica. It does not need NATS to be up.
func NewStream(js jetstream.JetStream, n contract.Names, replica string) *Stream {
	return &Stream{js: js, names: n, subject: n.TranscriptSubject(replica)}
}

// Store publishes a batch and waits for the stream to have it. One that is stored
// twice is booked once.
func (s *Stream) Store(ctx context.Context, batch []byte) error {
	if _, err := s.js.Publish(ctx, s.subject, batch, jetstream.WithExpectStream(s.names.TranscriptStream())); err != nil {
		return fmt.Errorf("publish transcripts: %w", err)
	}
	return nil
}

// Keeper brings transcripts to the bus. It is safe for concurrent use.
type Keeper struct {
	sink Sink
	log  *slog.Logger
	wake chan struct{}
	stop func()

	mu     sync.Mutex
	queue  [][]byte
	queued int // bytes, those under way included

	kept, lost prometheus.Counter
}

// Start returns a keeper whose goroutine runs until Close.
func Start(sink Sink, log *slog.Logger, reg prometheus.Registerer) *Keeper {
	k := &Keeper{
		sink: sink, log: log, wake: make(chan struct{}, 1),
		kept: prometheus.NewCounter(prometheus.CounterOpts{Name: "tianji_dataplane_transcripts_total", Help: "Texts of requests that were brought to the bus."}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "tianji_dataplane_transcripts_lost_total", Help: "Texts of requests that were dropped: too many waited for the bus."}),
	}
	reg.MustRegister(k.kept, k.lost)
	k.stop = lifecycle.Loop(k.run)
	return k
}

// Keep takes a line. It never waits.
func (k *Keeper) Keep(line []byte) {
	if len(line) == 0 {
		return
	}
	k.mu.Lock()
	full := k.queued+len(line) > maxQueued
	if !full {
		k.queue, k.queued = append(k.queue, line), k.queued+len(line)
	}
	k.mu.Unlock()
	if full {
		k.lost.Inc()
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *Keeper) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
			lifecycle.Sleep(ctx, gather)
		}
		for ctx.Err() == nil && k.next(ctx) { //nolint:revive // until nothing is left
		}
	}
}

// next stores one batch, and reports whether there may be more.
func (k *Keeper) next(ctx context.Context) bool {
	batch, lines := k.batch()
	if lines == 0 {
		return false
	}
	for {
		store, cancel := context.WithTimeout(ctx, storeTimeout)
		err := k.sink.Store(store, batch)
		cancel()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			k.done(len(batch), lines, k.lost)
			return false
		}
		k.log.LogAttrs(ctx, slog.LevelWarn, "transcripts not stored yet", slog.Int("requests", lines), slog.Any("error", err))
		lifecycle.Sleep(ctx, retryPause)
	}
	k.done(len(batch), lines, k.kept)
	return true
}

func (k *Keeper) done(size, lines int, what prometheus.Counter) {
	k.mu.Lock()
	k.queued -= size
	k.mu.Unlock()
	what.Add(float64(lines))
}

// batch takes the lines of one message from the queue.
func (k *Keeper) batch() (batch []byte, lines int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	size := 0
	for lines < len(k.queue) && (lines == 0 || size+len(k.queue[lines]) <= maxBatch) {
		size += len(k.queue[lines])
		lines++
	}
	batch = bytes.Join(k.queue[:lines], nil)
	clear(k.queue[:lines])
	if k.queue = k.queue[lines:]; len(k.queue) == 0 {
		k.queue = nil
	}
	return batch, lines
}

// Waiting is how many bytes wait for the bus.
func (k *Keeper) Waiting() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.queued
}

// Close gives what waits a moment to get to the bus, and stops.
func (k *Keeper) Close(ctx context.Context) error {
	defer k.stop()
	ctx, cancel := context.WithTimeout(ctx, closePatience)
	defer cancel()
	for k.Waiting() > 0 {
		if !lifecycle.Sleep(ctx, gather) {
			return fmt.Errorf("%d bytes of transcripts are lost: %w", k.Waiting(), context.Cause(ctx))
		}
	}
	return nil
}
