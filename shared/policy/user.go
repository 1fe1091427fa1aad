package policy

import (
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// User is a user as far as it matters to who may do what with them.
type User struct {
	ID   string
	Role Role
	// Orgs are the organisations that they are in, and those of their teams: "" is
	// of a team without one.
	Orgs []string
}

// governs reports whether the caller is an admin of all that a user is in, and
// the user none of the whole installation.
func (c *Caller) governs(u *User) bool {
	if c.Admin() {
		return true
	}
	return u.Role != ProxyAdmin && u.Role != ProxyAdminViewer && len(u.Orgs) > 0 &&
		!slices.ContainsFunc(u.Orgs, func(org string) bool { return !c.Administers(org) })
}

// DeleteUser refuses to delete a user.
func (c *Caller) DeleteUser(u *User, path string) error {
	if c.governs(u) {
		return nil
	}
	return c.AdminsOnly(path)
}

// Invite refuses to invite a user, or to change an invitation: whoever has one
// sets the user's password.
func (c *Caller) Invite(u *User) error {
	if c.governs(u) {
		return nil
	}
	return c.invitesNobody()
}

// MayInvite refuses invitations to whoever could invite nobody at all.
func (c *Caller) MayInvite() error {
	if c.Admin() || c.orgAdmin() {
		return nil
	}
	return c.invitesNobody()
}

// SeeInvitation refuses to show an invitation of a user.
func (c *Caller) SeeInvitation(u *User) error {
	if c.Sees() || c.governs(u) {
		return nil
	}
	return c.invitesNobody()
}

func (c *Caller) invitesNobody() error {
	return apierr.Detail(http.StatusBadRequest, "Admin-only endpoint. Not allowed to access this., your role=%s", c.role())
}

// ListUsers refuses a list of users: of everybody, or of organisations. It
// returns the organisations to which the caller is confined, nil for none.
func (c *Caller) ListUsers(orgs []string) ([]string, error) {
	if c.Sees() {
		return orgs, nil
	}
	if !c.orgAdmin() {
		return nil, apierr.Forbidden("Only proxy admins and organization admins can list users. Your role=%s", c.role())
	}
	if len(orgs) == 0 {
		return c.Administered(), nil
	}
	for _, org := range orgs {
		if !c.Administers(org) {
			return nil, apierr.Forbidden("You are not an admin of organization_id=%.128s", org)
		}
	}
	return orgs, nil
}

// Administered are the organisations that the caller is an admin of.
func (c *Caller) Administered() []string {
	orgs := []string{}
	for _, m := range c.Orgs {
		if m.Admin {
			orgs = append(orgs, m.OrgID)
		}
	}
	return orgs
}
