package invitation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/password"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// Onboarding is the reply of /onboarding/get_token.
type Onboarding struct {
	LoginURL  string  `json:"login_url"`
	Token     string  `json:"token"`
	UserEmail *string `json:"user_email"`
}

// Onboard begins to accept an invitation. It changes nothing: whoever only looks
// at a link, as a scanner of mails does, uses nothing up. base is the address of
// the installation.
func (s *Service) Onboard(ctx context.Context, id, base string) (Onboarding, error) {
	link, err := s.store.InvitationByID(ctx, s.store.DB(), id)
	if err = open(&link, err); err != nil {
		return Onboarding{}, err
	}
	u, err := s.store.UserByID(ctx, s.store.DB(), link.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return Onboarding{}, refused("User does not exist in db.")
	}
	if err != nil {
		return Onboarding{}, fmt.Errorf("read user: %w", err)
	}
	token, err := s.signer.onboarding(&link, &u, time.Now())
	if err != nil {
		return Onboarding{}, err
	}
	return Onboarding{LoginURL: base + "/ui/onboarding?token=" + token, Token: token, UserEmail: u.UserEmail}, nil
}

// open refuses an invitation that can not be accepted, of which err says how it
// was read.
func open(link *db.InvitationLink, err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refused("Invitation link does not exist in db.")
	case err != nil:
		return fmt.Errorf("read invitation: %w", err)
	case link.IsAccepted:
		return refused("Invitation link has already been used.")
	case !time.Now().Before(link.ExpiresAt):
		return refused("Invitation link has expired.")
	}
	return nil
}

func refused(format string, args ...any) error {
	return apierr.Detail(http.StatusUnauthorized, format, args...)
}

// ClaimRequest is the body of /onboarding/claim_token.
type ClaimRequest struct {
	Link     string `json:"invitation_link"`
	UserID   string `json:"user_id"`
	Password string `json:"password"`
}

// Claimed is the reply of /onboarding/claim_token.
type Claimed struct {
	LoginURL  string      `json:"login_url"`
	Token     string      `json:"token"`
	UserEmail *string     `json:"user_email"`
	User      person.View `json:"user"`
}

// Claim accepts an invitation: it sets the user's password and opens a session,
// once. bearer is what Onboard has handed out.
func (s *Service) Claim(ctx context.Context, bearer string, r *ClaimRequest, base string) (Claimed, error) {
	if err := s.checkClaim(ctx, bearer, r); err != nil {
		return Claimed{}, err
	}
	hash, err := password.New(r.Password) // slow, and so before the row is locked
	if err != nil {
		return Claimed{}, err
	}
	var out Claimed
	err = s.store.InTx(ctx, func(tx *store.Tx) error {
		u, err := s.lockUser(ctx, tx, r.UserID)
		if err != nil {
			return err
		}
		link, err := s.store.InvitationForUpdate(ctx, tx, r.Link)
		if err = open(&link, err); err != nil {
			return err
		}
		if err := s.setPassword(ctx, tx, &u, hash); err != nil {
			return err
		}
		if _, err := s.accept(ctx, tx, audit.Actor{ID: u.UserID}, &link, true, u.UserID); err != nil {
			return err
		}
		key, expires, err := s.sessions.OpenIn(ctx, tx, &u)
		if err != nil {
			return err
		}
		token, err := s.signer.session(&u, secret.New(key), expires)
		if err != nil {
			return err
		}
		out = Claimed{LoginURL: base + "/ui/?login=success", Token: token, UserEmail: u.UserEmail, User: person.Show(u)}
		return nil
	})
	return out, err
}

func (s *Service) checkClaim(ctx context.Context, bearer string, r *ClaimRequest) error {
	for _, m := range []struct{ name, value string }{{"invitation_link", r.Link}, {"user_id", r.UserID}, {"password", r.Password}} {
		if m.value == "" {
			return missing(m.name)
		}
	}
	link, err := s.store.InvitationByID(ctx, s.store.DB(), r.Link)
	if err = open(&link, err); err != nil {
		return err
	}
	if link.UserID != r.UserID {
		return refused("Invalid invitation link. The user id submitted does not match the user id this link is attached to. Got=%.128s", r.UserID)
	}
	if bearer == "" {
		return refused("Missing onboarding session for invitation link.")
	}
	if !s.signer.onboarded(bearer, r.Link, r.UserID) {
		return refused("Invalid onboarding session for invitation link.")
	}
	return password.Check(r.Password)
}

// lockUser locks the sessions of a user, and the user.
func (s *Service) lockUser(ctx context.Context, tx *store.Tx, userID string) (db.UserTable, error) {
	if err := s.sessions.Lock(ctx, tx, userID); err != nil {
		return db.UserTable{}, err
	}
	u, err := s.store.UserForUpdate(ctx, tx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return u, refused("User does not exist in db.")
	}
	if err != nil {
		return u, fmt.Errorf("read user: %w", err)
	}
	return u, nil
}

// setPassword stores a password, and ends the sessions that were opened with
// another one.
func (s *Service) setPassword(ctx context.Context, tx *store.Tx, u *db.UserTable, hash password.Hash) error {
	if err := s.store.UserSetPassword(ctx, tx, db.UserSetPasswordParams{UserID: u.UserID, Password: hash}); err != nil {
		return fmt.Errorf("write user: %w", err)
	}
	self := audit.Actor{ID: u.UserID}
	if err := s.sessions.EndAll(ctx, tx, self, u.UserID, ""); err != nil {
		return err
	}
	return tx.Audited(ctx, &audit.Entry{
		Actor: self, Action: audit.Updated, Table: audit.Users, ObjectID: u.UserID, Before: person.Show(*u), After: map[string]string{"password": "set"},
	})
}
