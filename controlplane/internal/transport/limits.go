package transport

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// limits shows how the limits of somebody stand. An id with a slash in it is
// escaped.
func (s *server) limits(c echo.Context) error {
	id, err := url.PathUnescape(c.Param("id"))
	if err != nil {
		return apierr.BadRequest("the id in the path can not be read: want it escaped, such as openai%%2Fgpt-4o")
	}
	out, err := s.Limits.Show(c.Request().Context(), callerOf(c), c.Param("kind"), id)
	return reply(c, out, err)
}
