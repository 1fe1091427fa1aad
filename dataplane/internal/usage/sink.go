package usage

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// storeTimeout bounds one attempt; the spool tries again.
const storeTimeout = 2 * time.Second

// Stream is the usage stream as a Sink.
type Stream struct {
	js      jetstream.JetStream
	names   contract.Names
	subject string
}

// NewStream returns the sink of one replica. It does not need NATS to be up.
func NewStream(js jetstream.JetStream, n contract.Names, replica string) *Stream {
	return &Stream{js: js, names: n, subject: n.UsageSubject(replica)}
}

// Store publishes a batch and waits for the stream to have it.
func (s *Stream) Store(ctx context.Context, id string, batch []byte) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	_, err := s.js.Publish(ctx, s.subject, batch, jetstream.WithMsgID(id), jetstream.WithExpectStream(s.names.UsageStream()))
	if err != nil {
		return fmt.Errorf("publish usage: %w", err)
	}
	return nil
}
