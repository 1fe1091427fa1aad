package transport

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/route"
)

func alive(c echo.Context) error {
	return c.JSON(http.StatusOK, "I'm alive!")
}

// readiness says whether management calls can be answered, and what is
// degraded.
func (s *server) readiness(c echo.Context) error {
	h := s.Health(c.Request().Context())
	status, word, database := http.StatusOK, "healthy", "connected"
	switch {
	case !h.Ready:
		status, word, database = http.StatusServiceUnavailable, "not ready", "disconnected"
	case len(h.Degraded) > 0:
		word = "degraded"
	}
	degraded := h.Degraded
	if degraded == nil {
		degraded = []string{}
	}
	return c.JSON(status, map[string]any{
		"status": word, "db": database, "degraded": degraded, "plane": contract.ControlPlane, "version": s.Version,
	})
}

// health shows the replicas of both planes and what they last saw.
func (s *server) health(c echo.Context) error {
	members, err := s.Members(c.Request().Context())
	if err != nil {
		return apierr.Unavailable(apierr.TypeUnavailable, "The live view of replicas is not available: NATS does not answer.", time.Second).Because(err)
	}
	return c.JSON(http.StatusOK, map[string]any{"replicas": members, "count": len(members)})
}

func routes(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"routes": route.List()})
}

func (s *server) root(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"message": "TianjiLLM control plane", "version": s.Version})
}
