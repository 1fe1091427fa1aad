package policy_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/route"
)

// A key for the routes of SCIM opens them, whoever has it; so an admin makes it.
func TestProvision(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]bool{"/scim/*": true, "/scim/v2/Users": true, "/scimitar": false, "*": false, "/s*": false, "management_routes": false} {
		require.Equal(t, want, policy.Provisions([]string{"/chat/completions", list}), list)
	}
	key := &policy.Caller{Provisioner: true}
	require.Equal(t, policy.All, key.Reach(route.Provision, http.MethodDelete))
	require.Equal(t, policy.None, key.Reach(route.Admin, http.MethodGet))
	viewer := &policy.Caller{Role: policy.ProxyAdminViewer}
	require.Equal(t, policy.All, viewer.Reach(route.Provision, http.MethodGet))
	require.Equal(t, policy.None, viewer.Reach(route.Provision, http.MethodPost))
	user := &policy.Caller{Role: policy.InternalUser, UserID: "u"}
	require.Equal(t, policy.None, user.Reach(route.Provision, http.MethodGet))
	require.Error(t, user.PermitRoutes([]string{"/scim/*"}))
	require.NoError(t, user.PermitRoutes([]string{"/chat/completions"}))
	require.NoError(t, (&policy.Caller{Master: true}).PermitRoutes([]string{"/scim/*"}))
}
