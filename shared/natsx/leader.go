package natsx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// LastFromLeader returns the last message of a subject as the stream's leader
// has it. A direct read may be answered by a replica of the stream that lags;
// this one never is. It returns jetstream.ErrMsgNotFound when there is none.
//
// Wire facts: https://docs.nats.io/reference/reference-protocols/nats_api_reference
func LastFromLeader(ctx context.Context, nc *nats.Conn, stream, subject string) (data []byte, sequence uint64, err error) {
	request, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return nil, 0, fmt.Errorf("encode request: %w", err)
	}
	reply, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, request)
	if err != nil {
		return nil, 0, fmt.Errorf("read from the leader of %s: %w", stream, err)
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Sequence uint64 `json:"seq"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return nil, 0, fmt.Errorf("decode reply of leader: %w", err)
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, 0, jetstream.ErrMsgNotFound
	case answer.Error != nil:
		return nil, 0, fmt.Errorf("read from the leader of %s: %w", stream, answer.Error)
	case answer.Message == nil:
		return nil, 0, errors.New("read from leader: empty reply")
	}
	return answer.Message.Data, answer.Message.Sequence, nil
}
