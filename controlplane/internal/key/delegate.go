package key

import (
	"context"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// delegate notes whether the text of a key, which the caller is about to see, is
// known to somebody else than the key's user. Admins of teams make keys for
// members who may be admins of more than that: with such a key they call models
// for the member, and do nothing else in the member's name. Proxy admins may do
// everything anyway. A key whose former text still works, until a time, stays as
// it was: whoever knew that one has all that the key opens.
func (s *Service) delegate(ctx context.Context, tx *store.Tx, who caller.Caller, row db.VerificationToken, former *time.Time) (db.VerificationToken, error) {
	user := value(row.UserID)
	delegated := user != "" && user != who.UserID && !who.May().Admin() || row.Delegated && former != nil
	if delegated == row.Delegated {
		return row, nil
	}
	row, err := s.store.KeySetDelegated(ctx, tx, db.KeySetDelegatedParams{Token: row.Token, Delegated: delegated})
	if err != nil {
		return row, fmt.Errorf("note who knows a key: %w", err)
	}
	return row, nil
}
