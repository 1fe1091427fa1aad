package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/ident"
)

// requestID goes along to the control plane and comes back in its answer.
const requestID = "X-Request-Id"

// newForwarder sends management routes to the control plane, bodies streamed
// both ways. The caller's key goes along: the control plane decides.
func newForwarder(target *url.URL, log *slog.Logger) http.Handler {
	unavailable := apierr.Unavailable(apierr.TypeUnavailable, "The control plane is not reachable. LLM requests are served meanwhile. Please retry shortly.", 2*time.Second)
	if target == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			apierr.Unavailable(apierr.TypeUnavailable, "This data plane knows no control plane: set TIANJI_CONTROL_PLANE_URL.", 0).Write(w)
		})
	}
	transport := &http.Transport{
		MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second, ResponseHeaderTimeout: 60 * time.Second, TLSHandshakeTimeout: 5 * time.Second,
	}
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			if r.Out.Header.Get(requestID) == "" {
				r.Out.Header.Set(requestID, ident.NewUUID(time.Now()).String())
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, context.Canceled) {
				return
			}
			log.LogAttrs(r.Context(), slog.LevelWarn, "control plane not reachable", slog.String("path", r.URL.Path), slog.Any("error", err))
			unavailable.Write(w)
		},
	}
}
