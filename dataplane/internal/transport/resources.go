package transport

import (
	"cmp"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/tianjillm/tianjillm/dataplane/internal/passthrough"
	"github.com/tianjillm/tianjillm/dataplane/internal/pipeline"
	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// resourceRoutes are the routes about what a vendor keeps.
func (o Options) resourceRoutes(h map[string]echo.HandlerFunc) {
	for _, resource := range passthrough.Resources() {
		serve := o.resource(resource)
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			for _, prefix := range []string{"", "/v1"} {
				h[method+" "+prefix+resource.Path] = serve
				h[method+" "+prefix+resource.Path+"/*"] = serve
			}
		}
	}
}

// providerMember is where a body says whose the resource is.
const providerMember = "custom_llm_provider"

func (o Options) resource(resource passthrough.Resource) echo.HandlerFunc {
	spoken := dialects()[resource.Dialect]
	endpoint := pipeline.Endpoint{Name: resource.Path, Dialect: spoken}
	return func(c echo.Context) error {
		w, r := c.Response().Writer, c.Request()
		path, ok := resource.Target(r.URL)
		if !ok {
			apierr.RouteNotFound().Write(w)
			return nil
		}
		o.Pipeline.Proxy(w, r, pipeline.Passage{
			Endpoint: endpoint, Wire: spoken, CallType: resource.CallType, Path: path, Uploads: true, Own: []string{providerMember},
			Find: func(t *route.Table, model string, field func(string) string) (*route.Deployment, error) {
				return o.Vendors.Find(t, cmp.Or(passthrough.Asked(r), field(providerMember), resource.Provider), model)
			},
		})
		return nil
	}
}
