package stack

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// NewKey makes a virtual key through the first data plane.
func (s *Stack) NewKey(tb testing.TB, fields map[string]any) string {
	tb.Helper()
	if fields == nil {
		fields = map[string]any{}
	}
	key, _ := s.Master().Post(tb, "/key/generate", fields).OK(tb)["key"].(string)
	require.True(tb, strings.HasPrefix(key, "sk-"))
	return key
}

// NewTeam makes a team and returns its id.
func (s *Stack) NewTeam(tb testing.TB, fields map[string]any) string {
	tb.Helper()
	id, _ := s.Master().Post(tb, "/team/new", fields).OK(tb)["team_id"].(string)
	require.NotEmpty(tb, id)
	return id
}

// NewUser makes a user without a key and returns the id.
func (s *Stack) NewUser(tb testing.TB, fields map[string]any) string {
	tb.Helper()
	all := map[string]any{"auto_create_key": false}
	maps.Copy(all, fields)
	id, _ := s.Master().Post(tb, "/user/new", all).OK(tb)["user_id"].(string)
	require.NotEmpty(tb, id)
	return id
}

// Heard waits until each data plane has heard of the changes so far: they come in
// order, so of one more change.
func (s *Stack) Heard(tb testing.TB) {
	tb.Helper()
	last := s.NewKey(tb, nil)
	met := func(url string, status int) func() bool {
		return func() bool { return s.Client(last).At(url).Get(tb, "/v1/models").Status == status }
	}
	for _, url := range s.DataPlanes() {
		Await(tb, "a new key at "+url, met(url, http.StatusOK))
	}
	s.Master().Post(tb, "/key/delete", map[string]any{"keys": []string{last}}).OK(tb)
	for _, url := range s.DataPlanes() {
		Await(tb, "the end of a key at "+url, met(url, http.StatusUnauthorized))
	}
}
