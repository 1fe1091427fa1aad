// Package policy says what callers may do, for both planes: which routes their
// role opens (Gate), which ones their key is narrowed to (Routes), and what they
// may do with an object once its owners are known (the methods of Caller that
// take a Key or a Team).
//
// It decides, and words the refusals as LiteLLM does; it looks nothing up. It
// does not know models: those are package access's. It owns no goroutine.
package policy

import (
	"slices"

	"github.com/tianjillm/tianjillm/shared/route"
)

// Role is what a user is in the whole installation.
type Role string

// The roles, by LiteLLM's names. A key without a user has none.
const (
	NoRole             Role = ""
	ProxyAdmin         Role = "proxy_admin"
	ProxyAdminViewer   Role = "proxy_admin_viewer"
	InternalUser       Role = "internal_user"
	InternalUserViewer Role = "internal_user_viewer"
	TeamToken          Role = "team"
	Customer           Role = "customer"
)

// Roles returns all of them, the strongest first.
func Roles() []Role {
	return []Role{ProxyAdmin, ProxyAdminViewer, InternalUser, InternalUserViewer, NoRole, TeamToken, Customer}
}

// RoleOf reads the role of a user. One that is not known, such as that of a user
// whom another program stored, is internal_user.
func RoleOf(stored string) Role {
	if r := Role(stored); stored != "" && slices.Contains(Roles(), r) {
		return r
	}
	return InternalUser
}

// String is the role's name in messages.
func (r Role) String() string {
	if r == NoRole {
		return "unknown"
	}
	return string(r)
}

// MayCall reports whether the role may call models: viewers may not.
func (r Role) MayCall() bool { return cells[r][route.LLM] != none }

// Membership is an organisation that a user is in.
type Membership struct {
	OrgID string
	Admin bool
}

// Caller is who makes a call, as far as it matters to what they may do.
type Caller struct {
	// Master says that the call is made with the master key, which may do
	// everything.
	Master bool
	Role   Role
	// KeyHash and TeamID are the key's.
	KeyHash, TeamID string
	UserID          string
	Orgs            []Membership
	// Spender says that the key has the permission get_spend_routes.
	Spender bool
	// Provisioner says that the key is one of an identity provider: it is narrowed
	// to routes of that kind (Provisions).
	Provisioner bool
}

// Admin reports whether the caller may change everything.
func (c *Caller) Admin() bool { return c.Master || c.Role == ProxyAdmin }

// Sees reports whether the caller may see everything.
func (c *Caller) Sees() bool { return c.Admin() || c.Role == ProxyAdminViewer }

// SeesSpend reports whether the caller may see what everybody spends.
func (c *Caller) SeesSpend() bool { return c.Sees() || c.Spender }

// Administers reports whether the caller is an admin of an organisation.
func (c *Caller) Administers(org string) bool {
	return org != "" && slices.Contains(c.Orgs, Membership{org, true})
}

// InOrg reports whether the caller is in an organisation.
func (c *Caller) InOrg(org string) bool {
	return org != "" && slices.ContainsFunc(c.Orgs, func(m Membership) bool { return m.OrgID == org })
}

func (c *Caller) orgAdmin() bool {
	return slices.ContainsFunc(c.Orgs, func(m Membership) bool { return m.Admin })
}

func (c *Caller) is(user string) bool { return c.UserID != "" && c.UserID == user }
