package conversation

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsx"
)

const (
	// patience bounds what a request waits for the store.
	patience = 2 * time.Second
	// maxRecord bounds a record when it is unpacked.
	maxRecord = 64 << 20
	// headroom is what the bus adds to a message.
	headroom = 4 << 10
)

// ErrTooLarge is a conversation that does not fit on the bus.
var ErrTooLarge = errors.New("the conversation is too large to be kept")

// ErrUnavailable means that the store could not be asked.
var ErrUnavailable = errors.New("stored responses are not available")

// Store keeps records in a bucket that all replicas share and that forgets
// them after a time. It is safe for concurrent use and owns no goroutine.
type Store struct {
	nc    *nats.Conn
	js    jetstream.JetStream
	names contract.Names
}

// NewStore returns a store over the bucket.
func NewStore(nc *nats.Conn, js jetstream.JetStream, n contract.Names) *Store {
	return &Store{nc: nc, js: js, names: n}
}

func (s *Store) subject(id string) string {
	return contract.KVSubject(s.names.ResponsesBucket(), contract.Token(id))
}

// Put keeps a record.
func (s *Store) Put(ctx context.Context, id string, r *Record) error {
	packed, err := pack(r)
	if err != nil {
		return err
	}
	if int64(len(packed)) > s.nc.MaxPayload()-headroom {
		return ErrTooLarge
	}
	if !s.nc.IsConnected() {
		return ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := s.js.Publish(ctx, s.subject(id), packed); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Get returns a record, or nil when there is none.
func (s *Store) Get(ctx context.Context, id string) (*Record, error) {
	if !s.nc.IsConnected() {
		return nil, ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// The leader is asked: a client may go on from a response at once.
	data, _, err := natsx.LastFromLeader(ctx, s.nc, contract.KVStream(s.names.ResponsesBucket()), s.subject(id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if len(data) == 0 {
		return nil, nil //nolint:nilnil // deleted
	}
	return unpack(data)
}

// Delete forgets a record.
func (s *Store) Delete(ctx context.Context, id string) error {
	if !s.nc.IsConnected() {
		return ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	msg := nats.NewMsg(s.subject(id))
	msg.Header.Set(contract.HeaderKVOperation, "DEL")
	if _, err := s.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

func pack(r *Record) ([]byte, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode conversation: %w", err)
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("pack conversation: %w", err)
	}
	_, err = z.Write(plain)
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("pack conversation: %w", err)
	}
	return b.Bytes(), nil
}

func unpack(packed []byte) (*Record, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack conversation: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxRecord))
	if err != nil {
		return nil, fmt.Errorf("unpack conversation: %w", err)
	}
	r := &Record{}
	if err := json.Unmarshal(plain, r); err != nil {
		return nil, fmt.Errorf("decode conversation: %w", err)
	}
	return r, nil
}
