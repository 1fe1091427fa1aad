package caller_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/policy"
)

func TestOf(t *testing.T) {
	t.Parallel()
	key := db.VerificationToken{Token: "h", UserID: new("u"), TeamID: new("t"), OrganizationID: new("o"), Permissions: json.RawMessage(`{"get_spend_routes":true,"other":false}`)}
	c := caller.Of(&db.CallerByTokenRow{
		VerificationToken: key, UserKnown: true, UserRole: "proxy_admin_viewer", UserEmail: "u@example.com", Administers: []string{"o"}, Joined: []string{"p"},
	})
	require.Equal(t, caller.Caller{
		KeyHash: "h", UserID: "u", TeamID: "t", Role: policy.ProxyAdminViewer, Email: "u@example.com", Permissions: []string{"get_spend_routes"},
		Orgs: []policy.Membership{{OrgID: "o", Admin: true}, {OrgID: "p"}},
	}, c)
	may := c.May()
	require.True(t, may.Sees())
	require.True(t, may.Administers("o"))
	require.False(t, may.Administers("p"))
	require.True(t, may.InOrg("p"))
	require.True(t, may.Spender)

	stranger := caller.Of(&db.CallerByTokenRow{VerificationToken: key})
	require.Equal(t, policy.NoRole, stranger.Role, "a user whom nobody has made has no role")
	require.Equal(t, policy.InternalUser, caller.Of(&db.CallerByTokenRow{VerificationToken: key, UserKnown: true}).Role)
}

func TestIn(t *testing.T) {
	t.Parallel()
	who := caller.Caller{UserID: "u", Email: "u@example.com"}
	for members, want := range map[string]string{
		`[{"user_id":"u","role":"admin"}]`:                               policy.TeamAdmin,
		`[{"user_id":"v","role":"admin"},{"user_id":"u"}]`:               policy.TeamMember,
		`[{"user_id":null,"user_email":"u@example.com","role":"admin"}]`: policy.TeamAdmin,
		`[{"user_id":"v","user_email":"u@example.com","role":"admin"}]`:  policy.NotInTeam,
		`[{"user_id":"v","role":"admin"}]`:                               policy.NotInTeam,
		`{}`:                                                             policy.NotInTeam,
		`[]`:                                                             policy.NotInTeam,
	} {
		team := db.TeamTable{TeamID: "t", OrganizationID: new("o"), MembersWithRoles: json.RawMessage(members), TeamMemberPermissions: []string{"/key/update"}}
		require.Equal(t, &policy.Team{ID: "t", OrgID: "o", Role: want, Permissions: []string{"/key/update"}}, who.In(&team), members)
		require.Equal(t, policy.NotInTeam, caller.Caller{}.In(&team).Role, "a key without a user is in no team")
	}
}
