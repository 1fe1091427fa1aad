package policy

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Roles of a user in a team, and that of those who are not in it.
const (
	TeamAdmin  = "admin"
	TeamMember = "user"
	NotInTeam  = ""
)

// Team is a team, and what the caller is in it.
type Team struct {
	ID, OrgID string
	// Role is the caller's.
	Role string
	// Permissions are the routes that the team opens to its members.
	Permissions []string
}

// MemberPermissions are what members may do; LiteLLM's where the team does not say.
func (t *Team) MemberPermissions() []string {
	if len(t.Permissions) == 0 {
		return []string{"/key/info", "/key/health"}
	}
	return t.Permissions
}

// permits reports whether members may call a route. A permission with a
// parameter, as /key/{key_id}/regenerate, is one for the route without it.
func (t *Team) permits(path string) bool {
	return slices.ContainsFunc(t.MemberPermissions(), func(item string) bool {
		if before, after, ok := strings.Cut(item, "/{"); ok {
			_, after, _ = strings.Cut(after, "}")
			item = before + after
		}
		return item == path
	})
}

// SeesTeam reports whether the caller may see a team.
func (c *Caller) SeesTeam(t *Team) bool {
	return c.Sees() || c.TeamID != "" && c.TeamID == t.ID || t.Role != NotInTeam || c.Administers(t.OrgID)
}

// SeeTeam refuses to show a team.
func (c *Caller) SeeTeam(t *Team) error {
	if c.SeesTeam(t) {
		return nil
	}
	return apierr.Forbidden("User=%s not authorized to access this team=%s", c.UserID, t.ID)
}

// ListTeams refuses a list of teams that are not the caller's: of userID, where
// it is given, and of organisation orgID.
func (c *Caller) ListTeams(userID, orgID *string) error {
	if c.Sees() || userID != nil && c.is(*userID) || orgID != nil && c.Administers(*orgID) {
		return nil
	}
	return &apierr.Error{
		Status: http.StatusUnauthorized, Type: apierr.TypeAuth, NoneText: true,
		Message: "Only admin users can query all teams/other teams. Your user role=" + c.role().String(),
	}
}

// leads reports whether the caller is an admin of the team, or of its
// organisation.
func (c *Caller) leads(t *Team) bool {
	return t != nil && (t.Role == TeamAdmin || c.Administers(t.OrgID))
}

// SeesTeamActivity reports whether the caller may see what everybody in a team
// calls and spends: its admins may, and members whom the team lets.
func (c *Caller) SeesTeamActivity(t *Team) bool {
	return c.SeesSpend() || c.leads(t) || t.Role == TeamMember && t.permits("/team/daily/activity")
}

// JoinTeam reports whether the caller may join a team by themselves, which the
// settings leave open: as a plain member, and nobody else.
func (c *Caller) JoinTeam(userID *string, role string, open bool) bool {
	return open && role == TeamMember && userID != nil && c.is(*userID)
}

// SeeTeamPermissions refuses to show what members of a team may do to others
// than its admins.
func (c *Caller) SeeTeamPermissions(t *Team, path string) error {
	if c.Sees() {
		return nil
	}
	return c.ManageTeam(t, path)
}

// ManageTeam refuses to change a team's members, or what its admins may change
// of it.
func (c *Caller) ManageTeam(t *Team, path string) error {
	if c.Admin() || c.leads(t) {
		return nil
	}
	return apierr.Detail(http.StatusForbidden, "Call not allowed. User not proxy admin OR team admin. route=%s, team_id=%s", path, t.ID)
}

// GovernTeam refuses to change what a team may do or cost, which its own admins
// may not.
func (c *Caller) GovernTeam(t *Team, path string) error {
	if c.Admin() || c.Administers(t.OrgID) {
		return nil
	}
	if t.Role == TeamAdmin {
		return apierr.Detail(http.StatusForbidden, "Team admins can not change what their team may do or cost. route=%s, team_id=%s", path, t.ID)
	}
	return c.ManageTeam(t, path)
}

// ManageOrg refuses to change who or what is in an organisation; "" is none.
func (c *Caller) ManageOrg(orgID, path string) error {
	if c.Admin() || c.Administers(orgID) {
		return nil
	}
	return c.AdminsOnly(path)
}

// SeeOrg refuses to show an organisation.
func (c *Caller) SeeOrg(orgID, path string) error {
	if c.Sees() {
		return nil
	}
	return c.ManageOrg(orgID, path)
}

// SeeUser refuses to show a user.
func (c *Caller) SeeUser(userID string) error {
	if c.Sees() || c.is(userID) {
		return nil
	}
	return apierr.Forbidden("key not allowed to access this user's info. user_id=%s, key's user_id=%s", userID, c.UserID)
}

// NewUser refuses to make a user. Whoever is not an admin makes them for their
// organisations, and makes no admins.
func (c *Caller) NewUser(role Role, orgs []string, path string) error {
	switch {
	case c.Admin():
		return nil
	case role == ProxyAdmin || role == ProxyAdminViewer:
		return apierr.Forbidden("Only proxy admins can create administrative users. Attempted to create user with role: %s. Your role: %s", role, c.role())
	case len(orgs) > 0 && !slices.ContainsFunc(orgs, func(id string) bool { return !c.Administers(id) }):
		return nil
	}
	return c.AdminsOnly(path)
}

// UpdateUser refuses to change a user. Everybody may change who they are called
// and how they log in; members are those that the request has.
func (c *Caller) UpdateUser(userID string, members []string, path string) error {
	if c.Admin() {
		return nil
	}
	if !c.is(userID) {
		if c.Role == ProxyAdminViewer {
			return viewerWrites(c.Role, path)
		}
		return c.AdminsOnly(path)
	}
	for _, m := range members {
		switch {
		case m == "user_id" || m == "user_email" || m == "password" || m == "user_alias" && c.Role != ProxyAdminViewer:
		case m == "user_role":
			return apierr.Forbidden("Only proxy admins can modify user roles.")
		default:
			return apierr.Forbidden("user not allowed to access this route, role= %s. Trying to access: %s and updating invalid param: %.64s. "+
				"only user_email and password can be updated", c.Role, short(path), m)
		}
	}
	return nil
}
