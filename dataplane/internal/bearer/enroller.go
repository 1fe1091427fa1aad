package bearer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// enrolPatience is how long a request waits for the control plane.
const enrolPatience = 5 * time.Second

// Bus asks control planes over NATS.
type Bus struct {
	nc    *nats.Conn
	names contract.Names
}

// NewBus returns an Enroller over a connection.
func NewBus(nc *nats.Conn, n contract.Names) *Bus { return &Bus{nc, n} }

// Enrol implements Enroller.
func (b *Bus) Enrol(ctx context.Context, token string) (*contract.Enrolment, error) {
	ctx, cancel := context.WithTimeout(ctx, enrolPatience)
	defer cancel()
	msg, err := b.nc.RequestWithContext(ctx, b.names.EnrolSubject(), []byte(token))
	if err != nil {
		return nil, fmt.Errorf("ask the control plane whom a token is for: %w", err)
	}
	e := &contract.Enrolment{}
	if err := json.Unmarshal(msg.Data, e); err != nil {
		return nil, fmt.Errorf("decode what the control plane says of a token: %w", err)
	}
	return e, nil
}
