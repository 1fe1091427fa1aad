package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	segmentBytes = 8 << 20
	// defaultMaxBytes bounds what is kept while NATS is away: about a million
	// and a half events.
	defaultMaxBytes = 1 << 30
)

// ErrFull means that the spool holds as much as it may.
var ErrFull = errors.New("usage spool is full")

// Options configure a Recorder.
type Options struct {
	// Dir is the spool directory; replicas may share it.
	Dir string
	// MaxBytes bounds the spool; 0 means 1 GiB.
	MaxBytes int64
	Sink     Sink
	Logger   *slog.Logger
	Registry prometheus.Registerer
}

// Recorder takes events from requests. It owns one goroutine, the publisher,
// which Close stops.
type Recorder struct {
	opts    Options
	slot    *slot
	metrics *metrics
	wake    chan struct{}
	stop    func()
	buffer  []byte // the publisher's alone

	mu      sync.Mutex
	file    *os.File
	segment uint64
	size    int64

	// unacked is how many bytes the bus has not acknowledged.
	unacked atomic.Int64
}

type metrics struct {
	recorded, lost prometheus.Counter
	batches        *prometheus.CounterVec
	spooled        prometheus.GaugeFunc
}

// Open takes a slot and starts the publisher.
func Open(o Options) (*Recorder, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	s, err := takeSlot(o.Dir)
	if err != nil {
		return nil, err
	}
	r := &Recorder{opts: o, slot: s, wake: make(chan struct{}, 1)}
	if err := r.begin(); err != nil {
		s.close()
		return nil, err
	}
	r.metrics = newMetrics(o.Registry, func() float64 { return float64(r.unacked.Load()) })
	r.startPublisher()
	return r, nil
}

func newMetrics(reg prometheus.Registerer, spooled func() float64) *metrics {
	m := &metrics{
		recorded: prometheus.NewCounter(prometheus.CounterOpts{Name: "tianji_dataplane_usage_recorded_total", Help: "Usage events written to the spool."}),
		lost:     prometheus.NewCounter(prometheus.CounterOpts{Name: "tianji_dataplane_usage_lost_total", Help: "Usage events that could not be kept: the spool was full or the disk failed."}),
		batches:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tianji_dataplane_usage_batches_total", Help: "Batches of usage offered to the bus, by result."}, []string{"result"}),
		spooled:  prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tianji_dataplane_usage_spooled_bytes", Help: "Usage that the bus has not acknowledged yet."}, spooled),
	}
	reg.MustRegister(m.recorded, m.lost, m.batches, m.spooled)
	return m
}

// begin opens a new segment behind all that the slot holds.
func (r *Recorder) begin() error {
	segments, err := r.slot.segments()
	if err != nil {
		return err
	}
	next := uint64(1)
	if len(segments) > 0 {
		next = segments[len(segments)-1] + 1
	}
	if cursor := r.slot.loadCursor(); cursor.segment >= next {
		next = cursor.segment + 1
	}
	r.unacked.Store(r.slot.pending(segments))
	return r.open(next)
}

func (r *Recorder) open(segment uint64) error {
	f, err := os.OpenFile(r.slot.path(segment), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open usage segment: %w", err)
	}
	r.file, r.segment, r.size = f, segment, 0
	return nil
}

// buffers hold encoded events; one is in use for the length of a Record.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }} //nolint:gochecknoglobals // a pool

// Record keeps an event for good. It returns once the operating system has
// it: a crash of this process does not lose it any more, a power failure may.
// A spool that is full or a disk that fails costs the event, which is counted
// and logged, but never the answer to the client.
func (r *Recorder) Record(u *contract.Usage) {
	buf, _ := buffers.Get().(*[]byte)
	line := append(u.AppendJSON((*buf)[:0]), '\n')
	err := r.append(line)
	*buf = line
	buffers.Put(buf)
	if err != nil {
		r.metrics.lost.Inc()
		r.opts.Logger.LogAttrs(context.Background(), slog.LevelError, "usage event lost", slog.String("call_id", u.ID), slog.Any("error", err))
		return
	}
	r.metrics.recorded.Inc()
	r.poke()
}

func (r *Recorder) append(line []byte) error {
	if r.unacked.Load() > r.opts.MaxBytes {
		return ErrFull
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return os.ErrClosed
	}
	if r.size >= segmentBytes {
		old := r.file
		if err := r.open(r.segment + 1); err != nil {
			return err
		}
		_ = old.Close() // everything was written; closing can lose nothing
	}
	n, err := r.file.Write(line)
	r.size += int64(n)
	r.unacked.Add(int64(n))
	if err != nil {
		// A torn line must not swallow the next one.
		_ = r.file.Truncate(r.size - int64(n))
		r.size -= int64(n)
		r.unacked.Add(-int64(n))
		return fmt.Errorf("write usage: %w", err)
	}
	return nil
}

func (r *Recorder) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// end returns how far the slot has been written.
func (r *Recorder) end() position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return position{r.segment, r.size}
}

// Spooled returns how many bytes the bus has not acknowledged.
func (r *Recorder) Spooled() int64 { return r.unacked.Load() }

// Close stops taking events, gives the publisher until ctx ends to bring what
// is left to the bus, and frees the slot. What could not be published stays on
// disk for the next process.
func (r *Recorder) Close(ctx context.Context) error {
	err := r.drain(ctx)
	r.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
	r.slot.close()
	return err
}
