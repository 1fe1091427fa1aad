// Package masterkey replaces the master key of an installation whose credentials
// are sealed with it: it seals them again with the next one. The key itself is
// configured, so the operator does the rest. It owns no goroutine.
package masterkey

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// Sealed is something that keeps credentials in the database.
type Sealed interface {
	// Reseal seals all of them with another box, and returns how many those are.
	Reseal(ctx context.Context, tx *store.Tx, to *seal.Box) (int, error)
}

// Service replaces the master key. It is safe for concurrent use.
type Service struct {
	store        *store.Store
	master, salt secret.String
	sealed       []Sealed
}

// New returns a service for an installation with a master key, whose credentials
// are sealed with a salt: often another one.
func New(st *store.Store, master, salt secret.String, sealed ...Sealed) *Service {
	return &Service{store: st, master: master, salt: salt, sealed: sealed}
}

// Is reports whether a request means the master key, by its text or its hash.
func (s *Service) Is(sent string) bool {
	mine, theirs := ident.HashKey(s.master.Reveal()), ident.KeyToken(sent)
	a, b := sha256.Sum256([]byte(mine)), sha256.Sum256([]byte(theirs))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Replaced is the reply. As at LiteLLM, the first three are the new key.
type Replaced struct {
	Key     string  `json:"key"`
	Token   string  `json:"token"`
	KeyName string  `json:"key_name"`
	Expires *string `json:"expires"`
	Message string  `json:"message"`
}

// Replace seals all stored credentials with the next master key, all of them or
// none.
func (s *Service) Replace(ctx context.Context, who caller.Caller, next string) (Replaced, error) {
	switch {
	case !who.May().Admin():
		return Replaced{}, apierr.Forbidden("You are not authorized to regenerate this key")
	case next == "":
		return Replaced{}, bad("new_master_key is required to replace the master key")
	case !strings.HasPrefix(next, ident.KeyPrefix) || strings.ContainsAny(next, " \t\r\n") || len(next) < 6 || len(next) > 256:
		return Replaced{}, bad("new_master_key must start with sk-, and have 6 to 256 characters without white space")
	case next == s.master.Reveal():
		return Replaced{}, bad("new_master_key is the present one")
	case s.salt.Reveal() != s.master.Reveal():
		return Replaced{}, bad("Nothing is sealed with the master key, for TIANJI_SALT_KEY is another one: " +
			"set TIANJI_MASTER_KEY to the new key and restart the control planes")
	}
	box, err := seal.New(next)
	if err != nil {
		return Replaced{}, fmt.Errorf("seal with the new master key: %w", err)
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		resealed := 0
		for _, one := range s.sealed {
			n, err := one.Reseal(ctx, tx, box)
			if err != nil {
				return err //nolint:wrapcheck // it says what it is
			}
			resealed += n
		}
		return tx.Audited(ctx, &audit.Entry{
			Actor: who.Actor(), Action: audit.Rotated, Table: audit.Keys, ObjectID: "master key", After: map[string]int{"resealed": resealed},
		})
	})
	if err != nil {
		return Replaced{}, err //nolint:wrapcheck // it says what it is
	}
	return Replaced{
		Key: next, Token: next, KeyName: next,
		Message: "Stored credentials are sealed with the new master key. The old one is in force until you do this: set TIANJI_MASTER_KEY and TIANJI_SALT_KEY " +
			"to the new key at all control planes and data planes, and restart all of them together. Change no models before.",
	}, nil
}

func bad(message string) *apierr.Error {
	return apierr.New(http.StatusBadRequest, apierr.TypeBadRequest, "%s", message)
}
