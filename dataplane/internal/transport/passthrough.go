package transport

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/anthropic"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/gemini"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/openai"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/responses"
	"github.com/tianjillm/tianjillm/dataplane/internal/passthrough"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// passRoutes are the routes that hand requests on to a vendor.
func (o Options) passRoutes(h map[string]echo.HandlerFunc) {
	for _, prefix := range passthrough.Prefixes() {
		serve := o.pass(prefix)
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			h[method+" "+prefix.Path+"/*"] = serve
		}
	}
}

// userKey is a header that LiteLLM reads a key from on these routes.
const userKey = "Litellm_user_api_key"

// pass hands requests under one prefix on.
func (o Options) pass(prefix passthrough.Prefix) echo.HandlerFunc {
	return func(c echo.Context) error {
		w, r := c.Response().Writer, c.Request()
		if prefix.KeyInQuery {
			keyFromQuery(r)
		}
		if key := r.Header.Get(userKey); key != "" && r.Header.Get("X-Litellm-Api-Key") == "" {
			r.Header.Set("X-Litellm-Api-Key", key)
		}
		path, ok := prefix.Target(r.URL)
		if !ok {
			apierr.RouteNotFound().Write(w)
			return nil
		}
		spoken := dialects()[prefix.DialectOf(path)]
		o.Pipeline.Proxy(w, r, pipeline.Passage{
			Endpoint: pipeline.Endpoint{Name: prefix.Path + "/*", Dialect: spoken}, Wire: spoken, Streams: passthrough.Streams(path),
			CallType: "pass_through_endpoint", Path: path, Model: prefix.Model(path),
			Find: func(t *route.Table, model string, _ func(string) string) (*route.Deployment, error) {
				return o.Vendors.Find(t, prefix.Provider, model)
			},
		})
		return nil
	}
}

// configured serves a request by a route of the config file, if there is one.
func (o Options) configured(c echo.Context) (served bool) {
	w, r := c.Response().Writer, c.Request()
	found, path, served := o.Routes().Find(r.Method, r.URL)
	switch {
	case !served:
		return false
	case found == nil:
		apierr.MethodNotAllowed().Write(w)
		return true
	}
	spoken := dialects()[found.Dialect]
	o.Pipeline.Proxy(w, r, pipeline.Passage{
		Endpoint: pipeline.Endpoint{Name: found.Path}, Wire: spoken, CallType: "pass_through_endpoint", Path: path,
		Uploads: true, Configured: true, Open: !found.Auth, AllHeaders: found.AllHeaders, Fee: found.Fee,
		Find: func(*route.Table, string, func(string) string) (*route.Deployment, error) {
			return found.Deployment, nil
		},
	})
	return true
}

// dialects are the wires in which usage can be read.
func dialects() map[string]dialect.Dialect {
	return map[string]dialect.Dialect{
		"anthropic": anthropic.Dialect{}, "gemini": gemini.Dialect{}, "openai": openai.Dialect{}, "responses": responses.Dialect{},
	}
}
