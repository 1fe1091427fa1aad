package contract_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
)

// Open WebUI has one key and names its users in headers: what they use is theirs,
// on every data plane.
func TestHeaders_that_name_users(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{DataPlanes: 2, Config: mockConfig + `
  user_header_mappings:
  - {header_name: X-OpenWebUI-User-Id, litellm_user_role: internal_user}
  - {header_name: X-OpenWebUI-User-Email, litellm_user_role: customer}
`})
	admin := s.Master()
	s.NewUser(t, map[string]any{"user_id": "ann", "rpm_limit": 2})
	s.NewUser(t, map[string]any{"user_id": "app"})
	key := s.NewKey(t, map[string]any{"user_id": "app"})
	ask := func(plane int, user string) stack.Reply {
		c := s.Client(key).At(s.DataPlane(plane)).With("x-openwebui-user-id", user).With("x-openwebui-user-email", user+"@example.com")
		return c.Post(t, chatPath, hello("mock"))
	}
	var refused stack.Reply
	stack.Await(t, "the end of ann's limit, over both data planes", func() bool {
		ask(0, "ann")
		refused = ask(1, "ann")
		return refused.Status == http.StatusTooManyRequests
	})
	require.Contains(t, string(refused.Body), "Rate limit exceeded for user: ann. ")
	require.Equal(t, http.StatusOK, ask(1, "stranger").Status, "nobody has made that user")

	stack.Await(t, "what they used", func() bool {
		users := map[string]string{}
		for _, r := range s.SpendRows(t, key) {
			require.NotNil(t, r.UserID)
			require.NotNil(t, r.EndUser)
			users[*r.UserID] = *r.EndUser
		}
		return len(users) == 2 && users["ann"] == "ann@example.com" && users["stranger"] == "stranger@example.com"
	})
	require.Contains(t, string(admin.Get(t, "/customer/list").Body), "ann@example.com")
}
