package transport

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/invitation"
	"github.com/tianjillm/tianjillm/controlplane/internal/login"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// entrance are the handlers by which people come in.
func (s *server) entrance() map[string]echo.HandlerFunc {
	return map[string]echo.HandlerFunc{
		"POST /invitation/new":         with(s.Invitations.New),
		"POST /invitation/update":      with(s.Invitations.Update),
		"POST /invitation/delete":      with(s.Invitations.Delete),
		"GET /invitation/info":         s.invitationInfo,
		"GET /onboarding/get_token":    s.onboardingToken,
		"POST /onboarding/claim_token": s.onboardingClaim,
		"POST /v2/login":               s.login,
	}
}

func (s *server) invitationInfo(c echo.Context) error {
	id := c.QueryParam("invitation_id")
	if id == "" {
		return missingQuery("invitation_id")
	}
	out, err := s.Invitations.Info(c.Request().Context(), callerOf(c), id)
	return reply(c, out, err)
}

func (s *server) onboardingToken(c echo.Context) error {
	link := c.QueryParam("invite_link")
	if link == "" {
		return missingQuery("invite_link")
	}
	out, err := s.Invitations.Onboard(c.Request().Context(), link, s.base(c))
	return reply(c, out, err)
}

func (s *server) onboardingClaim(c echo.Context) error {
	var r invitation.ClaimRequest
	if err := decode(c, &r); err != nil {
		return err
	}
	scheme, bearer, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "bearer") {
		bearer = ""
	}
	out, err := s.Invitations.Claim(c.Request().Context(), strings.TrimSpace(bearer), &r, s.base(c))
	return reply(c, out, err)
}

// loggedIn is the reply of /v2/login.
type loggedIn struct {
	RedirectURL string `json:"redirect_url"`
	Token       string `json:"token"`
}

func (s *server) login(c echo.Context) error {
	var r login.Request
	if err := decode(c, &r); err != nil {
		return err
	}
	key, expires, err := s.Logins.Login(c.Request().Context(), client(c.Request()), &r)
	if err != nil {
		return err
	}
	base := s.base(c)
	setSession(c, base, key, expires)
	return reply(c, loggedIn{RedirectURL: base + "/ui/?login=success", Token: key}, nil)
}

// setSession gives a browser the key of its session.
func setSession(c echo.Context, base, key string, expires time.Time) {
	c.SetCookie(&http.Cookie{ //nolint:gosec // it is secure where the installation is
		Name: "token", Value: key, Path: "/", Expires: expires, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(base, "https:"),
	})
}

// base is the address under which people reach the installation: the configured
// one, and else the one that they have used.
func (s *server) base(c echo.Context) string {
	if s.BaseURL != "" {
		return strings.TrimSuffix(s.BaseURL, "/")
	}
	r := c.Request()
	scheme, host := c.Scheme(), r.Host
	if forwarded := r.Header.Get("X-Forwarded-Host"); forwarded != "" {
		host = forwarded
	}
	return scheme + "://" + host
}

// client is where a client is. Data planes and proxies before them are inside,
// and say whom they ask for; the last one who says it is believed.
func client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() && !ip.IsPrivate() {
		return host
	}
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) == 0 {
		return host
	}
	last := forwarded[len(forwarded)-1]
	if i := strings.LastIndexByte(last, ','); i >= 0 {
		last = last[i+1:]
	}
	return strings.TrimSpace(last)
}

// missingQuery refuses a query without a parameter.
func missingQuery(name string) error {
	e := apierr.Invalid("missing", name, "Field required")
	e.Invalid.Loc[0] = "query"
	return e
}
