package sso

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/invitation"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// newcomer is somebody as the provider says it.
type newcomer struct {
	id, email, name string
	// proved says that the address is theirs.
	proved bool
	role   policy.Role
}

// admit returns the user of somebody, whom it makes or brings up to date.
func (s *Service) admit(ctx context.Context, p *Provider, who claims) (*db.UserTable, error) {
	n, err := s.read(p, who)
	if err != nil {
		return nil, err
	}
	u, err := s.find(ctx, n)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return s.make(ctx, n)
	}
	if off(u.Metadata) {
		return nil, &apierr.Error{Status: http.StatusForbidden, Type: apierr.TypeAuth, NoneText: true, Message: "This user is deactivated."}
	}
	return s.update(ctx, n, u)
}

// read refuses who may not come in.
func (s *Service) read(p *Provider, who claims) (*newcomer, error) {
	n := &newcomer{id: who.text(p.IDClaim), email: who.text(p.EmailClaim), name: who.text(p.NameClaim)}
	if bounds.CheckID("id", n.id) != nil {
		return nil, refused("The identity provider does not say who this is: it sends no claim " + p.IDClaim + ".")
	}
	if bounds.CheckID("email", n.email) != nil || !strings.Contains(n.email, "@") {
		n.email = ""
	}
	if bounds.CheckText("name", n.name, bounds.Text) != nil {
		n.name = ""
	}
	proved := p.verifiedAddress(who)
	n.proved = proved != "" && proved == n.email
	if len(s.Domains) > 0 {
		_, domain, _ := strings.Cut(n.email, "@")
		if !n.proved || !slices.ContainsFunc(s.Domains, func(d string) bool { return strings.EqualFold(d, domain) }) {
			return nil, apierr.Forbidden("The e-mail address is not of a domain that may log in (ALLOWED_EMAIL_DOMAINS), or not verified.")
		}
	}
	for _, word := range who.words(p.RoleClaim) {
		if role := policy.Role(word); n.role == policy.NoRole && ofUsers(role) {
			n.role = role
		}
	}
	return n, nil
}

func ofUsers(r policy.Role) bool {
	return r == policy.ProxyAdmin || r == policy.ProxyAdminViewer || r == policy.InternalUser || r == policy.InternalUserViewer
}

// find looks a user up by the id at the provider, and by an address that is proved
// where nobody at a provider has it yet.
func (s *Service) find(ctx context.Context, n *newcomer) (*db.UserTable, error) {
	u, err := s.Store.UserBySSOID(ctx, s.Store.DB(), n.id)
	if err == nil {
		return &u, nil
	}
	if errors.Is(err, store.ErrNotFound) && n.proved {
		u, err = s.Store.UserByEmail(ctx, s.Store.DB(), n.email)
		if err == nil && (u.SsoUserID == nil || *u.SsoUserID == "") {
			return &u, nil
		}
	}
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is none
	}
	return nil, fmt.Errorf("read user: %w", err)
}

// make makes a user, with what the settings give to new ones.
func (s *Service) make(ctx context.Context, n *newcomer) (*db.UserTable, error) {
	role := n.role
	if role == policy.NoRole && !s.Users.GivesRole() {
		role = policy.InternalUserViewer // as LiteLLM does for whoever comes by themselves
	}
	if s.isAdmin(n.id, n.id) {
		role = policy.ProxyAdmin
	}
	r := &user.Request{UserID: sent(n.id), SSOUserID: sent(n.id), AutoCreateKey: sent(false)}
	if role != policy.NoRole {
		r.UserRole = sent(string(role))
	}
	if n.email != "" && n.proved {
		r.UserEmail = sent(n.email)
	}
	if n.name != "" {
		r.UserAlias = sent(n.name)
	}
	_, err := s.Users.New(ctx, self(n.id), r)
	if e, ok := errors.AsType[*apierr.Error](err); ok && e.Status == http.StatusConflict {
		if u, again := s.find(ctx, n); again != nil || u != nil { // somebody was faster: the same person
			return u, again
		}
		return nil, apierr.Forbidden("There is a user with this id or address already, who does not belong to this login. An admin can set sso_user_id.")
	}
	if err != nil {
		return nil, fmt.Errorf("make user: %w", err)
	}
	u, err := s.Store.UserByID(ctx, s.Store.DB(), n.id)
	if err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}
	return &u, nil
}

func sent[T any](value T) field.Of[T] { return field.Of[T]{Sent: true, Value: value} }

// self is who the audit trail says it was: the user, by their login.
func self(id string) caller.Caller { return caller.Caller{Master: true, ChangedBy: id} }

func (s *Service) isAdmin(userID, ssoID string) bool {
	return s.AdminID != "" && (userID == s.AdminID || ssoID == s.AdminID)
}

// update ties a user to the id at the provider, and gives them the role that the
// provider or the settings say.
func (s *Service) update(ctx context.Context, n *newcomer, u *db.UserTable) (*db.UserTable, error) {
	role := n.role
	if s.isAdmin(u.UserID, n.id) {
		role = policy.ProxyAdmin
	}
	tied := u.SsoUserID != nil && *u.SsoUserID == n.id
	if tied && (role == policy.NoRole || u.UserRole != nil && *u.UserRole == string(role)) {
		return u, nil
	}
	var after db.UserTable
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		before, err := s.Store.UserForUpdate(ctx, tx, u.UserID)
		if err != nil {
			return fmt.Errorf("read user: %w", err)
		}
		first := before.SsoUserID == nil || *before.SsoUserID == ""
		p := db.UserSetLoginParams{UserID: u.UserID, SsoUserID: &n.id, UserRole: before.UserRole, First: first}
		if role != policy.NoRole {
			p.UserRole = new(string(role))
		}
		if after, err = s.Store.UserSetLogin(ctx, tx, p); err != nil {
			return fmt.Errorf("write user: %w", err)
		}
		if first {
			if err := s.takeOver(ctx, tx, &before); err != nil {
				return err
			}
		}
		err = tx.AuditedChange(ctx, &audit.Entry{
			Actor: self(u.UserID).Actor(), Action: audit.Updated, Table: audit.Users, ObjectID: u.UserID, Before: person.Show(before), After: person.Show(after),
		})
		if err != nil {
			return err
		}
		return tx.Changed(ctx, store.KindUser, u.UserID)
	})
	return &after, err
}

// takeOver ends what others may know of a user who comes with an id at a provider
// for the first time. Until now it was an admin, of an organisation perhaps, who
// said whose address it is: sessions end, invitations are void, and keys call
// models but manage nothing until the user gives them a new text. Proxy admins
// were made by their like, so their keys go on.
func (s *Service) takeOver(ctx context.Context, tx *store.Tx, u *db.UserTable) error {
	actor := self(u.UserID).Actor()
	if err := s.Sessions.EndAll(ctx, tx, actor, u.UserID, ""); err != nil {
		return err
	}
	links, err := s.Store.InvitationsOfUsersDelete(ctx, tx, []string{u.UserID})
	if err != nil {
		return fmt.Errorf("delete invitations: %w", err)
	}
	for i := range links {
		if err := tx.Audited(ctx, invitation.Gone(actor, &links[i])); err != nil {
			return err
		}
	}
	if u.UserRole != nil && policy.RoleOf(*u.UserRole) == policy.ProxyAdmin {
		return nil
	}
	keys, err := s.Store.KeysDelegate(ctx, tx, u.UserID)
	if err != nil {
		return fmt.Errorf("note who knows keys: %w", err)
	}
	return tx.ChangedAll(ctx, store.KindKey, keys)
}

// off reads what SCIM keeps in a user's metadata, by LiteLLM's name.
func off(metadata json.RawMessage) bool {
	var meta struct {
		Active *bool `json:"scim_active"`
	}
	return json.Unmarshal(metadata, &meta) == nil && meta.Active != nil && !*meta.Active
}
