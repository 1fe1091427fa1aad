package budget

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Announce publishes an alert when tx has committed. Like a change it is in the
// outbox until it is on the bus.
func Announce(ctx context.Context, tx *store.Tx, a *contract.Alert) error {
	a.V = contract.SchemaVersion
	b, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode alert: %w", err)
	}
	return tx.Changed(ctx, store.KindAlert, string(b))
}
