package policy_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/route"
)

// refused checks an error by its status and message; "" is no error.
func refused(t *testing.T, err error, status int, message string) {
	t.Helper()
	if message == "" {
		require.NoError(t, err)
		return
	}
	require.Error(t, err)
	public := apierr.Public(err)
	require.Equal(t, message, public.Message)
	require.Equal(t, status, public.Status)
}

func onlyAdmin(path, role, user string) string {
	return "Authentication Error, Only proxy admin can be used to generate, delete, update info for new keys/users/teams. Route=" + path +
		". Your role=" + role + ". Your user_id=" + user
}

func TestGate(t *testing.T) {
	t.Parallel()
	orgAdmin := policy.Caller{Role: policy.InternalUser, UserID: "u", Orgs: []policy.Membership{{OrgID: "o", Admin: true}}}
	member := policy.Caller{Role: policy.InternalUser, UserID: "u", Orgs: []policy.Membership{{OrgID: "o"}}}
	of := func(r policy.Role) policy.Caller { return policy.Caller{Role: r, UserID: "u"} }
	master := policy.Caller{Master: true}
	for name, tc := range map[string]struct {
		who    policy.Caller
		method string
		access route.Access
		status int
		want   string
	}{
		"the master key does everything":     {master, "POST", route.MasterOnly, 0, ""},
		"an admin is not the master key":     {of(policy.ProxyAdmin), "POST", route.MasterOnly, 401, "Authentication Error, Tried to access route=/p, which is only for MASTER KEY"},
		"an admin manages":                   {of(policy.ProxyAdmin), "POST", route.Admin, 0, ""},
		"an admin calls":                     {of(policy.ProxyAdmin), "POST", route.LLM, 0, ""},
		"a viewer reads":                     {of(policy.ProxyAdminViewer), "GET", route.Admin, 0, ""},
		"a viewer reads headers":             {of(policy.ProxyAdminViewer), "HEAD", route.Org, 0, ""},
		"a viewer does not write":            {of(policy.ProxyAdminViewer), "POST", route.Admin, 403, "user not allowed to access this route, role= proxy_admin_viewer. Trying to access: /p"},
		"a viewer does not change their own": {of(policy.ProxyAdminViewer), "DELETE", route.Own, 403, "user not allowed to access this route, role= proxy_admin_viewer. Trying to access: /p"},
		"a viewer does not call":             {of(policy.ProxyAdminViewer), "POST", route.LLM, 403, "user not allowed to access this OpenAI routes, role= proxy_admin_viewer"},
		"nor by GET":                         {of(policy.ProxyAdminViewer), "GET", route.LLM, 403, "user not allowed to access this OpenAI routes, role= proxy_admin_viewer"},
		"a user's viewer does not call":      {of(policy.InternalUserViewer), "POST", route.LLM, 403, "user not allowed to access this OpenAI routes, role= internal_user_viewer"},
		"nor changes":                        {of(policy.InternalUserViewer), "POST", route.Own, 401, onlyAdmin("/p", "internal_user_viewer", "****")},
		"but sees spend":                     {of(policy.InternalUserViewer), "GET", route.Spend, 0, ""},
		"a user changes their own":           {of(policy.InternalUser), "POST", route.Own, 0, ""},
		"a user is no admin":                 {of(policy.InternalUser), "GET", route.Admin, 401, onlyAdmin("/p", "internal_user", "****")},
		"nor of an organisation":             {member, "POST", route.Org, 401, onlyAdmin("/p", "internal_user", "****")},
		"an admin of one":                    {orgAdmin, "POST", route.Org, 0, ""},
		"is none of all":                     {orgAdmin, "POST", route.Admin, 401, onlyAdmin("/p", "internal_user", "****")},
		"a key without a user calls":         {policy.Caller{}, "POST", route.LLM, 0, ""},
		"and manages itself":                 {policy.Caller{}, "POST", route.Own, 0, ""},
		"and nothing else":                   {policy.Caller{}, "POST", route.Admin, 401, onlyAdmin("/p", "unknown", "****")},
		"but what it spent":                  {policy.Caller{}, "GET", route.Spend, 0, ""},
		"a customer calls":                   {of(policy.Customer), "POST", route.LLM, 0, ""},
		"and changes nothing":                {of(policy.Customer), "POST", route.Own, 401, onlyAdmin("/p", "customer", "****")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, tc.who.Gate(&route.Route{Method: tc.method, Access: tc.access}, "/p"), tc.status, tc.want)
		})
	}
}

// Every role has a rule for every kind of access.
func TestEvery_role_has_its_reach(t *testing.T) {
	t.Parallel()
	for _, role := range policy.Roles() {
		who := policy.Caller{Role: role}
		require.Equal(t, policy.All, who.Reach(route.Public, http.MethodGet), role)
		require.Equal(t, policy.None, who.Reach(route.MasterOnly, http.MethodGet), role)
		require.NotEqual(t, policy.None, who.Reach(route.AnyKey, http.MethodGet), role)
		require.Equal(t, role == policy.ProxyAdmin, who.Reach(route.Admin, http.MethodPost) != policy.None, role)
	}
	spender := policy.Caller{Spender: true}
	require.Equal(t, policy.All, spender.Reach(route.Spend, http.MethodGet))
	require.True(t, spender.SeesSpend())
	require.Equal(t, policy.Owned, (&policy.Caller{}).Reach(route.Spend, http.MethodGet))
	require.Equal(t, policy.InternalUser, policy.RoleOf(""))
	require.Equal(t, policy.InternalUser, policy.RoleOf("of another program"))
	require.Equal(t, policy.ProxyAdmin, policy.RoleOf("proxy_admin"))
}

func TestRules(t *testing.T) {
	t.Parallel()
	none := policy.Rules{}
	require.NoError(t, none.Check("/anything", false))
	closed := policy.NewRules([]string{"llm_api_routes", "/key/*"}, []string{"/key/generate"})
	refused(t, closed.Check("/team/new", true), 403, "Route /team/new not allowed")
	refused(t, closed.Check("/key/generate", false), 403, "user not allowed to access this route. Route=/key/generate is an admin only route")
	require.NoError(t, closed.Check("/key/generate", true))
	require.NoError(t, closed.Check("/key/info", false))
}
