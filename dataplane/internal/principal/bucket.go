package principal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsx"
)

const (
	// readTimeout is how long a request may wait for its principals.
	readTimeout = 2 * time.Second
	// hedgeAfter is when a second read is sent: a third of direct reads goes
	// to a stream replica that hangs, until its route is given up.
	hedgeAfter = 20 * time.Millisecond
)

// Bucket reads principals from the bus.
type Bucket struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	names    contract.Names
	complete func() bool
	stream   atomic.Pointer[handle]
	wg       sync.WaitGroup
}

type handle struct{ stream jetstream.Stream }

// NewBucket returns a source. complete tells whether the bucket is known to
// hold every principal.
func NewBucket(nc *nats.Conn, js jetstream.JetStream, n contract.Names, complete func() bool) *Bucket {
	return &Bucket{nc: nc, js: js, names: n, complete: complete}
}

// Close waits for reads under way, which end with their callers.
func (b *Bucket) Close() { b.wg.Wait() }

// Read implements Source. Any replica of the stream may answer a direct read,
// also one that lags; so a reading that is older than a change we know of, and
// every "does not exist", is confirmed by the stream's leader.
func (b *Bucket) Read(ctx context.Context, key string, atLeast uint64) (any, uint64, error) {
	if !b.nc.IsConnected() {
		return nil, 0, fmt.Errorf("%w: not connected", ErrUnavailable)
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	subject := contract.KVSubject(b.names.PrincipalsBucket(), key)
	msg, err := b.hedged(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && msg.sequence < atLeast {
		msg, err = b.fromLeader(ctx, subject)
	}
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		if !b.complete() {
			return nil, 0, fmt.Errorf("%w: the bucket is not filled yet", ErrUnavailable)
		}
		return nil, 0, nil
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	record, err := decode(key, msg.data)
	return record, msg.sequence, err
}

type message struct {
	data     []byte
	sequence uint64
	err      error
}

// hedged asks once, and once more when the answer is late; the first answer
// counts.
func (b *Bucket) hedged(ctx context.Context, subject string) (message, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan message, 2)
	ask := func() {
		raw, err := b.direct(ctx, subject)
		if err != nil {
			answers <- message{err: err}
			return
		}
		answers <- message{data: raw.Data, sequence: raw.Sequence}
	}
	b.wg.Go(ask)
	timer := time.NewTimer(hedgeAfter)
	defer timer.Stop()
	for asked, failed := 1, 0; ; {
		select {
		case m := <-answers:
			if m.err == nil || errors.Is(m.err, jetstream.ErrMsgNotFound) {
				return m, m.err
			}
			if failed++; failed == 2 {
				return m, m.err
			}
			if asked == 1 {
				asked++
				b.wg.Go(ask)
			}
		case <-timer.C:
			if asked == 1 {
				asked++
				b.wg.Go(ask)
			}
		case <-ctx.Done():
			return message{}, fmt.Errorf("read principal: %w", ctx.Err())
		}
	}
}

func (b *Bucket) direct(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	s, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	msg, err := s.GetLastMsgForSubject(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("read principal: %w", err)
	}
	return msg, nil
}

// open returns the stream behind the bucket; it is asked for once.
func (b *Bucket) open(ctx context.Context) (jetstream.Stream, error) {
	if h := b.stream.Load(); h != nil {
		return h.stream, nil
	}
	s, err := b.js.Stream(ctx, contract.KVStream(b.names.PrincipalsBucket()))
	if err != nil {
		return nil, fmt.Errorf("open principals bucket: %w", err)
	}
	b.stream.Store(&handle{s})
	return s, nil
}

// fromLeader reads through the stream's leader, which has every change.
func (b *Bucket) fromLeader(ctx context.Context, subject string) (message, error) {
	data, sequence, err := natsx.LastFromLeader(ctx, b.nc, contract.KVStream(b.names.PrincipalsBucket()), subject)
	return message{data: data, sequence: sequence}, err
}
