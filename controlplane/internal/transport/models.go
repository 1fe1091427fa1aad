package transport

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/controlplane/internal/accessgroup"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/model"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// models are the handlers of deployments, credentials, access groups and
// fallbacks.
func (s *server) models() map[string]echo.HandlerFunc {
	all := map[string]echo.HandlerFunc{
		"POST /model/new":         with(s.Models.New),
		"POST /model/update":      with(s.Models.Update),
		"POST /model/delete":      with(s.modelDelete),
		"PATCH /model/:id/update": at("id", s.Models.Patch),
		"GET /model/info":         s.modelInfo,
		"GET /v1/model/info":      s.modelInfo,
		"GET /v2/model/info":      s.modelPage,
		"GET /model_group/info":   s.modelGroups,

		"GET /model/metrics":                 s.metrics(30, s.modelLatency),
		"GET /model/streaming_metrics":       s.metrics(7, s.modelFirstToken),
		"GET /model/metrics/slow_responses":  s.metrics(30, s.modelSlow),
		"GET /model/metrics/exceptions":      s.metrics(30, s.modelExceptions),
		"GET /model/settings":                func(c echo.Context) error { return c.JSON(http.StatusOK, s.Models.ProviderSettings()) },
		"GET /get/litellm_model_cost_map":    s.costMap,
		"GET /public/litellm_model_cost_map": s.costMap,
		"POST /reload/model_cost_map":        s.reloadPrices,

		"POST /credentials":             with(s.Credentials.New),
		"GET /credentials":              plain(s.Credentials.List),
		"GET /credentials/by_name/*":    of("*", s.Credentials.ByName),
		"GET /credentials/by_model/:id": of("id", s.Credentials.ByModel),
		"PATCH /credentials/*":          at("*", s.Credentials.Update),
		"DELETE /credentials/*":         of("*", s.Credentials.Delete),

		"POST /access_group/new":            with(s.Models.NewAccessGroup),
		"GET /access_group/list":            plain(s.Models.AccessGroups),
		"GET /access_group/:id/info":        of("id", s.Models.AccessGroup),
		"PUT /access_group/:id/update":      at("id", s.accessGroupUpdate),
		"DELETE /access_group/:name/delete": of("name", s.Models.DeleteAccessGroup),

		"POST /fallback":     with(s.Fallbacks.Put),
		"GET /fallback/*":    s.fallbackGet,
		"DELETE /fallback/*": s.fallbackDelete,
	}
	for _, prefix := range []string{"/v1/access_group", "/v1/unified_access_group"} {
		all["POST "+prefix] = s.unifiedNew
		all["GET "+prefix] = plain(s.AccessGroups.List)
		all["GET "+prefix+"/:id"] = of("id", s.AccessGroups.Get)
		all["PUT "+prefix+"/:id"] = at("id", s.AccessGroups.Update)
		all["DELETE "+prefix+"/:id"] = s.unifiedDelete
	}
	return all
}

// pathText returns a part of the path, which may hold slashes.
func pathText(c echo.Context, name string) string {
	text := c.Param(name)
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// of answers with what a service says of an object that the path names.
func of[Reply any](name string, serve func(context.Context, caller.Caller, string) (Reply, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		out, err := serve(c.Request().Context(), callerOf(c), pathText(c, name))
		return reply(c, out, err)
	}
}

// at decodes a body about an object that the path names.
func at[Request, Reply any](name string, serve func(context.Context, caller.Caller, string, *Request) (Reply, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		var r Request
		if err := decode(c, &r); err != nil {
			return err
		}
		out, err := serve(c.Request().Context(), callerOf(c), pathText(c, name), &r)
		return reply(c, out, err)
	}
}

func (s *server) modelDelete(ctx context.Context, who caller.Caller, r *objectID) (map[string]string, error) {
	return s.Models.Delete(ctx, who, r.ID)
}

func (s *server) modelInfo(c echo.Context) error {
	eyes, err := s.Models.Eyes(c.Request().Context(), callerOf(c))
	if err != nil {
		return err
	}
	out, err := s.Models.List(c.Request().Context(), eyes, c.QueryParam("litellm_model_id"))
	return reply(c, map[string]any{"data": out}, err)
}

// Pages of /v2/model/info.
const (
	pageSize    = 50
	maxPageSize = 1000
)

func (s *server) modelPage(c echo.Context) error {
	page, err := number(c, "page", 1, 1, maxPage)
	if err != nil {
		return err
	}
	size, err := number(c, "size", pageSize, 1, maxPageSize)
	if err != nil {
		return err
	}
	who := callerOf(c)
	eyes, err := s.Models.Eyes(c.Request().Context(), who)
	if err != nil {
		return err
	}
	q := &model.Query{
		Model: c.QueryParam("model"), ID: c.QueryParam("modelId"), Search: c.QueryParam("search"), Team: c.QueryParam("teamId"),
		UserOnly: c.QueryParam("user_models_only") == "true", NoAutoRouters: c.QueryParam("exclude_auto_routers") == "true",
		SortBy: c.QueryParam("sortBy"), Descending: c.QueryParam("sortOrder") == "desc", Page: page, Size: size,
	}
	if id := who.ID(); id != nil {
		q.User = *id
	}
	out, err := s.Models.Find(c.Request().Context(), eyes, q)
	return reply(c, out, err)
}

func (s *server) modelGroups(c echo.Context) error {
	eyes, err := s.Models.Eyes(c.Request().Context(), callerOf(c))
	if err != nil {
		return err
	}
	out, err := s.Models.GroupInfo(c.Request().Context(), eyes, c.QueryParam("model_group"))
	return reply(c, map[string]any{"data": out}, err)
}

// metrics reads the period that metrics are asked of: the last days, where the
// request does not say.
func (s *server) metrics(days int, serve func(context.Context, *model.Period) (any, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		p := &model.Period{Group: c.QueryParam("_selected_model_group"), Key: ident.KeyToken(c.QueryParam("api_key")), Customer: c.QueryParam("customer")}
		since, err := date(c, "startTime")
		if err != nil {
			return err
		}
		before, err := date(c, "endTime")
		if err != nil {
			return err
		}
		p.Before = time.Now().UTC()
		if before != nil {
			p.Before = *before
		}
		p.Since = p.Before.AddDate(0, 0, -days)
		if since != nil {
			p.Since = *since
		}
		if p.Before.Sub(p.Since) > maxPeriod {
			return apierr.BadRequest("startTime and endTime may be at most %d days apart", maxPeriod/(24*time.Hour))
		}
		out, err := serve(c.Request().Context(), p)
		return reply(c, out, err)
	}
}

// maxPeriod bounds how much of the spend logs one request reads.
const maxPeriod = 92 * 24 * time.Hour

func (s *server) modelLatency(ctx context.Context, p *model.Period) (any, error) {
	return s.Models.Latency(ctx, p)
}

func (s *server) modelFirstToken(ctx context.Context, p *model.Period) (any, error) {
	return s.Models.FirstToken(ctx, p)
}

func (s *server) modelSlow(ctx context.Context, p *model.Period) (any, error) {
	return s.Models.SlowAnswers(ctx, p)
}

func (s *server) modelExceptions(ctx context.Context, p *model.Period) (any, error) {
	return s.Models.Exceptions(ctx, p)
}

func (s *server) costMap(c echo.Context) error { return c.JSON(http.StatusOK, s.Models.CostMap()) }

// reloadPrices has this control plane read the price files anew; data planes are
// told when something has changed.
func (s *server) reloadPrices(c echo.Context) error {
	status, err := s.Prices.Reload(c.Request().Context())
	if err != nil {
		return apierr.Detail(http.StatusInternalServerError, "Failed to reload model cost map: see the log of the control plane").Because(err)
	}
	return c.JSON(http.StatusOK, map[string]any{
		"status": "success", "models_count": len(s.Models.CostMap()), "timestamp": time.Now().UTC().Format(time.RFC3339),
		"message": fmt.Sprintf("Price data reloaded successfully! %d models updated.", status.Models),
	})
}

func (s *server) accessGroupUpdate(ctx context.Context, who caller.Caller, name string, r *model.AccessGroupRequest) (model.AccessGroupChange, error) {
	r.AccessGroup = name
	return s.Models.UpdateAccessGroup(ctx, who, r)
}

func (s *server) unifiedNew(c echo.Context) error {
	var r accessgroup.Request
	if err := decode(c, &r); err != nil {
		return err
	}
	out, err := s.AccessGroups.New(c.Request().Context(), callerOf(c), &r)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, out)
}

func (s *server) unifiedDelete(c echo.Context) error {
	if err := s.AccessGroups.Delete(c.Request().Context(), callerOf(c), pathText(c, "id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *server) fallbackGet(c echo.Context) error {
	out, err := s.Fallbacks.Get(c.Request().Context(), callerOf(c), pathText(c, "*"), c.QueryParam("fallback_type"))
	return reply(c, out, err)
}

func (s *server) fallbackDelete(c echo.Context) error {
	out, err := s.Fallbacks.Delete(c.Request().Context(), callerOf(c), pathText(c, "*"), c.QueryParam("fallback_type"))
	return reply(c, out, err)
}
