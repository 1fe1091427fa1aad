// Package login opens sessions for names and passwords: those of users, by their
// e-mail address, and that of the admin, whom the options name. It bounds how
// often a password can be guessed. It owns no goroutine.
package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/password"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/secret"
)

const (
	// adminName is the admin's name where the options have none.
	adminName = "admin"
	// longest is how many bytes a name or a password may have.
	longest = 512
	// hashing is how many passwords are held against their hash at once, 16 MiB
	// each.
	hashing = 2
)

// Options are what a service is made of.
type Options struct {
	Store    *store.Store
	Sessions *session.Service
	// Admin and Password log in as proxy admin; the master key is the password
	// where there is no other.
	Admin               string
	Password, MasterKey secret.String
	Logger              *slog.Logger
}

// Service logs people in. It is safe for concurrent use.
type Service struct {
	store    *store.Store
	sessions *session.Service
	guard    guard
	admin    secret.String
	password secret.String
	slots    chan struct{}
	log      *slog.Logger
}

// New returns a service.
func New(o Options) *Service {
	s := &Service{
		store: o.Store, sessions: o.Sessions, guard: guard{o.Store}, admin: secret.New(o.Admin), password: o.Password,
		slots: make(chan struct{}, hashing), log: o.Logger,
	}
	if s.admin.IsZero() {
		s.admin = secret.New(adminName)
	}
	if s.password.IsZero() {
		s.password = o.MasterKey
	}
	return s
}

// Request is the body of /v2/login.
type Request struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

func (r *Request) check() error {
	for _, m := range []struct{ name, value string }{{"username", r.Username}, {"password", r.Password}} {
		switch {
		case m.value == "":
			return apierr.Invalid("missing", m.name, "Field required")
		case len(m.value) > longest:
			return apierr.Invalid("string_too_long", m.name, fmt.Sprintf("String should have at most %d characters", longest))
		}
	}
	return nil
}

// Login opens a session and returns its key and when it ends. address is where
// the client is.
func (s *Service) Login(ctx context.Context, address string, r *Request) (key string, expires time.Time, err error) {
	if err := r.check(); err != nil {
		return "", time.Time{}, err
	}
	attempt, err := s.guard.begin(ctx, address, r.Username)
	if err != nil {
		return "", time.Time{}, err
	}
	u, err := s.user(ctx, r)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "login refused", slog.String("address", address))
		return "", time.Time{}, err
	}
	if key, expires, err = s.open(ctx, u, r); err != nil {
		return "", time.Time{}, err
	}
	return key, expires, s.guard.succeeded(ctx, attempt)
}

// user finds whose the name and password are; nil is the admin of the options.
func (s *Service) user(ctx context.Context, r *Request) (*db.UserTable, error) {
	name, plain := s.admin.Equal(secret.New(r.Username)), s.password.Equal(secret.New(r.Password))
	if name && plain {
		return nil, nil //nolint:nilnil // see above
	}
	u, err := s.store.UserByEmail(ctx, s.store.DB(), r.Username)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("read user: %w", err)
	}
	hash := u.Password
	if hash.IsZero() { // nobody, or somebody without a password
		hash = password.Decoy()
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
	if !hash.Matches(r.Password) {
		return nil, &apierr.Error{
			Status: http.StatusUnauthorized, Type: apierr.TypeAuth, Param: "invalid_credentials",
			Message: "Invalid credentials used to access UI.\nNot valid credentials for " + r.Username,
		}
	}
	return &u, nil
}

// open opens the session of a user, or that of the admin when there is none.
func (s *Service) open(ctx context.Context, u *db.UserTable, r *Request) (key string, expires time.Time, err error) {
	var anew password.Hash
	if u != nil && u.Password.Outdated() {
		if anew, err = password.New(r.Password); err != nil {
			return "", time.Time{}, err
		}
	}
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		owner := u
		if owner == nil {
			if owner, err = s.ensureAdmin(ctx, tx); err != nil {
				return err
			}
		}
		if key, expires, err = s.sessions.OpenIn(ctx, tx, owner); err != nil {
			return err
		}
		if !anew.IsZero() {
			// The same password, stored better: nothing that an audit would tell.
			if err := s.store.UserSetPassword(ctx, tx, db.UserSetPasswordParams{UserID: owner.UserID, Password: anew}); err != nil {
				return fmt.Errorf("write user: %w", err)
			}
		}
		return nil
	})
	return key, expires, err
}

// ensureAdmin makes the user that the admin of the options is, a proxy admin.
func (s *Service) ensureAdmin(ctx context.Context, tx *store.Tx) (*db.UserTable, error) {
	if err := s.sessions.Lock(ctx, tx, caller.AdminUserID); err != nil {
		return nil, err
	}
	role := string(policy.ProxyAdmin)
	made, err := s.store.UserEnsure(ctx, tx, db.UserEnsureParams{UserID: caller.AdminUserID, UserRole: &role})
	if err != nil {
		return nil, fmt.Errorf("write user: %w", err)
	}
	u, err := s.store.UserForUpdate(ctx, tx, caller.AdminUserID)
	if err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}
	e := &audit.Entry{Actor: audit.Actor{ID: caller.AdminUserID}, Action: audit.Created, Table: audit.Users, ObjectID: u.UserID, After: person.Show(u)}
	if made == 0 {
		if u.UserRole != nil && *u.UserRole == role {
			return &u, nil
		}
		before := person.Show(u)
		if err := s.store.UserSetRole(ctx, tx, db.UserSetRoleParams{UserID: u.UserID, UserRole: &role}); err != nil {
			return nil, fmt.Errorf("write user: %w", err)
		}
		e.Action, e.Before, e.After = audit.Updated, before, map[string]string{"user_role": role}
	}
	if err := tx.Audited(ctx, e); err != nil {
		return nil, err
	}
	return &u, tx.Changed(ctx, store.KindUser, u.UserID)
}
