// Package caller says who makes a management call. What they may do is decided
// by package policy, which it feeds with what the database says.
package caller

import (
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// AdminUserID is the user id under which the master key acts.
const AdminUserID = "default_user_id"

// Caller is the identity behind a management call.
type Caller struct {
	// Master says that it is made with the master key.
	Master  bool
	KeyHash string
	UserID  string
	TeamID  string
	// Role is the user's, and Email the address by which teams may name them.
	Role  policy.Role
	Email string
	// Orgs are the organisations that the user is in.
	Orgs []policy.Membership
	// Permissions are those of the key.
	Permissions []string
	// Provisions says that it is the key of an identity provider.
	Provisions bool
	// ChangedBy is whom the caller says that it acts for, by the header
	// litellm-changed-by.
	ChangedBy string
}

// getSpend is the permission of keys that may see what everybody spends.
const getSpend = "get_spend_routes"

// May returns what the caller may do.
func (c Caller) May() *policy.Caller {
	return &policy.Caller{
		Master: c.Master, Role: c.Role, KeyHash: c.KeyHash, TeamID: c.TeamID, UserID: c.UserID, Orgs: c.Orgs,
		Spender: slices.Contains(c.Permissions, getSpend), Provisioner: c.Provisions,
	}
}

// Actor is who the audit trail says it was.
func (c Caller) Actor() audit.Actor {
	a := audit.Actor{ID: c.ChangedBy, KeyHash: c.KeyHash}
	if id := c.ID(); a.ID == "" && id != nil {
		a.ID = *id
	}
	return a
}

// ID is what "created_by" records.
func (c Caller) ID() *string {
	switch {
	case c.Master:
		id := AdminUserID
		return &id
	case c.UserID != "":
		return &c.UserID
	default:
		return nil
	}
}
