// Package invitation lets admins invite users, who then set their password: it
// keeps the links, and opens a session for whoever uses one. It owns no
// goroutine.
package invitation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// Lifetime is how long an invitation can be accepted.
const Lifetime = 7 * 24 * time.Hour

// Options are what a service is made of.
type Options struct {
	Store    *store.Store
	Sessions *session.Service
	// MasterKey signs what is handed out.
	MasterKey secret.String
	// KeyHeader is the header in which clients send their key, "" for the usual
	// one.
	KeyHeader string
}

// Service holds the rules. It is safe for concurrent use.
type Service struct {
	store    *store.Store
	sessions *session.Service
	signer   signer
}

// New returns a service.
func New(o Options) *Service {
	header := o.KeyHeader
	if header == "" {
		header = "Authorization"
	}
	return &Service{store: o.Store, sessions: o.Sessions, signer: signer{o.MasterKey, header}}
}

// View is an invitation as LiteLLM shows it.
type View struct {
	ID         string     `json:"id"`
	UserID     string     `json:"user_id"`
	IsAccepted bool       `json:"is_accepted"`
	AcceptedAt *time.Time `json:"accepted_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	UpdatedAt  time.Time  `json:"updated_at"`
	UpdatedBy  string     `json:"updated_by"`
}

func show(l *db.InvitationLink) View {
	v := View{
		ID: l.ID, UserID: l.UserID, IsAccepted: l.IsAccepted, ExpiresAt: l.ExpiresAt.UTC(),
		CreatedAt: l.CreatedAt.UTC(), CreatedBy: l.CreatedBy, UpdatedAt: l.UpdatedAt.UTC(), UpdatedBy: l.UpdatedBy,
	}
	if l.AcceptedAt != nil {
		v.AcceptedAt = new(l.AcceptedAt.UTC())
	}
	return v
}

// entry is an entry of the audit trail. It names an invitation by the SHA-256 of
// its id: whoever has the id sets the user's password.
func entry(actor audit.Actor, action audit.Action, id string, before, after any) *audit.Entry {
	return &audit.Entry{Actor: actor, Action: action, Table: audit.Invitations, ObjectID: ident.HashKey(id), Before: before, After: after}
}

// traced is an invitation without its id.
func traced(l *db.InvitationLink) View {
	v := show(l)
	v.ID = ident.HashKey(l.ID)
	return v
}

// Gone is the entry of the audit trail for an invitation that is deleted.
func Gone(actor audit.Actor, l *db.InvitationLink) *audit.Entry {
	return entry(actor, audit.Deleted, l.ID, traced(l), audit.Nothing{})
}

// NewRequest is the body of /invitation/new.
type NewRequest struct {
	UserID field.Of[string] `json:"user_id"`
}

// New invites a user.
func (s *Service) New(ctx context.Context, who caller.Caller, r *NewRequest) (View, error) {
	if err := who.May().MayInvite(); err != nil {
		return View{}, err
	}
	if r.UserID.Ptr() == nil {
		return View{}, missing("user_id")
	}
	if err := bounds.CheckID("user_id", r.UserID.Value); err != nil {
		return View{}, err
	}
	var out View
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		u, err := s.store.UserForUpdate(ctx, tx, r.UserID.Value)
		if errors.Is(err, store.ErrNotFound) {
			return apierr.Detail(http.StatusBadRequest, "User id does not exist in 'LiteLLM_UserTable'. Fix this by creating user via `/user/new`.")
		}
		if err != nil {
			return fmt.Errorf("read user: %w", err)
		}
		if err := s.may(ctx, tx, &u, who.May().Invite); err != nil {
			return err
		}
		link, err := s.store.InvitationInsert(ctx, tx, db.InvitationInsertParams{
			ID: uuid.NewString(), UserID: u.UserID, ExpiresAt: time.Now().Add(Lifetime), CreatedBy: by(who),
		})
		if err != nil {
			return fmt.Errorf("write invitation: %w", err)
		}
		out = show(&link)
		return tx.Audited(ctx, entry(who.Actor(), audit.Created, link.ID, nil, traced(&link)))
	})
	return out, err
}

// may asks a rule about a user.
func (s *Service) may(ctx context.Context, conn db.DBTX, u *db.UserTable, rule func(*policy.User) error) error {
	subject, err := person.Subject(ctx, s.store, conn, u)
	if err != nil {
		return err
	}
	return rule(subject)
}

// mayByID is may for a user who may be gone.
func (s *Service) mayByID(ctx context.Context, conn db.DBTX, userID string, rule func(*policy.User) error) error {
	u, err := s.store.UserByID(ctx, conn, userID)
	if errors.Is(err, store.ErrNotFound) {
		return rule(&policy.User{ID: userID})
	}
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	return s.may(ctx, conn, &u, rule)
}

// Info returns an invitation.
func (s *Service) Info(ctx context.Context, who caller.Caller, id string) (View, error) {
	may := who.May()
	if !may.Sees() {
		if err := may.MayInvite(); err != nil {
			return View{}, err
		}
	}
	link, err := s.store.InvitationByID(ctx, s.store.DB(), id)
	if err != nil {
		return View{}, lost(err)
	}
	return show(&link), s.mayByID(ctx, s.store.DB(), link.UserID, may.SeeInvitation)
}

// UpdateRequest is the body of /invitation/update.
type UpdateRequest struct {
	ID       field.Of[string] `json:"invitation_id"`
	Accepted field.Of[bool]   `json:"is_accepted"`
}

// Update says that an invitation was accepted, or that it was not.
func (s *Service) Update(ctx context.Context, who caller.Caller, r *UpdateRequest) (View, error) {
	if err := who.May().MayInvite(); err != nil {
		return View{}, err
	}
	switch {
	case r.ID.Ptr() == nil:
		return View{}, missing("invitation_id")
	case r.Accepted.Ptr() == nil:
		return View{}, missing("is_accepted")
	}
	var out View
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		link, err := s.lock(ctx, tx, who, r.ID.Value)
		if err != nil {
			return err
		}
		if link, err = s.accept(ctx, tx, who.Actor(), &link, r.Accepted.Value, by(who)); err != nil {
			return err
		}
		out = show(&link)
		return nil
	})
	return out, err
}

// lock locks an invitation that the caller may change.
func (s *Service) lock(ctx context.Context, tx *store.Tx, who caller.Caller, id string) (db.InvitationLink, error) {
	link, err := s.store.InvitationForUpdate(ctx, tx, id)
	if err != nil {
		return link, lost(err)
	}
	return link, s.mayByID(ctx, tx, link.UserID, who.May().Invite)
}

// accept writes down whether an invitation is accepted.
func (s *Service) accept(ctx context.Context, tx *store.Tx, actor audit.Actor, link *db.InvitationLink, accepted bool, by string) (db.InvitationLink, error) {
	p := db.InvitationAcceptParams{ID: link.ID, IsAccepted: accepted, UpdatedBy: by}
	if accepted {
		p.AcceptedAt = new(time.Now())
	}
	after, err := s.store.InvitationAccept(ctx, tx, p)
	if err != nil {
		return after, fmt.Errorf("write invitation: %w", err)
	}
	return after, tx.AuditedChange(ctx, entry(actor, audit.Updated, link.ID, traced(link), traced(&after)))
}

// DeleteRequest is the body of /invitation/delete.
type DeleteRequest struct {
	ID field.Of[string] `json:"invitation_id"`
}

// Delete takes an invitation back.
func (s *Service) Delete(ctx context.Context, who caller.Caller, r *DeleteRequest) (View, error) {
	if err := who.May().MayInvite(); err != nil {
		return View{}, err
	}
	if r.ID.Ptr() == nil {
		return View{}, missing("invitation_id")
	}
	var out View
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		link, err := s.lock(ctx, tx, who, r.ID.Value)
		if err != nil {
			return err
		}
		if err := s.store.InvitationDelete(ctx, tx, link.ID); err != nil {
			return fmt.Errorf("delete invitation: %w", err)
		}
		out = show(&link)
		return tx.Audited(ctx, Gone(who.Actor(), &link))
	})
	return out, err
}

func missing(member string) error { return apierr.Invalid("missing", member, "Field required") }

func lost(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return apierr.Detail(http.StatusBadRequest, "Invitation id does not exist in the database.")
	}
	return fmt.Errorf("read invitation: %w", err)
}

// by is who changes an invitation.
func by(who caller.Caller) string {
	if id := who.ID(); id != nil {
		return *id
	}
	return caller.AdminUserID
}
