package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// callers are who the tables below are about.
func callers() map[string]*policy.Caller {
	return map[string]*policy.Caller{
		"master":    {Master: true},
		"admin":     {Role: policy.ProxyAdmin, UserID: "admin", KeyHash: "h-admin"},
		"viewer":    {Role: policy.ProxyAdminViewer, UserID: "viewer", KeyHash: "h-viewer"},
		"user":      {Role: policy.InternalUser, UserID: "user", KeyHash: "h-user"},
		"other":     {Role: policy.InternalUser, UserID: "other", KeyHash: "h-other"},
		"org admin": {Role: policy.InternalUser, UserID: "boss", KeyHash: "h-boss", Orgs: []policy.Membership{{OrgID: "o", Admin: true}}},
		"loner":     {KeyHash: "h-loner"},
		"unknown":   {UserID: "user", KeyHash: "h-unknown"}, // of a user whom nobody has made
	}
}

// team is the team t of organisation o, in which somebody is something.
func team(role string, permissions ...string) *policy.Team {
	return &policy.Team{ID: "t", OrgID: "o", Role: role, Permissions: permissions}
}

func TestChangeKey(t *testing.T) {
	t.Parallel()
	personal := func() *policy.Key { return &policy.Key{Hash: "h", UserID: "user"} }
	ofTeam := func(team *policy.Team) *policy.Key { return &policy.Key{Hash: "h", UserID: "user", Team: team} }
	for _, tc := range []struct {
		who  string
		key  *policy.Key
		want policy.Scope
		sees bool
	}{
		{"master", personal(), policy.Managed, true},
		{"admin", personal(), policy.Managed, true},
		{"viewer", personal(), policy.Nothing, true},
		{"user", personal(), policy.Managed, true},
		{"user", &policy.Key{Hash: "h", UserID: "user", Given: true}, policy.Name, true},
		{"other", personal(), policy.Nothing, false},
		{"org admin", personal(), policy.Nothing, false},
		{"org admin", &policy.Key{Hash: "h", UserID: "user", OrgID: "o"}, policy.Managed, true},
		{"loner", personal(), policy.Nothing, false},
		{"loner", &policy.Key{Hash: "h-loner"}, policy.Name, true},
		{"unknown", personal(), policy.Name, true},
		{"user", ofTeam(team(policy.NotInTeam)), policy.Name, true},
		{"user", ofTeam(team(policy.TeamMember)), policy.Name, true},
		{"user", ofTeam(team(policy.TeamMember, "/key/update")), policy.Managed, true},
		{"user", ofTeam(team(policy.TeamMember, "/key/{key_id}/update")), policy.Managed, true},
		{"other", ofTeam(team(policy.TeamMember)), policy.Nothing, true},
		{"other", ofTeam(team(policy.TeamMember, "/key/delete")), policy.Nothing, true},
		{"other", ofTeam(team(policy.TeamMember, "/key/update")), policy.Managed, true},
		{"other", ofTeam(team(policy.TeamAdmin)), policy.Managed, true},
		{"org admin", ofTeam(team(policy.NotInTeam)), policy.Managed, true},
		{"viewer", ofTeam(team(policy.NotInTeam)), policy.Nothing, true},
	} {
		who := callers()[tc.who]
		require.Equal(t, tc.want, who.ChangeKey(tc.key, "/key/update"), "%s %+v", tc.who, tc.key)
		require.Equal(t, tc.sees, who.SeeKey(tc.key) == nil, "%s %+v", tc.who, tc.key)
	}
}

func TestKey_refusals(t *testing.T) {
	t.Parallel()
	c := callers()
	personal := &policy.Key{Hash: "h", UserID: "user"}
	ofTeam := &policy.Key{Hash: "h", UserID: "user", Team: team(policy.TeamMember, "/key/delete")}
	lacks := "Team member does not have permissions for endpoint: /key/update. You only have access to the following endpoints: ['/key/delete'] for team t. " +
		"To create keys for this team, please ask your proxy admin to check the team member permission settings and update the settings to allow team member users to create keys."

	refused(t, c["other"].UpdateKey(personal, policy.Name, "update", "/key/update"), 403, "You are not authorized to update this key")
	refused(t, c["unknown"].UpdateKey(personal, policy.Managed, "update", "/key/update"), 403, "You are not authorized to update this key")
	refused(t, c["user"].UpdateKey(ofTeam, policy.Name, "update", "/key/update"), 0, "")
	refused(t, c["other"].UpdateKey(ofTeam, policy.Managed, "update", "/key/update"), 401, lacks)
	e := apierr.Public(c["user"].UpdateKey(ofTeam, policy.Managed, "update", "/key/update"))
	require.JSONEq(t, `{"error":{"message":"`+lacks+`","type":"team_member_permission_error","param":"/key/update","code":"401"}}`, string(e.JSON()))

	refused(t, c["other"].DropKey(ofTeam, "delete", "/key/delete"), 0, "")
	refused(t, c["user"].DropKey(personal, "delete", "/key/delete"), 0, "")
	refused(t, c["other"].DropKey(personal, "delete", "/key/delete"), 403, "You are not authorized to delete this key")
	refused(t, c["user"].BlockKey(personal, "unblock", "/key/unblock"), 403, "You are not authorized to unblock this key")
	refused(t, c["admin"].BlockKey(personal, "unblock", "/key/unblock"), 0, "")
	refused(t, c["user"].ResetSpend(personal), 403, "You must be a proxy admin or team admin to reset key spend")
	refused(t, c["other"].ResetSpend(&policy.Key{Team: team(policy.TeamAdmin)}), 0, "")
	refused(t, c["loner"].SeeKey(personal), 403, "You are not allowed to access this key's info. Your role=unknown")
	refused(t, c["user"].Permit(), 403, "Only proxy admins can set the permissions of a key.")
	refused(t, c["user"].GiveKey(new("other")), 403, "User can only create keys for themselves. Got user_id=other, Your ID=user")
	refused(t, c["user"].GiveKey(nil), 403, "Non-admin users cannot remove the user_id from a key.")
	refused(t, c["admin"].GiveKey(nil), 0, "")
}

func TestMoveKey(t *testing.T) {
	t.Parallel()
	to := func(role string, assigned bool, permissions ...string) *policy.NewKey {
		return &policy.NewKey{UserID: "user", TeamID: "t", Team: team(role, permissions...), Assigned: assigned}
	}
	for _, tc := range []struct {
		who    string
		to     *policy.NewKey
		status int
		want   string
	}{
		{"admin", &policy.NewKey{TeamID: "nobody's"}, 0, ""},
		{"user", &policy.NewKey{TeamID: "nobody's"}, 400, "Team not found for team_id=nobody's. Non-admin users cannot set keys to non-existent teams."},
		{"user", to(policy.TeamMember, false), 403, "User=user is not a member of the team=t. Check team members via `/team/info`."},
		{"user", to(policy.TeamMember, true), 403, "User=user is not a Proxy Admin or Team Admin for team=t. Please ask your Proxy Admin to allow this action under 'Member Permissions' for this team."},
		{"user", to(policy.TeamMember, true, "/key/update"), 0, ""},
		{"user", to(policy.TeamAdmin, true), 0, ""},
		{"org admin", to(policy.NotInTeam, true), 0, ""},
		{"user", &policy.NewKey{OrgID: "o"}, 403, "Caller is not a member of organization_id=o"},
		{"org admin", &policy.NewKey{OrgID: "o"}, 0, ""},
		{"user", &policy.NewKey{}, 0, ""},
	} {
		refused(t, callers()[tc.who].MoveKey(tc.to, "/key/update"), tc.status, tc.want)
	}
}

func TestListKeys(t *testing.T) {
	t.Parallel()
	org, self, other := "o", "user", "other"
	for _, tc := range []struct {
		who  string
		list policy.Listing
		want string
	}{
		{"viewer", policy.Listing{UserID: &self, OrgID: &org}, ""},
		{"user", policy.Listing{}, ""},
		{"user", policy.Listing{UserID: &self}, ""},
		{"user", policy.Listing{UserID: &other}, "another user's"},
		{"loner", policy.Listing{UserID: &other}, "another user's"},
		{"user", policy.Listing{OrgID: &org}, "this organization's"},
		{"org admin", policy.Listing{OrgID: &org}, ""},
		{"user", policy.Listing{Team: team(policy.TeamMember)}, "this team's"},
		{"user", policy.Listing{Team: team(policy.NotInTeam, "/key/list")}, "this team's"},
		{"user", policy.Listing{Team: team(policy.TeamMember, "/team/key/list")}, ""},
		{"user", policy.Listing{Team: team(policy.TeamAdmin), UserID: &other}, ""},
		{"org admin", policy.Listing{Team: team(policy.NotInTeam)}, ""},
	} {
		want := ""
		if tc.want != "" {
			want = "You are not authorized to check " + tc.want + " keys"
		}
		refused(t, callers()[tc.who].ListKeys(&tc.list), 403, want)
	}
}

func TestGenerateKey(t *testing.T) {
	t.Parallel()
	const path = "/key/generate"
	own := func(k policy.NewKey) *policy.NewKey { return &k }
	strict := &policy.Generation{
		Configured: true,
		Team:       policy.TeamKeys{Roles: []string{"admin"}, Required: []string{"tags"}},
		Personal:   policy.PersonalKeys{Roles: []string{"proxy_admin"}, Required: []string{"key_alias"}},
	}
	loose := &policy.Generation{}
	aliased := &policy.Generation{Personal: policy.PersonalKeys{Required: []string{"key_alias"}}}
	for _, tc := range []struct {
		who    string
		key    *policy.NewKey
		rules  *policy.Generation
		status int
		want   string
	}{
		{"master", own(policy.NewKey{UserID: "other", TeamID: "nobody's"}), loose, 0, ""},
		{"admin", own(policy.NewKey{TeamID: "nobody's"}), strict, 400, "Unable to find team object in database. Team ID: nobody's"},
		{"admin", own(policy.NewKey{UserID: "other"}), strict, 0, ""},
		{"loner", own(policy.NewKey{}), loose, 401, onlyAdmin(path, "unknown", "****")},
		{"unknown", own(policy.NewKey{UserID: "user"}), loose, 401, onlyAdmin(path, "unknown", "****")},
		{"user", own(policy.NewKey{UserID: "user"}), loose, 0, ""},
		{"user", own(policy.NewKey{UserID: "other"}), loose, 403, "User can only create keys for themselves. Got user_id=other, Your ID=user"},
		{"user", own(policy.NewKey{UserID: "user"}), strict, 400, "Personal key creation has been restricted by admin. Allowed roles=['proxy_admin']. Your role=internal_user"},
		{"user", own(policy.NewKey{UserID: "user"}), aliased, 400, "Required param key_alias not in data"},
		{"user", own(policy.NewKey{UserID: "user", OrgID: "o"}), loose, 403, "Caller is not a member of organization_id=o"},
		{"org admin", own(policy.NewKey{UserID: "boss", OrgID: "o"}), loose, 0, ""},
		{"user", own(policy.NewKey{TeamID: "nobody's"}), loose, 400, "Team not found for team_id=nobody's. Non-admin users cannot create keys for non-existent teams."},
		{"user", own(policy.NewKey{TeamID: "t", Team: team(policy.NotInTeam)}), loose, 400, "User=user not assigned to team=t"},
		{"user", own(policy.NewKey{TeamID: "t", Team: team(policy.TeamMember)}), loose, 401, "Team member does not have permissions for endpoint: /key/generate. " +
			"You only have access to the following endpoints: ['/key/info', '/key/health'] for team t. " +
			"To create keys for this team, please ask your proxy admin to check the team member permission settings and update the settings to allow team member users to create keys."},
		{"user", own(policy.NewKey{UserID: "user", TeamID: "t", Assigned: true, Team: team(policy.TeamMember, path)}), loose, 0, ""},
		{"user", own(policy.NewKey{UserID: "user", TeamID: "t", OrgID: "o", Team: team(policy.TeamMember, path)}), loose, 0, ""},
		{"user", own(policy.NewKey{UserID: "other", TeamID: "t", Assigned: true, Team: team(policy.TeamMember, path)}), loose, 403, "User can only create keys for themselves. Got user_id=other, Your ID=user"},
		{"user", own(policy.NewKey{UserID: "other", TeamID: "t", Team: team(policy.TeamAdmin)}), loose, 400, "User=other not assigned to team=t"},
		{"user", own(policy.NewKey{UserID: "other", TeamID: "t", Assigned: true, Team: team(policy.TeamAdmin)}), loose, 0, ""},
		{"org admin", own(policy.NewKey{UserID: "other", TeamID: "t", Assigned: true, Team: team(policy.NotInTeam)}), loose, 0, ""},
		{"user", own(policy.NewKey{TeamID: "t", Team: team(policy.TeamMember, path)}), strict, 400, "Team member role user not in allowed_team_member_roles=['admin']"},
		{"user", own(policy.NewKey{TeamID: "t", Team: team(policy.TeamAdmin)}), strict, 400, "Required param tags not in data"},
	} {
		tc.key.Sent = func(string) bool { return false }
		refused(t, callers()[tc.who].GenerateKey(tc.key, tc.rules, path), tc.status, tc.want)
	}
	withAlias := &policy.NewKey{UserID: "user", Sent: func(param string) bool { return param == "key_alias" }}
	require.NoError(t, callers()["user"].GenerateKey(withAlias, aliased, path))
}
