package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/scim"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// provisioning are the handlers of SCIM.
func (s *server) provisioning() map[string]echo.HandlerFunc {
	return map[string]echo.HandlerFunc{
		"GET /scim/v2/ServiceProviderConfig": s.scimAbout(func(base, _ string) (any, error) { return scim.ServiceProvider(base), nil }),
		"GET /scim/v2/ResourceTypes":         s.scimAbout(func(base, _ string) (any, error) { return scim.ResourceTypes(base), nil }),
		"GET /scim/v2/ResourceTypes/:id":     s.scimAbout(func(base, id string) (any, error) { return scim.ResourceTypeOf(id, base) }),
		"GET /scim/v2/Schemas":               s.scimAbout(func(base, _ string) (any, error) { return scim.Schemas(base), nil }),
		"GET /scim/v2/Schemas/:id":           s.scimAbout(func(base, id string) (any, error) { return scim.SchemaOf(id, base) }),

		"GET /scim/v2/Users":        scimList(s, s.SCIM.Users),
		"GET /scim/v2/Users/:id":    scimGet(s, s.SCIM.User, userMeta),
		"POST /scim/v2/Users":       scimWrite(s, http.StatusCreated, s.SCIM.CreateUser, userMeta),
		"PUT /scim/v2/Users/:id":    scimWrite(s, http.StatusOK, s.SCIM.ReplaceUser, userMeta),
		"PATCH /scim/v2/Users/:id":  scimWrite(s, http.StatusOK, s.SCIM.PatchUser, userMeta),
		"DELETE /scim/v2/Users/:id": s.scimDelete(s.SCIM.DeleteUser),

		"GET /scim/v2/Groups":        scimList(s, s.SCIM.Groups),
		"GET /scim/v2/Groups/:id":    scimGet(s, s.SCIM.Group, groupMeta),
		"POST /scim/v2/Groups":       scimWrite(s, http.StatusCreated, s.SCIM.CreateGroup, groupMeta),
		"PUT /scim/v2/Groups/:id":    scimWrite(s, http.StatusOK, s.SCIM.ReplaceGroup, groupMeta),
		"PATCH /scim/v2/Groups/:id":  scimWrite(s, http.StatusOK, s.SCIM.PatchGroup, groupMeta),
		"DELETE /scim/v2/Groups/:id": s.scimDelete(s.SCIM.DeleteGroup),
	}
}

func userMeta(u scim.User) scim.Meta   { return u.Meta }
func groupMeta(g scim.Group) scim.Meta { return g.Meta }

// inSCIM answers errors in SCIM's shape, those of authentication too.
func (s *server) inSCIM(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil || c.Response().Committed {
			return err
		}
		e := scim.Public(err)
		if e.Status >= http.StatusInternalServerError {
			s.Logger.LogAttrs(c.Request().Context(), slog.LevelError, "management request failed", slog.String("route", c.Path()),
				slog.String("request_id", c.Request().Header.Get(requestIDHeader)), slog.Int("status", e.Status), slog.Any("error", err))
		}
		return c.Blob(e.Status, scim.MediaType, e.JSON())
	}
}

func (s *server) scimAbout(about func(base, id string) (any, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		out, err := about(s.scimBase(c), scimID(c))
		if err != nil {
			return err
		}
		return scimReply(c, http.StatusOK, out)
	}
}

func scimList[Resource any](s *server, list func(context.Context, *scim.Query) (scim.List[Resource], error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		q := &scim.Query{Filter: c.QueryParam("filter"), Count: -1, NoMembers: without(c, "members"), Location: s.scimBase(c)}
		for name, to := range map[string]*int{"startIndex": &q.Start, "count": &q.Count} {
			text := c.QueryParam(name)
			if text == "" {
				continue
			}
			n, err := strconv.Atoi(text)
			if err != nil {
				return &scim.Error{Status: http.StatusBadRequest, Type: scim.InvalidValue, Detail: name + " must be a number"}
			}
			*to = max(n, 0) // less than 0 is 0: https://www.rfc-editor.org/rfc/rfc7644#section-3.4.2.4
		}
		out, err := list(c.Request().Context(), q)
		if err != nil {
			return err
		}
		chosen := make([]any, len(out.Resources))
		for i := range out.Resources {
			if chosen[i], err = scim.Choose(out.Resources[i], c.QueryParam("attributes"), c.QueryParam("excludedAttributes")); err != nil {
				return err
			}
		}
		return scimReply(c, http.StatusOK, scim.List[any]{Schemas: out.Schemas, Total: out.Total, Start: out.Start, PerPage: out.PerPage, Resources: chosen})
	}
}

// without reports whether an attribute of resources is not wanted.
func without(c echo.Context, attribute string) bool {
	for one := range strings.SplitSeq(c.QueryParam("excludedAttributes"), ",") {
		if strings.EqualFold(strings.TrimSpace(one), attribute) {
			return true
		}
	}
	return false
}

func scimGet[Resource any](s *server, get func(context.Context, string, string) (Resource, error), meta func(Resource) scim.Meta) echo.HandlerFunc {
	return func(c echo.Context) error {
		out, err := get(c.Request().Context(), scimID(c), s.scimBase(c))
		if err != nil {
			return err
		}
		version := meta(out).Version
		c.Response().Header().Set("ETag", version)
		if seen := c.Request().Header.Get("If-None-Match"); seen != "" && scim.Matches(seen, version) {
			return c.NoContent(http.StatusNotModified)
		}
		return scimResource(c, http.StatusOK, out)
	}
}

func scimWrite[Resource any](
	s *server, status int, write func(context.Context, caller.Caller, *scim.Change) (Resource, error), meta func(Resource) scim.Meta,
) echo.HandlerFunc {
	return func(c echo.Context) error {
		change := s.scimChange(c)
		var err error
		if change.Body, err = io.ReadAll(c.Request().Body); err != nil {
			if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return apierr.BodyTooLarge(tooLarge.Limit)
			}
			return apierr.BadRequest("Request body could not be read to its end").Because(err)
		}
		out, err := write(c.Request().Context(), callerOf(c), change)
		if err != nil {
			return err
		}
		about := meta(out)
		c.Response().Header().Set("ETag", about.Version)
		if status == http.StatusCreated {
			c.Response().Header().Set(echo.HeaderLocation, about.Location)
		}
		return scimResource(c, status, out)
	}
}

func (s *server) scimDelete(remove func(context.Context, caller.Caller, *scim.Change) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := remove(c.Request().Context(), callerOf(c), s.scimChange(c)); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
}

func (s *server) scimChange(c echo.Context) *scim.Change {
	return &scim.Change{ID: scimID(c), IfMatch: c.Request().Header.Get("If-Match"), Location: s.scimBase(c)}
}

// scimResource sends the attributes of a resource that are wanted.
func scimResource(c echo.Context, status int, resource any) error {
	out, err := scim.Choose(resource, c.QueryParam("attributes"), c.QueryParam("excludedAttributes"))
	if err != nil {
		return err
	}
	return scimReply(c, status, out)
}

func scimReply(c echo.Context, status int, body any) error {
	c.Response().Header().Set(echo.HeaderContentType, scim.MediaType)
	c.Response().WriteHeader(status)
	return c.Echo().JSONSerializer.Serialize(c, body, "")
}

// scimID is the id in a path, which may have any characters.
func scimID(c echo.Context) string {
	id := c.Param("id")
	if c.Request().URL.RawPath == "" {
		return id
	}
	if plain, err := url.PathUnescape(id); err == nil {
		return plain
	}
	return id
}

// scimBase is where clients reach SCIM.
func (s *server) scimBase(c echo.Context) string {
	base := strings.TrimRight(s.BaseURL, "/")
	if base == "" {
		r := c.Request()
		scheme, host := c.Scheme(), r.Host
		if forwarded := r.Header.Get("X-Forwarded-Host"); forwarded != "" {
			host = forwarded
		}
		base = scheme + "://" + host
	}
	return base + scim.Base
}
