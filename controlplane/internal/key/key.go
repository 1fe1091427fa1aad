// Package key manages virtual keys by LiteLLM's rules. A key is stored as its
// SHA-256 only; its text is shown once, when it is made.
package key

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/budget"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store  *store.Store
	rules  Rules
	counts *counts
}

// New returns a service over the store.
func New(st *store.Store) *Service { return NewWithRules(st, Rules{}) }

// NewWithRules returns a service that holds keys to what the settings say.
func NewWithRules(st *store.Store, r Rules) *Service {
	return &Service{store: st, rules: r, counts: newCounts()}
}

// ByHash returns a key by its hash, or by that of a former text that still works.
func (s *Service) ByHash(ctx context.Context, hash string) (db.VerificationToken, error) {
	row, err := s.store.KeyByToken(ctx, s.store.DB(), hash)
	if !errors.Is(err, store.ErrNotFound) {
		return row, err
	}
	active, err := s.store.KeyActive(ctx, s.store.DB(), hash)
	if err != nil {
		return row, err
	}
	return s.store.KeyByToken(ctx, s.store.DB(), active)
}

func wellFormed(plain string) error {
	if !strings.HasPrefix(plain, ident.KeyPrefix) {
		return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest,
			"Invalid key format. LiteLLM Virtual Key must start with 'sk-'. Received: %s", ident.Mask(plain))
	}
	if len(plain) < 6 || len(plain) > 256 || strings.ContainsAny(plain, " \t\r\n") {
		return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "Invalid key format. A key has 6 to 256 characters and no white space.")
	}
	return nil
}

func duplicate(err error, alias *string) error {
	constraint, ok := store.Duplicate(err)
	switch {
	case !ok:
		return fmt.Errorf("write key: %w", err)
	case constraint == "verification_token_alias" && alias != nil:
		return &apierr.Error{Status: http.StatusBadRequest, Type: apierr.TypeBadRequest, Param: "key_alias", Message: fmt.Sprintf(
			"Key with alias '%s' already exists. Unique key aliases across all keys are required.", *alias)}
	default:
		return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "Key already exists.")
	}
}

// ownerFields are the members that a key's owner may change: all others
// decide what the key may do or cost.
func (r *Request) onlyOwnerFields() bool {
	privileged := []bool{
		r.Duration.Sent, r.Models.Sent, r.Aliases.Sent, r.Config.Sent, r.Permissions.Sent, r.Metadata.Sent, r.Spend.Sent,
		r.UserID.Sent, r.TeamID.Sent, r.OrganizationID.Sent, r.BudgetID.Sent, r.AllowedCacheControls.Sent, r.AllowedRoutes.Sent,
		r.Blocked.Sent, r.KeyType.Sent, r.SetsLimits(), r.AgentID.Sent, r.ProjectID.Sent, r.AccessGroupIDs.Sent, r.RouterSettings.Sent,
		r.ObjectPermission.Sent, r.AutoRotate.Sent, r.RotationInterval.Sent,
	}
	for _, sent := range privileged {
		if sent {
			return false
		}
	}
	for _, f := range r.hoisted() {
		if f.Sent {
			return false
		}
	}
	return true
}

// Update changes what was sent.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *Request) (Updated, error) {
	sent := r.Key.Or("")
	if sent == "" {
		return Updated{}, missing("key")
	}
	out := Updated{Key: sent}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		before, row, err := s.change(ctx, tx, who, sent, r, "update")
		if err != nil {
			return err
		}
		if err := tx.AuditedChange(ctx, entry(who, audit.Updated, row.Token, View(before), View(row))); err != nil {
			return err
		}
		out.Row = View(row)
		if err := s.complete(ctx, tx, &out.Info); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindKey, row.Token)
	})
	return out, err
}

// change locks a key and changes what was sent, if the caller may. It returns
// the key as it was, and as it is.
func (s *Service) change(
	ctx context.Context, tx *store.Tx, who caller.Caller, sent string, r *Request, verb string,
) (before, row db.VerificationToken, err error) {
	if row, err = s.lock(ctx, tx, sent); err != nil {
		return before, row, err
	}
	if err := s.mayChange(ctx, tx, who, &row, r, verb); err != nil {
		return before, row, err
	}
	before = row
	now := time.Now()
	budget.Roll(&row.SpendNano, &row.BudgetResetAt, row.BudgetDuration, now)
	if err := r.apply(&row, now); err != nil {
		return before, row, err
	}
	if err := s.rules.hold(r, &row, false, now); err != nil {
		return before, row, err
	}
	if err := s.fits(ctx, tx, &before, &row); err != nil {
		return before, row, err
	}
	if err := s.permit(ctx, tx, &row, r); err != nil {
		return before, row, err
	}
	if err := s.admit(ctx, tx, &before, &row); err != nil {
		return before, row, err
	}
	row.UpdatedBy = who.ID()
	var setSpend *int64
	if r.Spend.Sent || row.SpendNano != before.SpendNano {
		setSpend = &row.SpendNano
	}
	alias := row.KeyAlias
	if row, err = s.store.KeyUpdate(ctx, tx, updateParams(row, setSpend)); err != nil {
		return before, row, duplicate(err, alias)
	}
	return before, row, nil
}

func (s *Service) lock(ctx context.Context, tx *store.Tx, sent string) (db.VerificationToken, error) {
	row, err := s.store.KeyForUpdate(ctx, tx, ident.KeyToken(sent))
	if errors.Is(err, store.ErrNotFound) {
		return row, notFound()
	}
	if err != nil {
		return row, fmt.Errorf("read key: %w", err)
	}
	return row, nil
}

func notFound() error {
	return &apierr.Error{Status: http.StatusNotFound, Type: apierr.TypeNotFound, Param: "key", Message: "Key not found in database"}
}

func missing(name string) error {
	return apierr.Invalid("missing", name, "Field required")
}

// SetBlocked blocks or unblocks a key.
func (s *Service) SetBlocked(ctx context.Context, who caller.Caller, sent string, blocked bool) (Row, error) {
	if sent == "" {
		return Row{}, missing("key")
	}
	token := ident.KeyToken(sent)
	if !ident.IsHash(token) {
		return Row{}, apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "Invalid key format.")
	}
	action, verb := audit.Unblocked, "unblock"
	if blocked {
		action, verb = audit.Blocked, "block"
	}
	var row db.VerificationToken
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		before, err := s.lock(ctx, tx, token)
		if err != nil {
			return err
		}
		k, err := s.rights(ctx, tx, who, &before)
		if err != nil {
			return err
		}
		if err := who.May().BlockKey(k, verb, "/key/"+verb); err != nil {
			return err
		}
		row, err = s.store.KeySetBlocked(ctx, tx, db.KeySetBlockedParams{Token: token, Blocked: blocked, UpdatedBy: who.ID()})
		if err != nil {
			return fmt.Errorf("write key: %w", err)
		}
		if err := tx.AuditedChange(ctx, entry(who, action, token, View(before), View(row))); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindKey, token)
	})
	return View(row), err
}

// Info returns a key; without one, the caller's own.
func (s *Service) Info(ctx context.Context, who caller.Caller, sent string) (string, Info, error) {
	if sent == "" {
		sent = who.KeyHash
	}
	row, err := s.ByHash(ctx, ident.KeyToken(sent))
	if errors.Is(err, store.ErrNotFound) {
		if may := who.May(); !may.Sees() {
			return "", Info{}, may.HiddenKey() // do not tell strangers which keys exist
		}
		return "", Info{}, notFound()
	}
	if err != nil {
		return "", Info{}, fmt.Errorf("read key: %w", err)
	}
	k, err := s.rights(ctx, s.store.DB(), who, &row)
	if err != nil {
		return "", Info{}, err
	}
	if err := who.May().SeeKey(k); err != nil {
		return "", Info{}, err
	}
	info := View(row).Info
	err = s.complete(ctx, s.store.DB(), &info)
	return sent, info, err
}
