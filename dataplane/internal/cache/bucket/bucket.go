package bucket

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	defaultWait       = 5 * time.Millisecond
	defaultReads      = 64
	defaultQueueBytes = 32 << 20
	// lookupLife bounds a lookup whose caller has gone on already.
	lookupLife = 500 * time.Millisecond
	// headroom is what the bus adds to a value.
	headroom = 4 << 10
)

// Errors of lookups; all of them are a miss to the caller.
var (
	ErrNotFound = errors.New("not in the bucket")
	ErrAway     = errors.New("the bucket does not answer")
)

// Options configure a Bucket.
type Options struct {
	// Conn carries lookups and changes, Bulk the values that are written.
	Conn, Bulk *nats.Conn
	Names      contract.Names
	// Wait is how long a lookup may keep its caller; 0 means 5 ms.
	Wait time.Duration
	// Reads bounds the lookups under way; 0 means 64.
	Reads int
	// QueueBytes bounds the values that wait to be written; 0 means 32 MiB.
	QueueBytes int64
	Metrics    *Metrics
	Logger     *slog.Logger
	// Deleted is told which entries were deleted here or by another replica; a
	// nil list means all of them. It is called from one goroutine at a time and
	// must not block.
	Deleted func(sums [][32]byte)
}

// Bucket is the shared tier. It is safe for concurrent use.
type Bucket struct {
	opts    Options
	breaker breaker
	reads   chan struct{}
	queue   *queue
	sub     *nats.Subscription
	stop    func()
	stops   []func()
	wake    chan struct{}
	ctx     context.Context //nolint:containedctx // the life of the lookups, not of a request
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	mu    sync.Mutex // guards what follows, and calls of Deleted
	epoch string
}

// Open returns a bucket. It does not wait for NATS.
func Open(o Options) (*Bucket, error) {
	if o.Wait == 0 {
		o.Wait = defaultWait
	}
	if o.Reads == 0 {
		o.Reads = defaultReads
	}
	if o.QueueBytes == 0 {
		o.QueueBytes = defaultQueueBytes
	}
	b := &Bucket{opts: o, reads: make(chan struct{}, o.Reads), queue: newQueue(o.QueueBytes), wake: make(chan struct{}, 1)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	if err := b.listen(); err != nil {
		b.cancel()
		return nil, err
	}
	b.Reconnected()
	b.stop = lifecycle.Loop(b.follow)
	for range writers {
		b.stops = append(b.stops, lifecycle.Loop(b.write))
	}
	return b, nil
}

// Close ends all goroutines. Values that were not written yet are dropped.
func (b *Bucket) Close() {
	_ = b.sub.Unsubscribe() // fails only when the connection is closed already
	b.cancel()
	b.stop()
	for _, stop := range b.stops {
		stop()
	}
	b.wg.Wait()
}

// Away reports whether lookups are given up for the moment.
func (b *Bucket) Away() bool { return b.breaker.open() }

// ask runs a lookup on a goroutine of its own and waits for it as long as a
// caller may. The lookup hands over its findings through a channel with room
// for all of them, so that it ends even when nobody listens any longer.
func (b *Bucket) ask(ctx context.Context, wait time.Duration, lookup func(context.Context) error) error {
	if !b.breaker.allow(time.Now()) {
		return ErrAway
	}
	select {
	case b.reads <- struct{}{}:
	default:
		return ErrAway // all that may be under way are
	}
	done := make(chan error, 1)
	b.wg.Go(func() {
		defer func() { <-b.reads }()
		life, cancel := context.WithTimeout(b.ctx, lookupLife)
		defer cancel()
		done <- lookup(life)
	})
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, ErrNotFound) {
			b.failed(opRead, err)
			return err
		}
		b.breaker.success()
		return err
	case <-timer.C:
		b.failed(opRead, ErrAway)
		return ErrAway
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (b *Bucket) failed(op string, err error) {
	b.opts.Metrics.errors.WithLabelValues(op).Inc()
	if op == opRead {
		b.breaker.failure(time.Now())
	}
	b.opts.Logger.LogAttrs(context.Background(), slog.LevelDebug, "cache bucket", slog.String("operation", op), slog.Any("error", err))
}

func (b *Bucket) subject(name string) string {
	return contract.KVSubject(b.opts.Names.CacheBucket(), name)
}

func (b *Bucket) stream() string { return contract.KVStream(b.opts.Names.CacheBucket()) }
