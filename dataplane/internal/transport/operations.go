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

// readiness says whether traffic may come, and what is degraded. A degraded
// data plane is ready: it serves what it knows.
func (o Options) readiness(c echo.Context) error {
	h := o.Health()
	status, word := http.StatusOK, "healthy"
	switch {
	case !h.Ready:
		status, word = http.StatusServiceUnavailable, "not ready"
	case len(h.Degraded) > 0:
		word = "degraded"
	}
	degraded := h.Degraded
	if degraded == nil {
		degraded = []string{}
	}
	return c.JSON(status, map[string]any{"status": word, "degraded": degraded, "plane": contract.DataPlane, "version": o.Version})
}

// health shows the replicas of both planes and what they last saw.
func (o Options) health(c echo.Context) error {
	if err := o.Pipeline.Check(c.Request(), &route.Route{Method: http.MethodGet, Access: route.AnyKey}); err != nil {
		apierr.Public(err).Write(c.Response())
		return nil
	}
	members, err := o.Members(c.Request().Context())
	if err != nil {
		apierr.Unavailable(apierr.TypeUnavailable, "The live view of replicas is not available: NATS does not answer.", time.Second).Because(err).Write(c.Response())
		return nil
	}
	return c.JSON(http.StatusOK, map[string]any{"replicas": members, "count": len(members)})
}

func routes(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{"routes": route.List()})
}

func (o Options) root(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"message": "TianjiLLM data plane", "version": o.Version})
}
