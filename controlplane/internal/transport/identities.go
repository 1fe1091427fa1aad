package transport

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/jwtmapping"
	"github.com/tianjillm/tianjillm/controlplane/internal/sso"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// identities are the handlers of what identity providers say: whom their tokens
// stand for, and who logs in by them.
func (s *server) identities() map[string]echo.HandlerFunc {
	return map[string]echo.HandlerFunc{
		"POST /jwt/key/mapping/new":    with(s.Mappings.New),
		"POST /jwt/key/mapping/update": with(s.Mappings.Update),
		"POST /jwt/key/mapping/delete": with(s.Mappings.Delete),
		"GET /jwt/key/mapping/list":    s.mappingList,
		"GET /jwt/key/mapping/info":    s.mappingInfo,
		"GET /sso/key/generate":        s.ssoBegin,
		"GET /sso/callback":            s.ssoFinish,
	}
}

func (s *server) mappingList(c echo.Context) error {
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "size", 50, 1, jwtmapping.MostPage)
	if err != nil {
		return err
	}
	out, err := s.Mappings.List(c.Request().Context(), page, size)
	return reply(c, out, err)
}

func (s *server) mappingInfo(c echo.Context) error {
	id := c.QueryParam("id")
	if id == "" {
		return missingQuery("id")
	}
	out, err := s.Mappings.Info(c.Request().Context(), id)
	return reply(c, out, err)
}

// ssoCookie holds a login that is under way.
const ssoCookie = "tianji_sso"

func ssoOff() *apierr.Error {
	return apierr.Detail(http.StatusNotFound, "Single sign-on is not configured: set GENERIC_CLIENT_ID, GOOGLE_CLIENT_ID or MICROSOFT_CLIENT_ID.")
}

// ssoBegin sends a browser to the identity provider.
func (s *server) ssoBegin(c echo.Context) error {
	if s.SSO == nil {
		return ssoOff()
	}
	base := s.base(c)
	location, cookie, err := s.SSO.Begin(c.Request().Context(), c.QueryParam("provider"), base)
	if err != nil {
		return err
	}
	s.setLogin(c, base, cookie, sso.Lifetime())
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, location)
}

// ssoFinish opens the session of whoever comes back: as JSON, or as a page for
// browsers that ask for one. Both have the cookie of the session.
func (s *server) ssoFinish(c echo.Context) error {
	if s.SSO == nil {
		return ssoOff()
	}
	base := s.base(c)
	r := sso.Returned{State: c.QueryParam("state"), Code: c.QueryParam("code"), Failure: c.QueryParam("error")}
	if cookie, err := c.Cookie(ssoCookie); err == nil {
		r.Cookie = cookie.Value
	}
	s.setLogin(c, base, "", -time.Second)
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	out, err := s.SSO.Finish(c.Request().Context(), r)
	if err != nil {
		return err
	}
	setSession(c, base, out.Token, out.Expires)
	if strings.Contains(c.Request().Header.Get(echo.HeaderAccept), echo.MIMETextHTML) {
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		return c.HTML(http.StatusOK, loggedInPage)
	}
	return reply(c, out, nil)
}

func (s *server) setLogin(c echo.Context, base, value string, lasts time.Duration) {
	c.SetCookie(&http.Cookie{ //nolint:gosec // secure wherever people come by https
		Name: ssoCookie, Value: value, Path: "/sso", MaxAge: int(lasts.Seconds()), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // the provider sends the browser back
		Secure:   strings.HasPrefix(base, "https:"),
	})
}

const loggedInPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Logged in</title></head>
<body><h1>You are logged in</h1><p>This browser has a session for 24 hours. You can close this page.</p></body></html>
`
