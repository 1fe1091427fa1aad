// Package caller says who makes a management call and what they may do.
package caller

import (
	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// AdminUserID is the user id under which the master key acts.
const AdminUserID = "default_user_id"

// Caller is the identity behind a management call.
type Caller struct {
	Master  bool
	KeyHash string
	UserID  string
	TeamID  string
	// ChangedBy is whom the caller says that it acts for, by the header
	// litellm-changed-by.
	ChangedBy string
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

// Owns reports whether the caller owns a key: it is the key itself, or
// belongs to the same user.
func (c Caller) Owns(token string, userID *string) bool {
	return c.KeyHash == token || c.UserID != "" && userID != nil && *userID == c.UserID
}

// Role is the name of the caller's role in messages.
func (c Caller) Role() string {
	if c.Master {
		return "proxy_admin"
	}
	return "internal_user"
}

// RequireMaster refuses everybody but the master key, in LiteLLM's words.
func (c Caller) RequireMaster(route string) error {
	if c.Master {
		return nil
	}
	return apierr.Auth("Only proxy admin can be used to generate, delete, update info for new keys/users/teams. Route=" + route +
		". Your role=" + c.Role() + ". Your user_id=" + ident.Mask(c.UserID))
}
