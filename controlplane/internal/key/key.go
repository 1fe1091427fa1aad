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
	store *store.Store
	rules Rules
}

// New returns a service over the store.
func New(st *store.Store) *Service { return &Service{store: st} }

// NewWithRules returns a service that holds keys to what the settings say.
func NewWithRules(st *store.Store, r Rules) *Service { return &Service{store: st, rules: r} }

// ByHash returns a key for authentication.
func (s *Service) ByHash(ctx context.Context, hash string) (db.VerificationToken, error) {
	return s.store.KeyByToken(ctx, s.store.DB(), hash)
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
		r.Blocked.Sent, r.KeyType.Sent, r.SetsLimits(),
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
		if err := s.withTiers(ctx, tx, &out.Info); err != nil {
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

// Delete removes keys by text, hash or alias; all of them or none.
func (s *Service) Delete(ctx context.Context, who caller.Caller, keys, aliases []string) ([]string, error) {
	if len(keys) == 0 && len(aliases) == 0 {
		return nil, missing("keys")
	}
	tokens := make([]string, len(keys))
	for i, k := range keys {
		tokens[i] = ident.KeyToken(k)
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		rows, err := s.find(ctx, tx, tokens, aliases)
		if err != nil {
			return err
		}
		return s.remove(ctx, tx, who, rows)
	})
	return append(keys, aliases...), err
}

// find locks keys by hash and by alias. It fails when there is none of them.
func (s *Service) find(ctx context.Context, tx *store.Tx, tokens, aliases []string) ([]db.VerificationToken, error) {
	rows, err := s.store.KeysByTokens(ctx, tx, tokens)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	if len(aliases) > 0 {
		byAlias, err := s.store.KeysByAliases(ctx, tx, aliases)
		if err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
		}
		rows = append(rows, byAlias...)
	}
	if len(rows) == 0 {
		return nil, &apierr.Error{Status: http.StatusNotFound, Type: apierr.TypeNotFound, Param: "keys", Message: "No keys found"}
	}
	return rows, nil
}

func (s *Service) remove(ctx context.Context, tx *store.Tx, who caller.Caller, rows []db.VerificationToken) error {
	doomed := make([]string, len(rows))
	for i, row := range rows {
		k, err := s.rights(ctx, tx, who, &rows[i])
		if err != nil {
			return err
		}
		if err := who.May().DropKey(k, "delete", "/key/delete"); err != nil {
			return err
		}
		doomed[i] = row.Token
		if err := tx.Audited(ctx, entry(who, audit.Deleted, row.Token, View(row), audit.Nothing{})); err != nil {
			return err
		}
	}
	if err := s.archive(ctx, tx, who, doomed); err != nil {
		return err
	}
	if err := s.store.KeysDelete(ctx, tx, doomed); err != nil {
		return fmt.Errorf("delete keys: %w", err)
	}
	for _, token := range doomed {
		if err := tx.Changed(ctx, store.KindKey, token); err != nil {
			return err
		}
	}
	return nil
}

// Regenerate gives a key a new text. The old one stops working at once; the
// row keeps its spend and limits.
func (s *Service) Regenerate(ctx context.Context, who caller.Caller, sent string, r *Request) (Generated, error) {
	if sent == "" {
		return Generated{}, apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "No key passed in.")
	}
	plain := r.NewKey.Or("")
	if plain == "" {
		plain = ident.NewKey()
	}
	if err := wellFormed(plain); err != nil {
		return Generated{}, err
	}
	var made Generated
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		found, err := s.lock(ctx, tx, sent)
		if err != nil {
			return err
		}
		if err := s.archive(ctx, tx, who, []string{found.Token}); err != nil {
			return err
		}
		before, row, err := s.change(ctx, tx, who, sent, r, "regenerate")
		if err != nil {
			return err
		}
		old, name := row.Token, ident.KeyName(plain)
		row, err = s.store.KeyReplaceToken(ctx, tx, db.KeyReplaceTokenParams{Token: old, NewToken: ident.HashKey(plain), KeyName: &name, UpdatedBy: who.ID()})
		if err != nil {
			return duplicate(err, nil)
		}
		if err := budget.RenameKey(ctx, s.store, tx, &row, old); err != nil {
			return err
		}
		made = generated(plain, row, r.Duration.Ptr())
		if err := s.withTiers(ctx, tx, &made.Info); err != nil {
			return err
		}
		if err := tx.Audited(ctx, entry(who, audit.Rotated, old, View(before), View(row))); err != nil {
			return err
		}
		if err := tx.Changed(ctx, store.KindKey, old); err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindKey, row.Token)
	})
	if err != nil {
		return Generated{}, err
	}
	return made, nil
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
	err = s.withTiers(ctx, s.store.DB(), &info)
	return sent, info, err
}
