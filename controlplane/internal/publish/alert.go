package publish

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// alert publishes an event that is in the outbox. A second time within the
// duplicate window changes nothing.
func (p *Publisher) alert(ctx context.Context, text string) error {
	var a contract.Alert
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return fmt.Errorf("decode alert: %w", err)
	}
	subject := p.names.EventsSubject(contract.EventAlert, string(contract.ControlPlane))
	if _, err := p.js.Publish(ctx, subject, []byte(text), jetstream.WithMsgID(a.MessageID())); err != nil {
		return fmt.Errorf("publish alert: %w", err)
	}
	return nil
}
