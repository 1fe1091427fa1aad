package contract_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/test/stack"
)

func invitationRow() shape {
	return shape{
		"id": "string", "user_id": "string", "is_accepted": "bool", "accepted_at": "time?", "expires_at": "time",
		"created_at": "time", "created_by": "string", "updated_at": "time", "updated_by": "string",
	}
}

// claims reads a JWT without holding it against a key.
func claims(t *testing.T, token any) map[string]any {
	t.Helper()
	parts := strings.Split(fmt.Sprint(token), ".")
	require.Len(t, parts, 3, "a JWT")
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var c map[string]any
	require.NoError(t, json.Unmarshal(b, &c))
	return c
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig})
	for face, url := range faces(s) {
		admin := s.Master().At(url)
		t.Run(face, func(t *testing.T) {
			t.Parallel()
			user := s.NewUser(t, map[string]any{"user_id": ident.NewKey()[3:]})
			made := invitationRow().check(t, admin.Post(t, "/invitation/new", map[string]any{"user_id": user}).OK(t))
			require.Equal(t, user, made["user_id"])
			require.Equal(t, false, made["is_accepted"])
			require.Nil(t, made["accepted_at"])
			require.Equal(t, "default_user_id", made["created_by"])
			expires, err := time.Parse(time.RFC3339Nano, made["expires_at"].(string))
			require.NoError(t, err)
			require.WithinDuration(t, time.Now().Add(7*24*time.Hour), expires, time.Minute)

			id := fmt.Sprint(made["id"])
			require.Equal(t, made, invitationRow().check(t, admin.Get(t, "/invitation/info?invitation_id="+id).OK(t)))
			changed := invitationRow().check(t, admin.Post(t, "/invitation/update", map[string]any{"invitation_id": id, "is_accepted": true}).OK(t))
			require.Equal(t, true, changed["is_accepted"])
			require.NotNil(t, changed["accepted_at"])
			changed = invitationRow().check(t, admin.Post(t, "/invitation/update", map[string]any{"invitation_id": id, "is_accepted": false}).OK(t))
			require.Nil(t, changed["accepted_at"])
			require.Equal(t, id, invitationRow().check(t, admin.Post(t, "/invitation/delete", map[string]any{"invitation_id": id}).OK(t))["id"])
			require.Equal(t, []string{"created", "updated", "updated", "deleted"}, trail(t, s, "LiteLLM_InvitationLink", ident.HashKey(id)))
			require.NotContains(t, string(admin.Get(t, "/audit?page_size=100").Body), id, "whoever reads the audit trail could accept the invitation")

			gone := "Invitation id does not exist in the database."
			checkError(t, admin.Get(t, "/invitation/info?invitation_id="+id), http.StatusBadRequest, gone)
			checkError(t, admin.Post(t, "/invitation/update", map[string]any{"invitation_id": id, "is_accepted": true}), http.StatusBadRequest, gone)
			checkError(t, admin.Post(t, "/invitation/delete", map[string]any{"invitation_id": id}), http.StatusBadRequest, gone)
			checkError(t, admin.Post(t, "/invitation/new", `{"user_id":"nobody"}`), http.StatusBadRequest,
				"User id does not exist in 'LiteLLM_UserTable'. Fix this by creating user via `/user/new`.")
			checkInvalid(t, admin.Post(t, "/invitation/new", `{}`), "missing", "user_id")
			checkInvalid(t, admin.Post(t, "/invitation/new", `{"user_id":7}`), "string_type", "user_id")
			checkInvalid(t, admin.Post(t, "/invitation/update", `{"invitation_id":"x"}`), "missing", "is_accepted")
			checkInvalid(t, admin.Post(t, "/invitation/delete", `{}`), "missing", "invitation_id")
			checkInvalid(t, admin.Get(t, "/invitation/info"), "missing", "invitation_id")
			own := s.Client(s.NewKey(t, map[string]any{"user_id": user})).At(url)
			checkError(t, own.Post(t, "/invitation/new", map[string]any{"user_id": user}), http.StatusBadRequest,
				"Admin-only endpoint. Not allowed to access this., your role=internal_user")
		})
	}
}

// onboard invites a user and begins to accept the invitation.
func onboard(t *testing.T, s *stack.Stack, user string) (link string, bearer *stack.Client) {
	t.Helper()
	link, _ = s.Master().Post(t, "/invitation/new", map[string]any{"user_id": user}).OK(t)["id"].(string)
	got := shape{"login_url": "string", "token": "string", "user_email": "string?"}.check(t, s.Client("").Get(t, "/onboarding/get_token?invite_link="+link).OK(t))
	require.Contains(t, got["login_url"], "https://llm.example.com/ui/onboarding?token=")
	outer := claims(t, got["token"])
	require.Equal(t, user, outer["user_id"])
	require.Equal(t, "username_password", outer["login_method"])
	require.Equal(t, "Authorization", outer["auth_header_name"])
	inner := claims(t, outer["key"])
	require.Equal(t, "litellm_onboarding", inner["token_type"])
	require.Equal(t, link, inner["invitation_link"])
	return link, s.Client("").With("Authorization", "Bearer "+fmt.Sprint(outer["key"]))
}

func TestOnboarding(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, DataPlanes: 2, Env: map[string]string{"PROXY_BASE_URL": "https://llm.example.com/"}})
	address := mail()
	s.NewUser(t, map[string]any{"user_id": "ann", "user_email": address, "user_role": "internal_user"})
	link, bearer := onboard(t, s, "ann")
	claim := func(fields map[string]any) map[string]any {
		body := map[string]any{"invitation_link": link, "user_id": "ann", "password": "correct horse"}
		maps.Copy(body, fields)
		return body
	}
	const path = "/onboarding/claim_token"
	nobody := s.Client("")
	checkError(t, nobody.Post(t, path, claim(nil)), http.StatusUnauthorized, "Missing onboarding session for invitation link.")
	checkError(t, s.Master().Post(t, path, claim(nil)), http.StatusUnauthorized, "Invalid onboarding session for invitation link.")
	_, others := onboard(t, s, "ann")
	checkError(t, others.Post(t, path, claim(nil)), http.StatusUnauthorized, "Invalid onboarding session for invitation link.")
	wrong := bearer.Post(t, path, claim(map[string]any{"user_id": "ben"}))
	require.Equal(t, http.StatusUnauthorized, wrong.Status)
	require.Contains(t, string(wrong.Body), "Invalid invitation link")
	require.Contains(t, string(wrong.Body), "Got=ben")
	checkInvalid(t, bearer.Post(t, path, claim(map[string]any{"password": "short"})), "string_too_short", "password")
	checkInvalid(t, bearer.Post(t, path, `{"user_id":"ann","password":"correct horse"}`), "missing", "invitation_link")
	checkError(t, bearer.Post(t, path, claim(map[string]any{"invitation_link": "nothing"})), http.StatusUnauthorized, "Invitation link does not exist in db.")
	checkError(t, nobody.Get(t, "/onboarding/get_token?invite_link=nothing"), http.StatusUnauthorized, "Invitation link does not exist in db.")
	checkInvalid(t, nobody.Get(t, "/onboarding/get_token"), "missing", "invite_link")

	claimed := claimAtOnce(t, bearer, claim(nil))
	require.Equal(t, address, claimed["user_email"])
	require.Equal(t, "https://llm.example.com/ui/?login=success", claimed["login_url"])
	require.Equal(t, "ann", userRow().check(t, claimed["user"])["user_id"])
	key, _ := claims(t, claimed["token"])["key"].(string)
	atOnce(t, s, key, "mock")
	used := "Invitation link has already been used."
	checkError(t, bearer.Post(t, path, claim(nil)), http.StatusUnauthorized, used)
	checkError(t, nobody.Get(t, "/onboarding/get_token?invite_link="+link), http.StatusUnauthorized, used)
	info := s.Master().Get(t, "/invitation/info?invitation_id="+link).OK(t)
	require.Equal(t, true, info["is_accepted"])
	require.Equal(t, "ann", info["updated_by"])
	require.Equal(t, []string{"created", "updated"}, trail(t, s, "LiteLLM_UserTable", "ann"))

	late, lateBearer := onboard(t, s, "ann")
	_, err := s.DB().Exec(t.Context(), "UPDATE invitation_link SET expires_at = now() WHERE id = $1", late)
	require.NoError(t, err)
	link = late
	checkError(t, lateBearer.Post(t, path, claim(nil)), http.StatusUnauthorized, "Invitation link has expired.")
	checkError(t, nobody.Get(t, "/onboarding/get_token?invite_link="+late), http.StatusUnauthorized, "Invitation link has expired.")
}

// claimAtOnce claims an invitation several times at once: one of them gets it.
func claimAtOnce(t *testing.T, bearer *stack.Client, body map[string]any) map[string]any {
	t.Helper()
	const path, times = "/onboarding/claim_token", 4
	replies := make([]stack.Reply, times)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() {
			// Where several passwords are hashed on a slow machine, one may have to come back.
			stack.Await(t, "an answer", func() bool {
				replies[i] = bearer.Post(t, path, body)
				return replies[i].Status != http.StatusServiceUnavailable
			})
		})
	}
	wg.Wait()
	var claimed map[string]any
	for _, r := range replies {
		if r.Status != http.StatusOK {
			checkError(t, r, http.StatusUnauthorized, "Invitation link has already been used.")
			continue
		}
		require.Nil(t, claimed, "claimed twice")
		claimed = shape{"login_url": "string", "token": "string", "user_email": "string?", "user": "object"}.check(t, r.OK(t))
	}
	require.NotNil(t, claimed)
	return claimed
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: auditedConfig, DataPlanes: 2, Env: map[string]string{"PROXY_BASE_URL": "https://llm.example.com"}})
	address := mail()
	s.NewUser(t, map[string]any{"user_id": "ann", "user_email": address, "user_role": "internal_user", "password": "correct horse"})
	login := func(name, password string) stack.Reply {
		return s.Client("").Post(t, "/v2/login", map[string]any{"username": name, "password": password})
	}
	r := login(strings.ToUpper(address), "correct horse")
	got := shape{"redirect_url": "string", "token": "string"}.check(t, r.OK(t))
	require.Equal(t, "https://llm.example.com/ui/?login=success", got["redirect_url"])
	key, _ := got["token"].(string)
	require.True(t, strings.HasPrefix(key, ident.KeyPrefix))
	cookie := r.Header.Get("Set-Cookie")
	require.Contains(t, cookie, "token="+key)
	require.Contains(t, cookie, "HttpOnly")
	require.Contains(t, cookie, "Secure")
	atOnce(t, s, key, "mock")

	info := s.Client(key).Get(t, "/key/info").OK(t)["info"].(map[string]any)
	require.Equal(t, "litellm-dashboard", info["team_id"])
	require.Equal(t, "ann", info["user_id"])
	require.InDelta(t, 5, info["max_budget"], 0)
	expires, err := time.Parse(time.RFC3339Nano, info["expires"].(string))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(24*time.Hour), expires, time.Minute)
	require.Equal(t, []string{"created"}, trail(t, s, "LiteLLM_VerificationToken", ident.HashKey(key)))
	// No list of users or their keys has sessions in it.
	require.Empty(t, s.Master().Get(t, "/user/info?user_id=ann").OK(t)["keys"])
	require.InDelta(t, 0, items(t, s.Master().Get(t, "/user/list").OK(t)["users"])[0]["key_count"], 0)
	require.Empty(t, s.Master().Get(t, "/user/info").OK(t)["keys"])

	second, _ := login(address, "correct horse").OK(t)["token"].(string)
	s.Client(key).Post(t, "/user/update", `{"user_id":"ann","password":"battery staple"}`).OK(t)
	require.Equal(t, http.StatusUnauthorized, s.Client(second).Post(t, chatPath, hello("mock")).Status, "a new password ends the other sessions")
	atOnce(t, s, key, "mock")
	refused := refusal{http.StatusUnauthorized, "auth_error", "invalid_credentials", "Invalid credentials used to access UI.\nNot valid credentials for " + address}
	refused.check(t, login(address, "correct horse"))
	login(address, "battery staple").OK(t)
	nobody := mail()
	refused.message = "Not valid credentials for " + nobody
	refused.check(t, login(nobody, "correct horse"))
	checkInvalid(t, s.Client("").Post(t, "/v2/login", `{"username":"x"}`), "missing", "password")
	checkInvalid(t, s.Client("").Post(t, "/v2/login", `{"password":"x"}`), "missing", "username")
	require.NotContains(t, string(s.Master().Get(t, "/audit?page_size=100").Body), "scrypt")
}

func TestLogin_of_the_admin(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig})
	key, _ := s.Client("").Post(t, "/v2/login", map[string]any{"username": "admin", "password": stack.MasterKey}).OK(t)["token"].(string)
	admin := s.Client(key)
	admin.Post(t, "/user/new", `{"user_role":"proxy_admin"}`).OK(t)
	require.Equal(t, "proxy_admin", admin.Get(t, "/user/info").OK(t)["user_info"].(map[string]any)["user_role"])
	got := s.Client("").Post(t, "/v2/login", `{"username":"admin","password":"sk-wrong"}`)
	require.Equal(t, http.StatusUnauthorized, got.Status)

	own := stack.Start(t, stack.Options{Config: mockConfig, Env: map[string]string{"UI_USERNAME": "root", "UI_PASSWORD": "battery staple"}})
	redirect, _ := own.Client("").Post(t, "/v2/login", `{"username":"root","password":"battery staple"}`).OK(t)["redirect_url"].(string)
	require.Equal(t, own.DataPlane(0)+"/ui/?login=success", redirect, "where nothing is configured, the address that was asked")
	got = own.Client("").Post(t, "/v2/login", map[string]any{"username": "root", "password": stack.MasterKey})
	require.Equal(t, http.StatusUnauthorized, got.Status)
}

// A password can not be guessed for long, at whatever plane.
func TestLogins_are_bounded(t *testing.T) {
	t.Parallel()
	s := stack.Start(t, stack.Options{Config: mockConfig, ControlPlanes: 2})
	address := mail()
	s.NewUser(t, map[string]any{"user_email": address, "password": "correct horse"})
	login := func(plane int, name, password string) stack.Reply {
		return s.Client("").At(s.ControlPlane(plane)).Post(t, "/v2/login", map[string]any{"username": name, "password": password})
	}
	replies := make([]stack.Reply, 12)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() { replies[i] = login(i%2, address, "wrong horse") })
	}
	wg.Wait()
	statuses := map[int]int{}
	for _, r := range replies {
		statuses[r.Status]++
	}
	// Two passwords are checked at once: on a slow machine the last ones are not in time, and count all the same.
	require.Equal(t, 10, statuses[http.StatusUnauthorized]+statuses[http.StatusServiceUnavailable], "%v", statuses)
	require.Equal(t, 2, statuses[http.StatusTooManyRequests], "%v", statuses)
	blocked := login(0, address, "correct horse")
	refusal{http.StatusTooManyRequests, "auth_error", "max_failed_login_attempts", "Too many failed sign-in attempts. Try again later."}.check(t, blocked)
	require.NotEmpty(t, blocked.Header.Get("Retry-After"))
	require.Equal(t, http.StatusUnauthorized, login(0, mail(), "wrong horse").Status, "another name from there")
	elsewhere := s.Client("").At(s.ControlPlane(1)).With("X-Forwarded-For", "203.0.113.7")
	elsewhere.Post(t, "/v2/login", map[string]any{"username": address, "password": "correct horse"}).OK(t)
}
