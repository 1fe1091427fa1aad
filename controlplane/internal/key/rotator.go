package key

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/lifecycle"
)

const (
	// rotateEvery is LiteLLM's LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS.
	rotateEvery = 24 * time.Hour
	forgetEvery = time.Hour
	rotatePage  = 500
	// rotatorID is who the audit trail says it was.
	rotatorID = "key_rotation"
)

// RotatorOptions say which keys get new texts by themselves.
type RotatorOptions struct {
	// Enabled gives keys with auto_rotate a new text when their time has come;
	// else nothing happens to them. Nobody is told the text: it can only be had
	// from /key/regenerate.
	Enabled bool
	// Every is the time between two looks; 0 means a day.
	Every time.Duration
	// Grace is for how long a former text goes on to work, such as 24h; empty is
	// not at all.
	Grace  string
	Logger *slog.Logger
}

// Rotator gives keys new texts by themselves, and forgets former ones whose time
// is over. The goroutine of Run is its caller's.
type Rotator struct {
	keys *Service
	opts RotatorOptions
}

// NewRotator returns a rotator, or an error for a grace that is no duration.
func NewRotator(keys *Service, o RotatorOptions) (*Rotator, error) {
	if o.Every <= 0 {
		o.Every = rotateEvery
	}
	if _, err := after(o.Grace, time.Now()); err != nil {
		return nil, fmt.Errorf("grace period of key rotation: %w", err)
	}
	return &Rotator{keys: keys, opts: o}, nil
}

// Run works until ctx ends. One control plane at a time does it.
func (r *Rotator) Run(ctx context.Context) {
	pause := min(r.opts.Every, forgetEvery)
	for next := time.Now(); ; {
		err := r.Forget(ctx)
		if err == nil && r.opts.Enabled && !time.Now().Before(next) {
			err = r.Rotate(ctx)
			next = time.Now().Add(r.opts.Every)
		}
		if err != nil && ctx.Err() == nil {
			r.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "keys not rotated", slog.Any("error", err))
		}
		if !lifecycle.Sleep(ctx, pause) {
			return
		}
	}
}

// Rotate gives all keys whose time has come a new text, each in a transaction of
// its own.
func (r *Rotator) Rotate(ctx context.Context) error {
	rotated := 0
	for after := ""; ; {
		tokens, err := r.keys.store.KeysDueForRotation(ctx, r.keys.store.DB(), db.KeysDueForRotationParams{After: after, PageSize: rotatePage})
		if err != nil {
			return fmt.Errorf("find keys to rotate: %w", err)
		}
		for _, token := range tokens {
			if err := r.one(ctx, token); err != nil {
				return err
			}
		}
		rotated += len(tokens)
		if len(tokens) < rotatePage {
			break
		}
		after = tokens[len(tokens)-1]
	}
	if rotated > 0 {
		r.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "keys rotated: their new texts can be had from /key/regenerate", slog.Int("keys", rotated))
	}
	return nil
}

// one rotates a key, unless somebody else has done so since it was found.
func (r *Rotator) one(ctx context.Context, token string) error {
	who := caller.Caller{UserID: rotatorID}
	now := time.Now()
	until, err := after(r.opts.Grace, now)
	if err != nil {
		return fmt.Errorf("grace period of key rotation: %w", err)
	}
	return r.keys.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := r.keys.store.KeyForUpdate(ctx, tx, token)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		if nextRotation(&row, now) == nil || row.KeyRotationAt != nil && now.Before(*row.KeyRotationAt) {
			return nil // it is not to be rotated, or nobody knows how often
		}
		if err := r.keys.archive(ctx, tx, who, []string{token}); err != nil {
			return err
		}
		next, err := r.keys.replace(ctx, tx, who.ID(), &row, ident.NewKey(), until)
		if err != nil {
			return err
		}
		return tx.Audited(ctx, entry(who, audit.Rotated, token, View(row), View(next)))
	})
}

// Forget removes former texts whose time is over. Data planes refuse them by
// then already.
func (r *Rotator) Forget(ctx context.Context) error {
	for {
		var ended []string
		err := r.keys.store.InTx(ctx, func(tx *store.Tx) error {
			var err error
			if ended, err = r.keys.store.KeysRevoked(ctx, tx, rotatePage); err != nil {
				return fmt.Errorf("forget former keys: %w", err)
			}
			return tx.ChangedAll(ctx, store.KindKey, ended)
		})
		if err != nil || len(ended) < rotatePage {
			return err
		}
	}
}
