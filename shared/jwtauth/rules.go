package jwtauth

import (
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// maxTeams bounds the teams of one token.
const maxTeams = 64

// Subject is whom a token is for.
type Subject struct {
	// Admin says that the token is a proxy admin's by its scope or role; such a
	// token is for nobody else.
	Admin bool
	// Role is the one that the token gives, or none.
	Role           policy.Role
	UserID, Email  string
	OrgID, EndUser string
	Teams          []string // the preferred one first
	TeamAlias      string
	Models, Routes []string // what scopes narrow it to; nil is nothing
	KeyClaim       string   // leads to a virtual key
	// Refusal is why the token is refused where its KeyClaim leads to no key.
	Refusal                 error
	userStrict, teamsStrict bool
}

// NeedsUser reports whether the token is refused when its user is unknown.
func (s *Subject) NeedsUser() bool { return s.UserID != "" && s.userStrict }

// NeedsTeam is the same for its teams: one of them must be known.
func (s *Subject) NeedsTeam() bool { return len(s.Teams) > 0 && s.teamsStrict }

// rules are the settings, prepared.
type rules struct {
	*contract.JWTSettings

	scope, user, email, team, teams, alias, org, endUser, userRoles, roles, object, key path
}

func newRules(s *contract.JWTSettings) rules {
	return rules{
		JWTSettings: s, scope: newPath("scope"), user: newPath(s.UserClaim), email: newPath(s.EmailClaim), team: newPath(s.TeamClaim),
		teams: newPath(s.TeamsClaim), alias: newPath(s.TeamAliasClaim), org: newPath(s.OrgClaim), endUser: newPath(s.EndUserClaim),
		userRoles: newPath(s.UserRolesClaim), roles: newPath(s.RolesClaim), object: newPath(s.ObjectClaim), key: newPath(s.KeyClaim),
	}
}

// Subject reads whom a token is for. What the settings do not let in is an
// apierr.Error.
func (a *Authority) Subject(c Claims) (Subject, error) { return a.rules.subject(c) }

func (r *rules) subject(c Claims) (Subject, error) {
	scopes, email := c.list(r.scope, true), c.text(r.email)
	if c["email_verified"] == false {
		email = "" // an address that nobody has proved is nobody's
	}
	if r.AdminScope != "" && slices.Contains(scopes, r.AdminScope) {
		return Subject{Admin: true, Role: policy.ProxyAdmin, UserID: c.text(r.user), Email: email}, nil
	}
	s := Subject{
		UserID: c.text(r.user), Email: email, OrgID: c.text(r.org), EndUser: c.text(r.endUser), TeamAlias: c.text(r.alias),
		KeyClaim: c.text(r.key), userStrict: r.NeedUser, teamsStrict: r.NeedTeam,
	}
	if s.Teams = r.teamsOf(c); len(s.Teams) == 0 && s.TeamAlias == "" && r.DefaultTeam != "" {
		s.Teams, s.teamsStrict = []string{r.DefaultTeam}, true
	}
	mapped := r.role(c, &s)
	if s.Admin {
		return s, nil
	}
	err := r.admit(c, &s, scopes, mapped)
	if s.KeyClaim != "" {
		s.Refusal, err = err, nil // a key decides for itself
	}
	return s, err
}

// teamsOf are the teams that a token names.
func (r *rules) teamsOf(c Claims) []string {
	all := c.list(r.teams, false)
	if one := c.text(r.team); one != "" {
		all = slices.Insert(all, 0, one)
	}
	var unique []string
	for _, id := range all {
		if !slices.Contains(unique, id) && len(unique) < maxTeams {
			unique = append(unique, id)
		}
	}
	return unique
}

// role reads the role that a token gives, and for whom it does. It reports
// whether there is one.
func (r *rules) role(c Claims, s *Subject) bool {
	claimed := c.list(r.roles, true)
	if entire := c.list(r.roles, false); len(entire) == 1 {
		claimed = append(claimed, entire[0]) // the name of a role may have spaces in it
	}
	for _, m := range r.UserRoleMap {
		if slices.Contains(claimed, m.Claimed) {
			s.Role = policy.RoleOf(m.Role)
			break
		}
	}
	for _, m := range r.Roles {
		if !slices.Contains(claimed, m.Claimed) {
			continue
		}
		object := c.text(r.object)
		switch role := policy.RoleOf(m.Role); role {
		case policy.ProxyAdmin:
			s.Admin, s.Role = true, role
		case policy.TeamToken:
			if object != "" {
				s.UserID, s.Teams, s.teamsStrict = "", []string{object}, true
			}
		case policy.ProxyAdminViewer, policy.InternalUser, policy.InternalUserViewer, policy.NoRole, policy.Customer:
			if object != "" {
				s.UserID, s.userStrict = object, true
			}
			if role != policy.InternalUser && s.Role == policy.NoRole {
				s.Role = role
			}
		}
		return true
	}
	return false
}

// admit refuses what the settings do not let in.
func (r *rules) admit(c Claims, s *Subject, scopes []string, mapped bool) error {
	teamed := s.NeedsTeam() || s.TeamAlias != ""
	if r.EmailDomain != "" && !inDomain(s.Email, r.EmailDomain) {
		return apierr.Forbidden("User email domain is not allowed. Allowed domain=%s", r.EmailDomain)
	}
	allowed := len(r.UserRoles) > 0 && slices.ContainsFunc(c.list(r.userRoles, true), func(role string) bool { return slices.Contains(r.UserRoles, role) })
	switch {
	case r.EnforceRoles && !teamed && !mapped && !allowed:
		return apierr.Forbidden("Unmatched token passed in. enforce_rbac is set to True. Token must belong to a proxy admin, team, or user.")
	case len(r.UserRoles) > 0 && !allowed && !mapped && !teamed:
		return apierr.Forbidden("User role is not allowed: the token has none of user_allowed_roles.")
	case r.EnforceTeams && !teamed:
		return apierr.Forbidden("No teams found in token. `enforce_team_based_model_access` is set to True. Token must belong to a team.")
	case r.NeedTeam && !teamed && !mapped && r.TeamClaim != "" && r.TeamsClaim == "":
		return apierr.Auth("No team id passed in. Field checked in jwt token - '" + r.TeamClaim + "'")
	case r.NeedUser && s.UserID == "" && !teamed:
		return apierr.Auth("No user id passed in. Field checked in jwt token - '" + r.UserClaim + "'")
	}
	if r.EnforceScopes {
		return r.narrow(s, scopes)
	}
	return nil
}

// narrow keeps a token to what its scopes open.
func (r *rules) narrow(s *Subject, scopes []string) error {
	found, everyModel, everyRoute := false, false, false
	for i := range r.Scopes {
		m := &r.Scopes[i]
		if !slices.Contains(scopes, m.Scope) {
			continue
		}
		found = true
		s.Models, s.Routes = append(s.Models, m.Models...), append(s.Routes, m.Routes...)
		everyModel, everyRoute = everyModel || len(m.Models) == 0, everyRoute || len(m.Routes) == 0
	}
	if !found {
		return apierr.Forbidden("The token has none of the scopes of scope_mappings, and enforce_scope_based_access is set to True.")
	}
	if everyModel {
		s.Models = nil
	}
	if everyRoute {
		s.Routes = nil
	}
	return nil
}

func inDomain(email, domain string) bool {
	_, own, ok := strings.Cut(email, "@")
	return ok && strings.EqualFold(own, strings.TrimPrefix(domain, "@"))
}
