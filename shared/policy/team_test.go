package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/policy"
)

func TestTeam(t *testing.T) {
	t.Parallel()
	const path = "/team/update"
	denied := "Call not allowed. User not proxy admin OR team admin. route=/team/update, team_id=t"
	governs := "Team admins can not change what their team may do or cost. route=/team/update, team_id=t"
	for _, tc := range []struct {
		who, role      string
		sees           bool
		manage, govern string
	}{
		{"admin", policy.NotInTeam, true, "", ""},
		{"viewer", policy.NotInTeam, true, denied, denied},
		{"user", policy.NotInTeam, false, denied, denied},
		{"user", policy.TeamMember, true, denied, denied},
		{"user", policy.TeamAdmin, true, "", governs},
		{"org admin", policy.NotInTeam, true, "", ""},
		{"loner", policy.NotInTeam, false, denied, denied},
	} {
		who, it := callers()[tc.who], team(tc.role)
		require.Equal(t, tc.sees, who.SeeTeam(it) == nil, "%s %s", tc.who, tc.role)
		refused(t, who.ManageTeam(it, path), 403, tc.manage)
		refused(t, who.GovernTeam(it, path), 403, tc.govern)
	}
	inTeam := policy.Caller{KeyHash: "h", TeamID: "t"}
	refused(t, inTeam.SeeTeam(team(policy.NotInTeam)), 0, "")
	refused(t, callers()["user"].SeeTeam(team(policy.NotInTeam)), 403, "User=user not authorized to access this team=t")

	user, org := "user", "o"
	refused(t, callers()["user"].ListTeams(&user, nil), 0, "")
	refused(t, callers()["org admin"].ListTeams(nil, &org), 0, "")
	refused(t, callers()["loner"].ListTeams(new(""), nil), 401, "Only admin users can query all teams/other teams. Your user role=unknown")
	refused(t, callers()["other"].ListTeams(&user, nil), 401, "Only admin users can query all teams/other teams. Your user role=internal_user")
}

func TestOrganization(t *testing.T) {
	t.Parallel()
	const path = "/organization/member_add"
	refused(t, callers()["org admin"].ManageOrg("o", path), 0, "")
	refused(t, callers()["org admin"].ManageOrg("another", path), 401, onlyAdmin(path, "internal_user", "****"))
	refused(t, callers()["org admin"].ManageOrg("", path), 401, onlyAdmin(path, "internal_user", "****"))
	refused(t, callers()["viewer"].ManageOrg("o", path), 401, onlyAdmin(path, "proxy_admin_viewer", "****"))
	refused(t, callers()["viewer"].SeeOrg("o", path), 0, "")
	refused(t, callers()["org admin"].SeeOrg("o", path), 0, "")
	refused(t, callers()["user"].SeeOrg("o", path), 401, onlyAdmin(path, "internal_user", "****"))
}

func TestUser(t *testing.T) {
	t.Parallel()
	refused(t, callers()["viewer"].SeeUser("user"), 0, "")
	refused(t, callers()["user"].SeeUser("user"), 0, "")
	refused(t, callers()["other"].SeeUser("user"), 403, "key not allowed to access this user's info. user_id=user, key's user_id=other")
	refused(t, callers()["loner"].SeeUser(""), 403, "key not allowed to access this user's info. user_id=, key's user_id=")

	const path = "/user/new"
	refused(t, callers()["admin"].NewUser(policy.ProxyAdmin, nil, path), 0, "")
	refused(t, callers()["org admin"].NewUser(policy.InternalUser, []string{"o"}, path), 0, "")
	refused(t, callers()["org admin"].NewUser(policy.InternalUser, []string{"o", "another"}, path), 401, onlyAdmin(path, "internal_user", "****"))
	refused(t, callers()["org admin"].NewUser(policy.InternalUser, nil, path), 401, onlyAdmin(path, "internal_user", "****"))
	refused(t, callers()["org admin"].NewUser(policy.ProxyAdmin, []string{"o"}, path), 403,
		"Only proxy admins can create administrative users. Attempted to create user with role: proxy_admin. Your role: internal_user")

	const update = "/user/update"
	refused(t, callers()["user"].UpdateUser("user", []string{"user_id", "user_alias", "password"}, update), 0, "")
	refused(t, callers()["user"].UpdateUser("user", []string{"user_role"}, update), 403, "Only proxy admins can modify user roles.")
	refused(t, callers()["user"].UpdateUser("user", []string{"max_budget"}, update), 403,
		"user not allowed to access this route, role= internal_user. Trying to access: /user/update and updating invalid param: max_budget. only user_email and password can be updated")
	refused(t, callers()["viewer"].UpdateUser("viewer", []string{"user_email"}, update), 0, "")
	refused(t, callers()["viewer"].UpdateUser("user", []string{"user_email"}, update), 403,
		"user not allowed to access this route, role= proxy_admin_viewer. Trying to access: /user/update")
	refused(t, callers()["other"].UpdateUser("user", nil, update), 401, onlyAdmin(update, "internal_user", "****"))
	refused(t, callers()["admin"].UpdateUser("user", []string{"user_role"}, update), 0, "")
}
