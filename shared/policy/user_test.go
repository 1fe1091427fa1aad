package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/policy"
)

func TestUsers_whom_one_governs(t *testing.T) {
	t.Parallel()
	boss := policy.Caller{Role: policy.InternalUser, UserID: "boss", Orgs: []policy.Membership{{OrgID: "o", Admin: true}, {OrgID: "p"}}}
	plain := policy.Caller{Role: policy.InternalUser, UserID: "plain", Orgs: []policy.Membership{{OrgID: "o"}}}
	viewer := policy.Caller{Role: policy.ProxyAdminViewer, UserID: "viewer"}
	for _, c := range []struct {
		who  policy.Caller
		user policy.User
		want bool
	}{
		{policy.Caller{Master: true}, policy.User{Role: policy.ProxyAdmin}, true},
		{policy.Caller{Role: policy.ProxyAdmin}, policy.User{}, true},
		{boss, policy.User{Role: policy.InternalUser, Orgs: []string{"o"}}, true},
		{boss, policy.User{Orgs: []string{"o", "o"}}, true},
		{boss, policy.User{Orgs: []string{"o", "p"}}, false},
		{boss, policy.User{Orgs: []string{"o", ""}}, false}, // in a team of no organisation
		{boss, policy.User{}, false},
		{boss, policy.User{Role: policy.ProxyAdmin, Orgs: []string{"o"}}, false},
		{boss, policy.User{Role: policy.ProxyAdminViewer, Orgs: []string{"o"}}, false},
		{plain, policy.User{Orgs: []string{"o"}}, false},
		{viewer, policy.User{Orgs: []string{"o"}}, false},
	} {
		require.Equal(t, c.want, c.who.DeleteUser(&c.user, "/user/delete") == nil, "%+v %+v", c.who, c.user)
		require.Equal(t, c.want, c.who.Invite(&c.user) == nil, "%+v %+v", c.who, c.user)
	}
	require.NoError(t, boss.MayInvite())
	require.Error(t, plain.MayInvite())
	require.Error(t, viewer.MayInvite())
	require.NoError(t, viewer.SeeInvitation(&policy.User{}))
}

func TestLists_of_users(t *testing.T) {
	t.Parallel()
	boss := policy.Caller{Role: policy.InternalUser, Orgs: []policy.Membership{{OrgID: "o", Admin: true}, {OrgID: "p"}}}
	for _, c := range []struct {
		who  policy.Caller
		orgs []string
		want []string
		ok   bool
	}{
		{policy.Caller{Master: true}, nil, nil, true},
		{policy.Caller{Role: policy.ProxyAdminViewer}, []string{"x"}, []string{"x"}, true},
		{boss, nil, []string{"o"}, true},
		{boss, []string{"o"}, []string{"o"}, true},
		{boss, []string{"o", "p"}, nil, false},
		{policy.Caller{Role: policy.InternalUser, Orgs: []policy.Membership{{OrgID: "p"}}}, nil, nil, false},
		{policy.Caller{}, nil, nil, false},
	} {
		got, err := c.who.ListUsers(c.orgs)
		require.Equal(t, c.ok, err == nil, "%+v %v", c.who, c.orgs)
		require.Equal(t, c.want, got)
	}
}
