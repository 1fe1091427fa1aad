package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// maxInline is how many changes of one transaction are published before its
// reply; the relay publishes the others.
const maxInline = 1000

// ChangedAll is Changed for many objects of a kind, in one statement.
func (t *Tx) ChangedAll(ctx context.Context, kind Kind, objectIDs []string) error {
	if len(objectIDs) == 0 {
		return nil
	}
	ids, err := t.q.OutboxInsertMany(ctx, t, db.OutboxInsertManyParams{Kind: string(kind), ObjectIds: objectIDs})
	if err != nil {
		return fmt.Errorf("write outbox: %w", err)
	}
	for _, row := range ids {
		if len(t.changes) == maxInline {
			break
		}
		t.changes = append(t.changes, Change{ID: row.ID, Kind: kind, ObjectID: row.ObjectID})
	}
	return nil
}

// MemberID is the object id of a user in a team. It is the part of the
// record's key behind the prefix.
func MemberID(team, user string) string {
	return strings.TrimPrefix(contract.MemberKey(team, user), contract.PrefixMember)
}

// SplitMemberID undoes MemberID.
func SplitMemberID(id string) (team, user string, err error) {
	first, second, _ := strings.Cut(id, ".")
	if team, err = contract.IDOfToken(first); err != nil {
		return "", "", fmt.Errorf("team of member: %w", err)
	}
	if user, err = contract.IDOfToken(second); err != nil {
		return "", "", fmt.Errorf("user of member: %w", err)
	}
	return team, user, nil
}
