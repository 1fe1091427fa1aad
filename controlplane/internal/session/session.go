// Package session opens sessions of people who have proved who they are: each is
// an ordinary virtual key of theirs that ends by itself. How somebody proves it
// is decided elsewhere (package invitation for passwords and invitations, single
// sign-on for the rest). It owns no goroutine.
package session

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/money"
)

const (
	// TeamID marks the keys of sessions, as LiteLLM does. There is no such team;
	// lists and counts of keys leave its keys out.
	TeamID = "litellm-dashboard"
	// Lifetime is how long a session lasts.
	Lifetime = 24 * time.Hour
	// maxBudgetUSD is what may be spent in one session.
	maxBudgetUSD = 5
	// mostOpen is how many sessions a user may have at once: a further one ends
	// the oldest.
	mostOpen = 20
)

// Service opens sessions. It is safe for concurrent use.
type Service struct{ store *store.Store }

// New returns a service over the store.
func New(st *store.Store) *Service { return &Service{store: st} }

// Open opens a session of a user who is in the database, and returns its key,
// which is shown this once, and when it ends. Data planes know the key by then.
func (s *Service) Open(ctx context.Context, u *db.UserTable) (plain string, expires time.Time, err error) {
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		plain, expires, err = s.OpenIn(ctx, tx, u)
		return err
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return plain, expires, nil
}

// OpenIn is Open as a part of a transaction.
func (s *Service) OpenIn(ctx context.Context, tx *store.Tx, u *db.UserTable) (plain string, expires time.Time, err error) {
	self := audit.Actor{ID: u.UserID}
	over, err := s.store.SessionsSpent(ctx, tx, db.SessionsSpentParams{UserID: u.UserID, TeamID: TeamID, Keep: mostOpen - 1})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read sessions: %w", err)
	}
	if err := s.remove(ctx, tx, self, over); err != nil {
		return "", time.Time{}, err
	}
	plain, expires = ident.NewKey(), time.Now().UTC().Add(Lifetime).Truncate(time.Microsecond)
	row, err := s.store.KeyInsert(ctx, tx, params(u.UserID, plain, expires))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("write key of session: %w", err)
	}
	if err := tx.Audited(ctx, entry(self, audit.Created, &row, nil, key.View(row))); err != nil {
		return "", time.Time{}, err
	}
	return plain, expires, tx.Changed(ctx, store.KindKey, row.Token)
}

// Lock locks the sessions of a user. Whoever locks the user, too, does it after
// that, as everybody locks keys before their owners.
func (s *Service) Lock(ctx context.Context, tx *store.Tx, userID string) error {
	_, err := s.store.SessionsOfUser(ctx, tx, db.SessionsOfUserParams{UserID: userID, TeamID: TeamID})
	if err != nil {
		return fmt.Errorf("lock sessions: %w", err)
	}
	return nil
}

// EndAll ends the sessions of a user, but that with the key of a hash: whoever
// changes a password stays, and all others have to prove who they are.
func (s *Service) EndAll(ctx context.Context, tx *store.Tx, actor audit.Actor, userID, but string) error {
	rows, err := s.store.SessionsOfUser(ctx, tx, db.SessionsOfUserParams{UserID: userID, TeamID: TeamID, But: but})
	if err != nil {
		return fmt.Errorf("read sessions: %w", err)
	}
	return s.remove(ctx, tx, actor, rows)
}

func params(userID, plain string, expires time.Time) db.KeyInsertParams {
	name, team, most := ident.KeyName(plain), TeamID, int64(maxBudgetUSD*money.NanosPerUSD)
	none, list := json.RawMessage("{}"), []string{}
	return db.KeyInsertParams{
		Token: ident.HashKey(plain), KeyName: &name, UserID: &userID, TeamID: &team, Expires: &expires, MaxBudgetNano: &most, CreatedBy: &userID,
		Models: list, AllowedRoutes: list, AllowedCacheControls: list,
		Aliases: none, Config: none, Permissions: none, Metadata: none, ModelMaxBudget: none, BudgetLimits: json.RawMessage("[]"),
	}
}

// remove deletes sessions. They are not kept as other deleted keys are: what was
// spent in them is in the user's spend.
func (s *Service) remove(ctx context.Context, tx *store.Tx, actor audit.Actor, rows []db.VerificationToken) error {
	if len(rows) == 0 {
		return nil
	}
	tokens := make([]string, len(rows))
	for i := range rows {
		tokens[i] = rows[i].Token
		if err := tx.Audited(ctx, entry(actor, audit.Deleted, &rows[i], key.View(rows[i]), audit.Nothing{})); err != nil {
			return err
		}
	}
	if err := s.store.KeysDelete(ctx, tx, tokens); err != nil {
		return fmt.Errorf("delete sessions: %w", err)
	}
	return tx.ChangedAll(ctx, store.KindKey, tokens)
}

func entry(actor audit.Actor, action audit.Action, row *db.VerificationToken, before, after any) *audit.Entry {
	return &audit.Entry{Actor: actor, Action: action, Table: audit.Keys, ObjectID: row.Token, Before: before, After: after}
}
