package key

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/period"
)

// A key that got a new text may go on to work with the former one for a while.
// Whoever calls with it is the key, by its present hash; data planes follow the
// former text's record to the present one's, and stop at the time that it says.

// until is when the present text of a key stops working, nil for at once.
func (s *Service) until(r *Request, now time.Time) (*time.Time, error) {
	grace := s.rules.grace
	if r.GracePeriod.Sent {
		grace = r.GracePeriod.Or("")
	}
	at, err := after(grace, now)
	if err != nil {
		return nil, apierr.BadRequest("grace_period: %v", err)
	}
	return at, nil
}

// after is the end of a duration, nil of none.
func after(duration string, now time.Time) (*time.Time, error) {
	if duration == "" || duration == "0" || duration == "0s" {
		return nil, nil //nolint:nilnil // there is none
	}
	p, err := period.Parse(duration)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it is
	}
	return new(p.After(now).Truncate(time.Microsecond)), nil
}

// deprecate lets the former text of a key work until a time, and those before it
// for as long as they were to. Without a time, all of them end; that they were
// the key's is remembered for the calls that began with them.
func (s *Service) deprecate(ctx context.Context, tx *store.Tx, former, active string, until *time.Time) error {
	follow := db.KeysFollowParams{FormerTokenID: former, ActiveTokenID: active, Until: time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)}
	if until == nil {
		over := time.Now().Add(-time.Hour) // by every clock
		until, follow.Until = &over, over
	}
	followers, err := s.store.KeysFollow(ctx, tx, follow)
	if err != nil {
		return fmt.Errorf("write former keys: %w", err)
	}
	if err := s.store.KeyDeprecate(ctx, tx, db.KeyDeprecateParams{Token: former, ActiveTokenID: active, RevokeAt: *until}); err != nil {
		return fmt.Errorf("write former key: %w", err)
	}
	return tx.ChangedAll(ctx, store.KindKey, append(followers, active, former))
}

// revoke ends the former texts of keys.
func (s *Service) revoke(ctx context.Context, tx *store.Tx, active []string) error {
	ended, err := s.store.KeysRevoke(ctx, tx, active)
	if err != nil {
		return fmt.Errorf("end former keys: %w", err)
	}
	return tx.ChangedAll(ctx, store.KindKey, ended)
}

// forget ends those of the texts that are former ones, and returns how many that
// were. Whoever may delete the key may do so.
func (s *Service) forget(ctx context.Context, tx *store.Tx, who caller.Caller, tokens []string) (int, error) {
	rows, err := s.store.KeysForget(ctx, tx, tokens)
	if err != nil {
		return 0, fmt.Errorf("end former keys: %w", err)
	}
	ended := make([]string, 0, len(rows))
	for i := range rows {
		former := &rows[i]
		active, err := s.store.KeyByToken(ctx, tx, former.ActiveTokenID)
		if errors.Is(err, store.ErrNotFound) {
			continue // its key is gone
		}
		if err != nil {
			return 0, fmt.Errorf("read key: %w", err)
		}
		k, err := s.rights(ctx, tx, who, &active)
		if err != nil {
			return 0, err
		}
		if err := who.May().DropKey(k, "delete", "/key/delete"); err != nil {
			return 0, err
		}
		was := map[string]string{"former_text_of": former.ActiveTokenID}
		if err := tx.Audited(ctx, entry(who, audit.Deleted, former.Token, was, audit.Nothing{})); err != nil {
			return 0, err
		}
		ended = append(ended, former.Token)
	}
	return len(ended), tx.ChangedAll(ctx, store.KindKey, ended)
}

// untaken refuses a text that somebody chose for a key while it still works as a
// former one. It is asked once the key is written: nobody else can make it one
// any more.
func (s *Service) untaken(ctx context.Context, tx *store.Tx, token string) error {
	_, err := s.store.KeyActive(ctx, tx, token)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read former keys: %w", err)
	}
	return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "Key already exists.")
}
