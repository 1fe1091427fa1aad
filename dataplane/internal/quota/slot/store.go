package slot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
)

var (
	errAway     = errors.New("nats is not connected")
	errConflict = errors.New("somebody else was faster")
)

// Operations, as they are counted.
const (
	opRead  = "read"
	opWrite = "write"
	opLease = "lease"
	opFence = "fence"
	opAsk   = "ask"
	opGrant = "grant"
	opBeat  = "beat"
)

// store reads and writes keys of the bucket. It is for goroutines that may
// wait.
type store struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	bucket string
	call   time.Duration
	count  func(op string)

	mu     sync.Mutex
	stream jetstream.Stream
	ttls   bool          // whether the bucket lets messages expire
	age    time.Duration // of the bucket when it was opened, by the server's clock
}

// open looks the bucket up once. It may not be there yet.
func (s *store) open(ctx context.Context) (stream jetstream.Stream, ttls bool, err error) {
	if !s.conn.IsConnected() {
		return nil, false, errAway
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		stream, err := s.js.Stream(ctx, contract.KVStream(s.bucket))
		if err != nil {
			return nil, false, fmt.Errorf("%w to the slots bucket: %w", errAway, err)
		}
		info := stream.CachedInfo()
		s.stream, s.ttls, s.age = stream, info.Config.AllowMsgTTL, info.TimeStamp.Sub(info.Created)
	}
	return s.stream, s.ttls, nil
}

// young returns how much less than that age the bucket had when it was opened.
func (s *store) young(than time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(max(than-s.age, 0), than)
}

// reconnects tells connections apart.
func (s *store) reconnects() uint64 { return s.conn.Stats().Reconnects }

// forget looks the bucket up again: it may have been made anew.
func (s *store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = nil
}

// read returns what a key has and the revision of that, 0 when there is
// nothing. A follower may answer with what was there a moment ago.
func (s *store) read(ctx context.Context, op, key string) (data []byte, rev uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.call)
	defer cancel()
	stream, _, err := s.open(ctx)
	if err != nil {
		return nil, 0, err
	}
	s.count(op)
	m, err := stream.GetLastMsgForSubject(ctx, contract.KVSubject(s.bucket, key))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", key, err)
	}
	return m.Data, m.Sequence, nil
}

// write replaces the revision rev of a key, 0 for none. With errConflict it was
// not done; with another error it may have been, or may yet be.
func (s *store) write(ctx context.Context, op, key string, data []byte, rev uint64, ttl time.Duration) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.call)
	defer cancel()
	_, ttls, err := s.open(ctx)
	if err != nil {
		return 0, err
	}
	m := nats.NewMsg(contract.KVSubject(s.bucket, key))
	m.Data = data
	if len(data) == 0 {
		m.Header.Set(contract.HeaderKVOperation, "DEL")
	}
	opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(rev), jetstream.WithRetryAttempts(0)}
	if ttls {
		opts = append(opts, jetstream.WithMsgTTL(ttl))
	}
	s.count(op)
	ack, err := s.js.PublishMsg(ctx, m, opts...)
	if err != nil {
		if isConflict(err) {
			return 0, errConflict
		}
		return 0, fmt.Errorf("write %s: %w", key, err)
	}
	return ack.Sequence, nil
}

// isConflict knows both codes of a wrong last sequence: buckets with several
// replicas answer with the second.
func isConflict(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// tell publishes a hint, which may be lost.
func (s *store) tell(op, subject string, data []byte) {
	if s.conn.IsConnected() && s.conn.Publish(subject, data) == nil {
		s.count(op)
	}
}
