package key

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/period"
)

// Regenerate gives a key a new text; the row keeps its spend and limits. The
// former text stops working at once, unless the request grants it a while.
func (s *Service) Regenerate(ctx context.Context, who caller.Caller, sent string, r *Request) (Generated, error) {
	if sent == "" {
		return Generated{}, apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "No key passed in.")
	}
	plain, chosen := r.NewKey.Or(""), true
	if plain == "" {
		plain, chosen = ident.NewKey(), false
	}
	if err := wellFormed(plain); err != nil {
		return Generated{}, err
	}
	now := time.Now()
	until, err := s.until(r, now)
	if err != nil {
		return Generated{}, err
	}
	var made Generated
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.renew(ctx, tx, who, sent, r, plain, until)
		if err != nil {
			return err
		}
		if chosen {
			if err := s.untaken(ctx, tx, row.Token); err != nil {
				return err
			}
		}
		made = generated(plain, row, r.Duration.Ptr())
		return s.complete(ctx, tx, &made.Info)
	})
	if err != nil {
		return Generated{}, err
	}
	return made, nil
}

// renew changes a key by a request and gives it another text. As it was, it is
// kept among the deleted ones.
func (s *Service) renew(
	ctx context.Context, tx *store.Tx, who caller.Caller, sent string, r *Request, plain string, until *time.Time,
) (db.VerificationToken, error) {
	found, err := s.lock(ctx, tx, sent)
	if err != nil {
		return found, err
	}
	if err := s.archive(ctx, tx, who, []string{found.Token}); err != nil {
		return found, err
	}
	before, row, err := s.change(ctx, tx, who, sent, r, "regenerate")
	if err != nil {
		return row, err
	}
	if row, err = s.replace(ctx, tx, who.ID(), &row, plain, until); err != nil {
		return row, err
	}
	if row, err = s.delegate(ctx, tx, who, row, until); err != nil {
		return row, err
	}
	return row, tx.Audited(ctx, entry(who, audit.Rotated, before.Token, View(before), View(row)))
}

// replace gives a key that is locked another text. Its budgets go along.
func (s *Service) replace(ctx context.Context, tx *store.Tx, by *string, row *db.VerificationToken, plain string, until *time.Time) (db.VerificationToken, error) {
	name := ident.KeyName(plain)
	next, err := s.store.KeyReplaceToken(ctx, tx, db.KeyReplaceTokenParams{
		Token: row.Token, NewToken: ident.HashKey(plain), KeyName: &name, UpdatedBy: by, KeyRotationAt: nextRotation(row, time.Now()),
	})
	if err != nil {
		return next, duplicate(err, nil)
	}
	if err := budget.RenameKey(ctx, s.store, tx, &next, row.Token); err != nil {
		return next, fmt.Errorf("take budgets along: %w", err)
	}
	return next, s.deprecate(ctx, tx, row.Token, next.Token, until)
}

// nextRotation is when a key that got a new text now gets another by itself.
func nextRotation(row *db.VerificationToken, now time.Time) *time.Time {
	if !row.AutoRotate || row.RotationInterval == nil {
		return nil
	}
	p, err := period.Parse(*row.RotationInterval)
	if err != nil {
		return nil
	}
	return new(p.After(now).Truncate(time.Microsecond))
}

// applyRotation changes whether, and how often, a key gets a new text by itself.
func (r *Request) applyRotation(row *db.VerificationToken, now time.Time) error {
	if !r.AutoRotate.Sent && !r.RotationInterval.Sent {
		return nil
	}
	r.AutoRotate.IntoValue(&row.AutoRotate)
	r.RotationInterval.Into(&row.RotationInterval)
	if i := row.RotationInterval; i != nil {
		if *i == "" {
			row.RotationInterval = nil
		} else if _, err := period.Parse(*i); err != nil {
			return apierr.BadRequest("rotation_interval: %v", err)
		}
	}
	if row.AutoRotate && row.RotationInterval == nil {
		return apierr.BadRequest("rotation_interval is required where auto_rotate is true, for example 30d")
	}
	row.KeyRotationAt = nextRotation(row, now)
	return nil
}
