package policy

import (
	"net/http"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Key is a key as far as it matters to who may do what with it.
type Key struct {
	Hash   string
	UserID string // "" for nobody's
	OrgID  string
	// Team is nil when the key has none, or one that nobody has made.
	Team *Team
	// Given says that its user may not make keys without a team: somebody else
	// has decided what this one may do.
	Given bool
}

// Scope is how much of a key a caller may change.
type Scope uint8

// The scopes.
const (
	// Nothing: the key is not theirs.
	Nothing Scope = iota
	// Name is what does not change what the key may do or cost.
	Name
	// Managed is what the key may do and cost.
	Managed
)

// owns reports whether the key is the caller's: it is the key itself, or
// belongs to the same user.
func (c *Caller) owns(k *Key) bool {
	return c.KeyHash != "" && c.KeyHash == k.Hash || c.is(k.UserID)
}

// rules reports whether the caller is an admin of all that the key belongs to.
func (c *Caller) rules(k *Key) bool {
	return c.Admin() || c.leads(k.Team) || c.Administers(k.OrgID)
}

// SeesKey reports whether the caller may see a key.
func (c *Caller) SeesKey(k *Key) bool {
	return c.Sees() || c.owns(k) || c.rules(k) || k.Team != nil && k.Team.Role != NotInTeam
}

// SeeKey refuses to show a key.
func (c *Caller) SeeKey(k *Key) error {
	if c.SeesKey(k) {
		return nil
	}
	return c.HiddenKey()
}

// HiddenKey refuses to show a key, or to say whether there is one.
func (c *Caller) HiddenKey() error {
	return apierr.Forbidden("You are not allowed to access this key's info. Your role=%s", c.role())
}

// ChangeKey says how much of a key the caller may change by a route. A key of a
// team is managed by whom the team lets call the route; one that is of a user
// alone, by that user where they may make such keys.
func (c *Caller) ChangeKey(k *Key, path string) Scope {
	switch {
	case c.rules(k):
		return Managed
	case k.Team != nil && k.Team.Role == TeamMember && k.Team.permits(path):
		return Managed
	case k.Team == nil && !k.Given && c.Role == InternalUser && c.is(k.UserID):
		return Managed
	case c.owns(k):
		return Name
	}
	return Nothing
}

// UpdateKey refuses to change a key. wanted is what the change needs; verb says
// what is done.
func (c *Caller) UpdateKey(k *Key, wanted Scope, verb, path string) error {
	if wanted <= c.ChangeKey(k, path) && wanted != Nothing {
		return nil
	}
	if k.Team != nil && k.Team.Role == TeamMember && wanted <= Managed && !k.Team.permits(path) {
		return k.Team.lacks(path)
	}
	return apierr.Forbidden("You are not authorized to %s this key", verb)
}

// DropKey refuses to delete a key, or to give it a new text: its owner may do
// both.
func (c *Caller) DropKey(k *Key, verb, path string) error {
	return c.UpdateKey(k, Name, verb, path)
}

// BlockKey refuses to block or unblock a key: its owner may not undo what an
// admin has done.
func (c *Caller) BlockKey(k *Key, verb, path string) error {
	if k.Team == nil && !c.rules(k) {
		return apierr.Forbidden("You are not authorized to %s this key", verb)
	}
	return c.UpdateKey(k, Managed, verb, path)
}

// ResetSpend refuses to say that a key has spent something else.
func (c *Caller) ResetSpend(k *Key) error {
	if c.rules(k) {
		return nil
	}
	return apierr.Forbidden("You must be a proxy admin or team admin to reset key spend")
}

// GiveKey refuses to give a key to another user, or to nobody.
func (c *Caller) GiveKey(userID *string) error {
	switch {
	case c.Admin():
		return nil
	case userID == nil || *userID == "":
		return apierr.Forbidden("Non-admin users cannot remove the user_id from a key.")
	}
	return c.themselves(*userID)
}

// MoveKey refuses to book a key on another team or organisation, which to names.
func (c *Caller) MoveKey(to *NewKey, path string) error {
	if c.Admin() {
		return nil
	}
	if err := c.keyOfOrg(to); err != nil || to.TeamID == "" {
		return err
	}
	if to.Team == nil {
		return bad("Team not found for team_id=%.128s. Non-admin users cannot set keys to non-existent teams.", to.TeamID)
	}
	switch t := to.Team; {
	case to.UserID != "" && !to.Assigned:
		return apierr.Forbidden("User=%s is not a member of the team=%s. Check team members via `/team/info`.", to.UserID, t.ID)
	case c.leads(t) || t.Role == TeamMember && t.permits(path):
		return nil
	default:
		return apierr.Forbidden("User=%s is not a Proxy Admin or Team Admin for team=%s. "+
			"Please ask your Proxy Admin to allow this action under 'Member Permissions' for this team.", c.UserID, t.ID)
	}
}

// Permit refuses to give a key permissions that reach beyond its owner.
func (c *Caller) Permit() error {
	if c.Admin() {
		return nil
	}
	return apierr.Forbidden("Only proxy admins can set the permissions of a key.")
}

// Listing is whose keys a list is asked for: those of all three, where they are
// given.
type Listing struct {
	UserID *string
	Team   *Team
	OrgID  *string
}

// ListKeys refuses a list of keys that are not the caller's.
func (c *Caller) ListKeys(l *Listing) error {
	if c.Sees() || l.OrgID != nil && c.Administers(*l.OrgID) {
		return nil
	}
	var whose string
	switch {
	case l.OrgID != nil:
		whose = "this organization's"
	case l.Team != nil && !c.leads(l.Team) && (l.Team.Role != TeamMember || !l.Team.permits("/team/key/list") && !l.Team.permits("/key/list")):
		whose = "this team's"
	case l.UserID != nil && !c.is(*l.UserID) && l.Team == nil:
		whose = "another user's"
	default:
		return nil
	}
	return &apierr.Error{
		Status: http.StatusForbidden, Type: apierr.TypeBadRequest, NoneText: true, Message: "You are not authorized to check " + whose + " keys",
	}
}
