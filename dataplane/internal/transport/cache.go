package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/dataplane/internal/cache"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Cache is what can be done about the cache of answers.
type Cache interface {
	Status() (cache.Status, error)
	Ping(ctx context.Context) error
	Delete(ctx context.Context, keys []string) error
	FlushAll(ctx context.Context) error
	Info(ctx context.Context) (cache.Info, error)
}

const (
	// cacheTimeout bounds a command about the cache.
	cacheTimeout = 10 * time.Second
	maxCacheBody = 1 << 20
	// typePing is LiteLLM's type of the error of /cache/ping.
	typePing = "cache_ping_error"
)

func (o Options) cacheRoutes(h map[string]echo.HandlerFunc) {
	h["GET /cache/ping"] = managed(o.cachePing)
	h["POST /cache/delete"] = managed(o.cacheDelete)
	h["POST /cache/flushall"] = managed(o.cacheFlush)
	h["GET /cache/redis/info"] = managed(o.cacheInfo)
}

// managed bounds a command. Its errors go to the client.
func managed(serve func(context.Context, echo.Context) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), cacheTimeout)
		defer cancel()
		if err := serve(ctx, c); err != nil {
			apierr.Public(err).Write(c.Response())
		}
		return nil
	}
}

func (o Options) cachePing(ctx context.Context, c echo.Context) error {
	status, err := o.Cache.Status()
	if err == nil {
		err = o.Cache.Ping(ctx)
	}
	if err != nil {
		e := unhealthy(typePing, err)
		e.Param = "cache_ping"
		return e
	}
	answer := map[string]any{"status": "healthy", "cache_type": status.Kind, "litellm_cache_params": status.Params}
	if status.Shared {
		answer["ping_response"], answer["set_cache_response"] = true, "success"
	}
	return c.JSON(http.StatusOK, answer)
}

// unhealthy is LiteLLM's answer when a command about the cache fails. What NATS
// says of itself is for the log.
func unhealthy(typ string, err error) *apierr.Error {
	reason := "the shared tier does not answer"
	if errors.Is(err, cache.ErrOff) {
		reason = "Cache not initialized. litellm.cache is None"
	}
	return apierr.New(http.StatusServiceUnavailable, typ, "Service Unhealthy (%s)", reason).Because(err)
}

func (o Options) cacheDelete(ctx context.Context, c echo.Context) error {
	var body struct {
		Keys []string `json:"keys"`
	}
	err := json.NewDecoder(http.MaxBytesReader(nil, c.Request().Body, maxCacheBody)).Decode(&body)
	if err != nil {
		return apierr.BadRequest(`Cache Delete Failed(want a body {"keys": ["…"]})`).Because(err)
	}
	switch err := o.Cache.Delete(ctx, body.Keys); {
	case errors.Is(err, cache.ErrKeys):
		return apierr.BadRequest("Cache Delete Failed(%s)", err.Error()).Because(err)
	case err != nil:
		return unhealthy(apierr.TypeUnavailable, err)
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "success"})
}

func (o Options) cacheFlush(ctx context.Context, c echo.Context) error {
	if err := o.Cache.FlushAll(ctx); err != nil {
		return unhealthy(apierr.TypeUnavailable, err)
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "success"})
}

// cacheInfo shows both tiers in the place of what Redis says of itself; its
// clients are the data planes that are alive.
func (o Options) cacheInfo(ctx context.Context, c echo.Context) error {
	info, err := o.Cache.Info(ctx)
	if err != nil {
		return unhealthy(apierr.TypeUnavailable, err)
	}
	clients := []map[string]any{}
	members, err := o.Members(ctx)
	if err != nil {
		members = nil // the live view is another part of NATS
	}
	for i := range members {
		if m := &members[i]; m.Plane == contract.DataPlane {
			clients = append(clients, map[string]any{"name": m.Replica, "addr": m.Listen})
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"num_clients": len(clients), "clients": clients, "info": info})
}
