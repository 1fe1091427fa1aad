package key

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// Delete removes keys by text, hash or alias; all of them or none. A former text
// that still works ends by itself: the key stays.
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
		former, err := s.forget(ctx, tx, who, tokens)
		if err != nil {
			return err
		}
		if len(rows) == 0 && former == 0 {
			return &apierr.Error{Status: http.StatusNotFound, Type: apierr.TypeNotFound, Param: "keys", Message: "No keys found"}
		}
		return s.remove(ctx, tx, who, rows)
	})
	return append(keys, aliases...), err
}

// find locks keys by hash and by alias, each once.
func (s *Service) find(ctx context.Context, tx *store.Tx, tokens, aliases []string) ([]db.VerificationToken, error) {
	rows, err := s.store.KeysByTokens(ctx, tx, tokens)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	if len(aliases) == 0 {
		return rows, nil
	}
	byAlias, err := s.store.KeysByAliases(ctx, tx, aliases)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	for i := range byAlias {
		if !slices.ContainsFunc(rows, func(r db.VerificationToken) bool { return r.Token == byAlias[i].Token }) {
			rows = append(rows, byAlias[i])
		}
	}
	return rows, nil
}

func (s *Service) remove(ctx context.Context, tx *store.Tx, who caller.Caller, rows []db.VerificationToken) error {
	if len(rows) == 0 {
		return nil
	}
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
	if err := s.revoke(ctx, tx, doomed); err != nil {
		return err
	}
	return tx.ChangedAll(ctx, store.KindKey, doomed)
}
