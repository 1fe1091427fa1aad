package contract_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/stack"
	"github.com/tianjillm/tianjillm/testkit/oidctest"
)

func ssoStack(t *testing.T, idp *oidctest.Provider, more map[string]string) *stack.Stack {
	t.Helper()
	env := map[string]string{"GENERIC_CLIENT_ID": oidctest.ClientID, "GENERIC_CLIENT_SECRET": oidctest.ClientSecret, "GENERIC_ISSUER": idp.URL, "PROXY_ADMIN_ID": "the-admin"}
	for name, value := range more {
		env[name] = value
		if value == "" {
			delete(env, name)
		}
	}
	return stack.Start(t, stack.Options{
		Config: `
model_list:
- model_name: mock
  litellm_params: {model: mock/echo}
litellm_settings:
  store_audit_logs: true
  default_internal_user_params: {user_role: internal_user, max_budget: 7}
`,
		Env: env,
	})
}

// browser follows redirects and keeps cookies, as people's do.
type browser struct{ http *http.Client }

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{&http.Client{Jar: jar, Timeout: time.Minute}}
}

func (b *browser) get(t *testing.T, address string, header http.Header) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	if header != nil {
		req.Header = header
	}
	resp, err := b.http.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, body
}

// login goes through the whole flow, and returns the answer of the callback.
func login(t *testing.T, base string) (int, map[string]any) {
	t.Helper()
	resp, body := newBrowser(t).get(t, base+"/sso/key/generate", nil)
	var o map[string]any
	require.NoError(t, json.Unmarshal(body, &o), "%s", body)
	return resp.StatusCode, o
}

func TestSSO_login(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := ssoStack(t, idp, nil)
	for i, base := range []string{s.DataPlane(0), s.ControlPlane(0)} { // through a data plane, and directly
		idp.Person(map[string]any{"sub": "someone", "email": "someone@example.com", "email_verified": true, "name": "Some One"})
		status, out := login(t, base)
		require.Equal(t, http.StatusOK, status, "%v", out)
		token, _ := out["token"].(string)
		require.True(t, strings.HasPrefix(token, "sk-"))
		require.Equal(t, "someone", out["user_id"])
		require.Equal(t, "internal_user", out["user_role"])
		expires, err := time.Parse(time.RFC3339Nano, out["expires"].(string))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().Add(24*time.Hour), expires, time.Minute)
		mine := s.Client(token).Get(t, "/user/info").OK(t)
		require.Equal(t, "someone", mine["user_id"])
		row, _ := mine["user_info"].(map[string]any)
		require.Equal(t, "someone@example.com", row["user_email"])
		require.InDelta(t, 7, row["max_budget"], 0, "the settings' defaults, login %d", i)
	}
	var users, audited int
	require.NoError(t, s.DB().QueryRow(t.Context(), `SELECT count(*) FROM user_table WHERE sso_user_id = 'someone'`).Scan(&users))
	require.NoError(t, s.DB().QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE table_name = 'user_table' AND object_id = 'someone'`).Scan(&audited))
	require.Equal(t, [2]int{1, 1}, [2]int{users, audited})

	idp.Person(map[string]any{"sub": "the-admin"})
	_, out := login(t, s.ControlPlane(0))
	require.Equal(t, "proxy_admin", out["user_role"])
	token, _ := out["token"].(string)
	s.Client(token).Get(t, "/audit").OK(t)

	idp.Person(map[string]any{"sub": "reader", "role": "proxy_admin_viewer"})
	_, out = login(t, s.ControlPlane(0))
	require.Equal(t, "proxy_admin_viewer", out["user_role"])
	idp.Person(map[string]any{"sub": "reader", "role": "internal_user"})
	_, out = login(t, s.ControlPlane(0))
	require.Equal(t, "internal_user", out["user_role"], "the role of each login")
}

func TestSSO_existing_users(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := ssoStack(t, idp, nil)
	s.NewUser(t, map[string]any{"user_id": "known", "user_email": "known@example.com", "user_role": "proxy_admin"})
	idp.Person(map[string]any{"sub": "thief", "email": "known@example.com"})
	status, out := login(t, s.ControlPlane(0))
	require.Equal(t, http.StatusOK, status, "%v", out)
	require.Equal(t, "thief", out["user_id"], "an address that nobody has proved is nobody's")
	idp.Person(map[string]any{"sub": "thief-2", "email": "known@example.com", "email_verified": false})
	_, out = login(t, s.ControlPlane(0))
	require.Equal(t, "thief-2", out["user_id"])

	idp.Person(map[string]any{"sub": "subject", "email": "Known@example.com", "email_verified": true})
	_, out = login(t, s.ControlPlane(0))
	require.Equal(t, "known", out["user_id"])
	require.Equal(t, "proxy_admin", out["user_role"], "their role stays")
	idp.Person(map[string]any{"sub": "another", "email": "known@example.com", "email_verified": true})
	status, out = login(t, s.ControlPlane(0))
	require.Equal(t, http.StatusForbidden, status, "who has a login is not taken over by another: %v", out)
	idp.Person(map[string]any{"sub": "subject"})
	_, out = login(t, s.ControlPlane(0))
	require.Equal(t, "known", out["user_id"], "by the id from then on")
	_, err := s.DB().Exec(t.Context(), `UPDATE user_table SET metadata = '{"scim_active":false}' WHERE user_id = 'known'`)
	require.NoError(t, err)
	status, _ = login(t, s.ControlPlane(0))
	require.Equal(t, http.StatusForbidden, status, "deactivated")
}

func TestSSO_domains(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := ssoStack(t, idp, map[string]string{"ALLOWED_EMAIL_DOMAINS": "example.com, example.org"})
	for _, tc := range []struct {
		person map[string]any
		status int
	}{
		{map[string]any{"sub": "a", "email": "a@example.org", "email_verified": true}, 200},
		{map[string]any{"sub": "b", "email": "b@evil.com", "email_verified": true}, 403},
		{map[string]any{"sub": "c", "email": "c@example.com"}, 403},
		{map[string]any{"sub": "d"}, 403},
	} {
		idp.Person(tc.person)
		status, out := login(t, s.ControlPlane(0))
		require.Equal(t, tc.status, status, "%v", out)
	}
}

// By its addresses, without an issuer, the provider itself says who somebody is.
func TestSSO_by_addresses(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := ssoStack(t, idp, map[string]string{
		"GENERIC_ISSUER": "", "GENERIC_AUTHORIZATION_ENDPOINT": idp.URL + "/authorize", "GENERIC_TOKEN_ENDPOINT": idp.URL + "/token",
		"GENERIC_USERINFO_ENDPOINT": idp.URL + "/userinfo", "GENERIC_USER_ID_ATTRIBUTE": "preferred_username",
	})
	idp.Person(map[string]any{"sub": "1", "preferred_username": "nick"})
	status, out := login(t, s.ControlPlane(0))
	require.Equal(t, http.StatusOK, status, "%v", out)
	require.Equal(t, "nick", out["user_id"])
}

func TestSSO_refuses_what_was_not_begun_here(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := ssoStack(t, idp, nil)
	idp.Person(map[string]any{"sub": "victim"})
	base := s.ControlPlane(0)
	stop := func(b *browser) {
		b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	begin := func(b *browser) *url.URL { // to the provider's answer, without following it
		stop(b)
		resp, _ := b.get(t, base+"/sso/key/generate", nil)
		require.Equal(t, http.StatusSeeOther, resp.StatusCode)
		cookie := resp.Header.Get("Set-Cookie")
		require.Contains(t, cookie, "HttpOnly")
		require.Contains(t, cookie, "SameSite=Lax")
		resp, _ = b.get(t, resp.Header.Get("Location"), nil)
		back, err := url.Parse(resp.Header.Get("Location"))
		require.NoError(t, err)
		return back
	}
	good := newBrowser(t)
	back := begin(good)
	refused := func(b *browser, address, want string) {
		t.Helper()
		resp, body := b.get(t, address, nil)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode, "%s", body)
		require.Contains(t, string(body), want)
		for _, c := range resp.Cookies() {
			require.NotEqual(t, "token", c.Name)
		}
	}
	refused(newBrowser(t), back.String(), "begun in another browser")
	other := newBrowser(t)
	begin(other)
	refused(other, back.String(), "state differs")
	q := back.Query()
	q.Set("code", "made-up")
	forged := *back
	forged.RawQuery = q.Encode()
	third := newBrowser(t)
	mine := begin(third).Query()
	mine.Set("code", "made-up")
	forged.RawQuery = mine.Encode()
	refused(third, forged.String(), "does not take the code")
	fourth := newBrowser(t)
	mine = begin(fourth).Query()
	mine.Del("code")
	mine.Set("error", "access_denied")
	forged.RawQuery = mine.Encode()
	refused(fourth, forged.String(), "access_denied")

	resp, body := good.get(t, back.String(), http.Header{"Accept": {"text/html,application/xhtml+xml"}})
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", body)
	require.Contains(t, string(body), "You are logged in")
	require.NotContains(t, string(body), "sk-")
	refused(good, back.String(), "Start again") // a code is good for one login
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	var session *http.Cookie
	for _, c := range resp.Cookies() {
		if c.Name == "token" {
			session = c
		}
	}
	require.NotNil(t, session)
	require.True(t, session.HttpOnly)
	s.Client(session.Value).Get(t, "/user/info").OK(t)

	idp.SetDown(true)
	fresh := ssoStack(t, idp, nil)
	resp, _ = newBrowser(t).get(t, fresh.ControlPlane(0)+"/sso/key/generate", nil)
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	resp, _ = newBrowser(t).get(t, base+"/sso/key/generate?provider=google", nil)
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
}

// Whoever made a user may know a password and keys of theirs. With the first
// login through a provider, which may say that the user is an admin, that ends.
func TestSSO_takes_users_over(t *testing.T) {
	t.Parallel()
	idp := oidctest.Start(t)
	s := ssoStack(t, idp, nil)
	made := s.Master().Post(t, "/user/new", map[string]any{"user_email": "chief@example.com", "password": "known to another", "user_role": "internal_user"}).OK(t)
	id, _ := made["user_id"].(string)
	known := s.Client(made["key"].(string))
	session, _ := s.Master().Post(t, "/v2/login", map[string]any{"username": "chief@example.com", "password": "known to another"}).OK(t)["token"].(string)
	s.Client(session).Get(t, "/user/info").OK(t)
	known.Get(t, "/user/info").OK(t)

	idp.Person(map[string]any{"sub": "chief", "email": "chief@example.com", "email_verified": true, "role": "proxy_admin"})
	status, out := login(t, s.ControlPlane(0))
	require.Equal(t, http.StatusOK, status, "%v", out)
	require.Equal(t, id, out["user_id"])
	require.Equal(t, "proxy_admin", out["user_role"])
	chief := s.Client(out["token"].(string))
	chief.Get(t, "/audit").OK(t)

	require.Equal(t, http.StatusUnauthorized, known.Get(t, "/audit").Status)
	require.Equal(t, id, known.Get(t, "/key/info").OK(t)["info"].(map[string]any)["user_id"], "it is the user's all the same")
	require.Equal(t, http.StatusUnauthorized, s.Client(session).Get(t, "/user/info").Status)
	require.Equal(t, http.StatusUnauthorized, s.Master().Post(t, "/v2/login", map[string]any{"username": "chief@example.com", "password": "known to another"}).Status)
	status, out = login(t, s.ControlPlane(0))
	require.Equal(t, http.StatusOK, status)
	chief.Get(t, "/audit").OK(t) // another login ends nothing
	require.NotEmpty(t, out["token"])
}
