package caller

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Of returns the caller who has a key.
func Of(row *db.CallerByTokenRow) Caller {
	k := &row.VerificationToken
	c := Caller{KeyHash: k.Token, TeamID: text(k.TeamID), Permissions: granted(k.Permissions), Provisions: policy.Provisions(k.AllowedRoutes)}
	if k.Delegated { // whoever has it need not be its user
		return c
	}
	c.UserID, c.Email = text(k.UserID), row.UserEmail
	if row.UserKnown {
		c.Role = policy.RoleOf(row.UserRole)
	}
	for _, id := range row.Administers {
		c.Orgs = append(c.Orgs, policy.Membership{OrgID: id, Admin: true})
	}
	for _, id := range row.Joined {
		c.Orgs = append(c.Orgs, policy.Membership{OrgID: id})
	}
	return c
}

// granted are the permissions of a key that are not refused in it.
func granted(raw json.RawMessage) []string {
	var all map[string]any
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	var names []string
	for name, value := range all {
		if value != false && value != nil {
			names = append(names, name)
		}
	}
	return names
}

// In is what the caller is in a team.
func (c Caller) In(t *db.TeamTable) *policy.Team {
	return &policy.Team{ID: t.TeamID, OrgID: text(t.OrganizationID), Role: roleIn(t, c.UserID, c.Email), Permissions: t.TeamMemberPermissions}
}

// Assigned reports whether a user is in a team.
func Assigned(t *db.TeamTable, userID string) bool { return roleIn(t, userID, "") != policy.NotInTeam }

// roleIn reads the role of a user. Teams that come from LiteLLM may name their
// members by address alone.
func roleIn(t *db.TeamTable, userID, email string) string {
	var members []struct {
		UserID *string `json:"user_id"`
		Email  *string `json:"user_email"`
		Role   string  `json:"role"`
	}
	if json.Unmarshal(t.MembersWithRoles, &members) != nil { // LiteLLM's default is an empty object
		return policy.NotInTeam
	}
	for _, m := range members {
		if m.UserID != nil && userID != "" && *m.UserID == userID || m.UserID == nil && m.Email != nil && email != "" && *m.Email == email {
			if m.Role == policy.TeamAdmin {
				return policy.TeamAdmin
			}
			return policy.TeamMember
		}
	}
	return policy.NotInTeam
}

// Key is a key of a team, or of none, for package policy.
func Key(row *db.VerificationToken, team *policy.Team) *policy.Key {
	return &policy.Key{Hash: row.Token, UserID: text(row.UserID), OrgID: text(row.OrganizationID), Team: team}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
