package pipeline_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/principal"
	"github.com/tianjillm/tianjillm/dataplane/internal/snapshot"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// An application has one key and names its users in a header: each is held to
// what is theirs, and nobody may more than the key's own user.
func TestUsers_whom_a_header_names(t *testing.T) {
	t.Parallel()
	one := contract.Limits{Rates: contract.Rates{RPM: new(int64(1))}}
	config := snapshot.Config{General: contract.GeneralSettings{UserHeader: "X-User", CustomerHeaders: []string{"X-First", "X-Second"}}}
	l := newLab(t, setup{backends: byModel{"m": answering("10", "5"), "other": answering("10", "5")}, config: config})
	l.put(contract.UserKey("app"), contract.User{ID: "app", Limits: one})
	l.put(contract.UserKey("narrow app"), contract.User{ID: "narrow app", Models: []string{"other"}})
	l.put(contract.UserKey("ann"), contract.User{ID: "ann", Limits: one})
	l.put(contract.UserKey("narrow"), contract.User{ID: "narrow", Models: []string{"other"}})
	l.put(contract.UserKey("gone"), contract.User{ID: "gone", Deactivated: true})
	l.put(contract.UserKey("viewer"), contract.User{ID: "viewer", Role: "internal_user_viewer"})
	l.put(contract.TeamKey("t"), contract.Team{ID: "t"})
	l.put(contract.MemberKey("t", "bob"), contract.Membership{TeamID: "t", UserID: "bob", Limits: one})
	app := l.key("app", contract.VirtualKey{UserID: "app"})
	team := l.key("team", contract.VirtualKey{UserID: "app", TeamID: "t"})
	narrow := l.key("narrow", contract.VirtualKey{UserID: "narrow app"})
	for _, tc := range []struct {
		what, key, user string
		status          int
		text            string
	}{
		{what: "one with a limit", key: app, user: "ann", status: 200},
		{what: "over it", key: app, user: "ann", status: 429, text: "Rate limit exceeded for user: ann. "},
		{what: "one whom nobody made", key: app, user: "stranger", status: 200},
		{what: "nor is that limited", key: app, user: "stranger", status: 200},
		{what: "the key's own", key: app, user: "app", status: 200},
		{what: "nobody", key: app, status: 429, text: "Rate limit exceeded for user: app. "},
		{what: "a member", key: team, user: "bob", status: 200},
		{what: "over the member's limit", key: team, user: "bob", status: 429, text: "Rate limit exceeded for team_member: t:bob. "},
		{what: "one of other models", key: app, user: "narrow", status: 403, text: "not available"},
		{what: "a way around the key's user", key: narrow, user: "stranger", status: 403, text: "not available"},
		{what: "one who is gone", key: app, user: "gone", status: 401, text: "deactivated"},
		{what: "one who only looks", key: app, user: "viewer", status: 403},
		{what: "the master key", key: master, user: "ann", status: 200},
	} {
		w := l.serve(request{key: tc.key, body: ask, header: map[string]string{"X-User": tc.user}})
		require.Equal(t, tc.status, w.Code, "%s: %s", tc.what, w.Body)
		if text, _ := said(t, w); tc.text != "" {
			require.Contains(t, text, tc.text, tc.what)
		}
	}
	booked := map[string]int{}
	for _, e := range l.ledger.events {
		if e.HTTPStatus == http.StatusOK {
			booked[e.UserID]++
		}
	}
	require.Equal(t, map[string]int{"ann": 2, "stranger": 2, "app": 1, "bob": 1}, booked)
}

// The headers of an installation come after LiteLLM's, and before the body.
func TestCustomers_whom_a_header_names(t *testing.T) {
	t.Parallel()
	config := snapshot.Config{General: contract.GeneralSettings{CustomerHeaders: []string{"X-First", "X-Second"}}}
	l := newLab(t, setup{backends: byModel{"m": answering("10", "5")}, config: config})
	key := l.key("k", contract.VirtualKey{})
	body := `{"model":"m","user":"body","messages":[{"role":"user","content":"Hello"}]}`
	for _, header := range []map[string]string{
		{"X-First": "first", "X-Second": "second", "X-Litellm-Customer-Id": "litellm"}, {"X-First": "first", "X-Second": "second"}, {"X-Second": "second"}, {"X-User": "other"},
	} {
		require.Equal(t, http.StatusOK, l.serve(request{key: key, body: body, header: header}).Code)
	}
	var named []string
	for _, e := range l.ledger.events {
		named = append(named, e.EndUser)
	}
	require.Equal(t, []string{"litellm", "first", "second", "body"}, named)
}

func TestUsers_whom_a_header_names_while_the_bus_is_away(t *testing.T) {
	t.Parallel()
	config := snapshot.Config{General: contract.GeneralSettings{UserHeader: "X-User"}}
	l := newLab(t, setup{backends: byModel{"m": answering("10", "5")}, config: config})
	l.put(contract.UserKey("ann"), contract.User{ID: "ann"})
	key := l.key("app", contract.VirtualKey{})
	known := request{key: key, body: ask, header: map[string]string{"X-User": "ann"}}
	require.Equal(t, http.StatusOK, l.serve(known).Code)
	l.server.Stop()
	require.Equal(t, http.StatusOK, l.serve(known).Code)
	w := l.serve(request{key: key, body: ask, header: map[string]string{"X-User": "bob"}})
	require.Equal(t, http.StatusServiceUnavailable, w.Code, "who he is and what he may is not known: %s", w.Body)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	_, err := l.cache.For(t.Context(), principal.Identity{Key: principal.NewTokenKey(contract.VirtualKey{}, "")}, "bob")
	require.ErrorIs(t, err, principal.ErrUnavailable)
}
