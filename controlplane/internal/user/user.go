// Package user manages internal users by LiteLLM's rules: it makes, changes,
// lists and deletes them, with what belongs to them. How they log in is for
// packages login and invitation. It owns no goroutine.
package user

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store    *store.Store
	keys     *key.Service
	sessions *session.Service
	rules    Rules
}

// New returns a service over the store; keys makes the key that a new user gets.
func New(st *store.Store, keys *key.Service) *Service { return NewWithRules(st, keys, Rules{}) }

// NewWithRules returns a service that gives new users what the settings say.
func NewWithRules(st *store.Store, keys *key.Service, r Rules) *Service {
	return &Service{store: st, keys: keys, sessions: session.New(st), rules: r}
}

// View is a user as LiteLLM shows it.
type View = person.View

func entry(who caller.Caller, action audit.Action, userID string, before, after any) *audit.Entry {
	return &audit.Entry{Actor: who.Actor(), Action: action, Table: audit.Users, ObjectID: userID, Before: before, After: after}
}

func notFound(name string) error {
	return &apierr.Error{Status: http.StatusNotFound, Type: apierr.TypeNotFound, NoneText: true, Message: fmt.Sprintf("User %s not found", name)}
}

// read wraps the error of reading a user whom name names.
func read(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFound(name)
	}
	return fmt.Errorf("read user: %w", err)
}

// conflict is the answer to a user who is there already, by what must be unique.
func conflict(constraint string, u *db.UserTable) error {
	message := fmt.Sprintf("User with id %s already exists", u.UserID)
	switch {
	case constraint == "user_table_email" && u.UserEmail != nil:
		message = fmt.Sprintf("User with email %s already exists", *u.UserEmail)
	case constraint == "user_table_sso" && u.SsoUserID != nil:
		message = fmt.Sprintf("User with sso_user_id %s already exists", *u.SsoUserID)
	}
	return &apierr.Error{Status: http.StatusConflict, Type: apierr.TypeBadRequest, NoneText: true, Message: message}
}
