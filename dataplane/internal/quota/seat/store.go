package seat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/natsx"
)

// planKey is the key of the plan in the seats bucket.
const planKey = "plan"

var errConflict = errors.New("somebody else was faster")

// store is the plan in its bucket.
type store struct {
	conn            *nats.Conn
	js              jetstream.JetStream
	stream, subject string
	call            time.Duration
}

func newStore(o *Options, call time.Duration) *store {
	bucket := o.Names.SeatsBucket()
	return &store{conn: o.Conn, js: o.JS, stream: contract.KVStream(bucket), subject: contract.KVSubject(bucket, planKey), call: call}
}

// read returns the plan's data and revision, 0 when there is none.
func (s *store) read(ctx context.Context) (data []byte, rev uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.call)
	defer cancel()
	data, rev, err = natsx.LastFromLeader(ctx, s.conn, s.stream, s.subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read the seating plan: %w", err)
	}
	return data, rev, nil
}

// write replaces the revision rev, 0 for none. With errConflict it was not done;
// with another error it may have been, or may yet be.
func (s *store) write(ctx context.Context, r *record, rev uint64) error {
	data, err := r.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.call)
	defer cancel()
	_, err = s.js.PublishMsg(ctx, &nats.Msg{Subject: s.subject, Data: data}, jetstream.WithExpectLastSequencePerSubject(rev), jetstream.WithRetryAttempts(0))
	if err == nil {
		return nil
	}
	// Streams with several replicas answer with the second code.
	if api, ok := errors.AsType[*jetstream.APIError](err); ok &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return errConflict
	}
	return fmt.Errorf("write the seating plan: %w", err)
}

// time asks the leader of the stream for its time, which is in every answer
// about a stream.
func (s *store) time(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, s.call)
	defer cancel()
	reply, err := s.conn.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+s.stream, nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask nats for the time: %w", err)
	}
	var info struct {
		Time  time.Time           `json:"ts"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &info); err != nil {
		return time.Time{}, fmt.Errorf("decode what nats says about the seats bucket: %w", err)
	}
	switch {
	case info.Error != nil:
		return time.Time{}, fmt.Errorf("ask nats for the time: %w", info.Error)
	case info.Time.IsZero():
		return time.Time{}, errors.New("nats does not tell its time")
	}
	return info.Time, nil
}
