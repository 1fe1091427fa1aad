package policy

import (
	"slices"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// NewKey is a key that somebody wants to be made.
type NewKey struct {
	// UserID is whose it is to be, "" for nobody's.
	UserID string
	OrgID  string
	// TeamID is the team that is asked for, and Team that team, nil when there is
	// none. Assigned says that the user is in it.
	TeamID   string
	Team     *Team
	Assigned bool
	// Sent reports whether the request has a parameter.
	Sent func(param string) bool
}

// Generation is what the settings say about new keys.
type Generation struct {
	Team     TeamKeys
	Personal PersonalKeys
	// Configured says that key_generation_settings are there at all.
	Configured bool
}

// TeamKeys are the rules for keys of teams.
type TeamKeys struct {
	// Roles are the roles in the team that may make keys; nil is every one.
	Roles    []string
	Required []string
}

// PersonalKeys are the rules for keys without a team.
type PersonalKeys struct {
	// Roles are who may make them; nil is everybody.
	Roles    []string
	Required []string
}

// Allows reports whether a role may make keys without a team.
func (p *PersonalKeys) Allows(r Role) bool {
	return p.Roles == nil || slices.Contains(p.Roles, string(r))
}

// GenerateKey refuses to make a key.
func (c *Caller) GenerateKey(k *NewKey, g *Generation, path string) error {
	switch {
	case c.Admin():
		if k.TeamID != "" && k.Team == nil && g.Configured {
			return bad("Unable to find team object in database. Team ID: %.128s", k.TeamID)
		}
		return nil
	case c.Role == NoRole || c.UserID == "":
		return c.AdminsOnly(path)
	}
	if err := c.keyOfOrg(k); err != nil {
		return err
	}
	if k.TeamID != "" {
		return c.teamKey(k, &g.Team, path)
	}
	return c.personalKey(k, &g.Personal)
}

// keyOfOrg refuses to book on an organisation that the caller is not in.
func (c *Caller) keyOfOrg(k *NewKey) error {
	if k.OrgID == "" || c.InOrg(k.OrgID) || k.Team != nil && k.Team.OrgID == k.OrgID && k.Team.Role != NotInTeam {
		return nil
	}
	return apierr.Forbidden("Caller is not a member of organization_id=%.128s", k.OrgID)
}

func (c *Caller) teamKey(k *NewKey, rules *TeamKeys, path string) error {
	t := k.Team
	if t == nil {
		return bad("Team not found for team_id=%.128s. Non-admin users cannot create keys for non-existent teams.", k.TeamID)
	}
	others := k.UserID != "" && !c.is(k.UserID)
	if others && c.leads(t) && !k.Assigned {
		return bad("User=%.128s not assigned to team=%s", k.UserID, t.ID)
	}
	switch {
	case c.Administers(t.OrgID):
	case t.Role == NotInTeam:
		return bad("User=%s not assigned to team=%s", c.UserID, t.ID)
	case rules.Roles != nil && !slices.Contains(rules.Roles, t.Role):
		return bad("Team member role %s not in allowed_team_member_roles=%s", t.Role, quoted(rules.Roles))
	case t.Role == TeamMember && !t.permits(path):
		return t.lacks(path)
	}
	if others && !c.leads(t) {
		return c.themselves(k.UserID)
	}
	return required(k, rules.Required)
}

func (c *Caller) personalKey(k *NewKey, rules *PersonalKeys) error {
	if k.UserID != "" && !c.is(k.UserID) {
		return c.themselves(k.UserID)
	}
	if !rules.Allows(c.Role) {
		return bad("Personal key creation has been restricted by admin. Allowed roles=%s. Your role=%s", quoted(rules.Roles), c.Role)
	}
	return required(k, rules.Required)
}

func (c *Caller) themselves(userID string) error {
	return apierr.Forbidden("User can only create keys for themselves. Got user_id=%.128s, Your ID=%s", userID, c.UserID)
}

func required(k *NewKey, params []string) error {
	for _, p := range params {
		if !k.Sent(p) {
			return bad("Required param %s not in data", p)
		}
	}
	return nil
}
