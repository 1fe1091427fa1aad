// Package passthrough renders the pass-through routes of the config file for
// data planes, which serve them. It stores nothing and runs no goroutines.
package passthrough

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/config"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/money"
	"github.com/tianjillm/tianjillm/shared/route"
	"github.com/tianjillm/tianjillm/shared/seal"
	"github.com/tianjillm/tianjillm/shared/secret"
)

// Routes are those of one config file. They are safe for concurrent use.
type Routes struct {
	endpoints   []proxyconfig.PassThrough
	environment map[string]secret.String
	box         *seal.Box
	lookup      config.Lookup
}

// New returns the routes of a configuration. What can not be understood is
// logged and left out; what can not be reached, because the gateway serves the
// path itself, is logged.
func New(cfg *proxyconfig.Config, box *seal.Box, lookup config.Lookup, log *slog.Logger) *Routes {
	r := &Routes{environment: cfg.Environment, box: box, lookup: lookup}
	ctx := context.Background()
	for i := range cfg.General.PassThrough {
		e := &cfg.General.PassThrough[i]
		if _, err := r.render(e, nil); err != nil {
			log.LogAttrs(ctx, slog.LevelError, "pass-through route left out", slog.String("place", e.Place.String()), slog.Any("error", err))
			continue
		}
		if hidden(e) {
			log.LogAttrs(ctx, slog.LevelWarn, "pass-through route is hidden by one of the gateway's own", slog.String("path", e.Path), slog.String("place", e.Place.String()))
		}
		r.endpoints = append(r.endpoints, *e)
	}
	return r
}

// hidden reports whether the gateway itself serves every method of a route.
func hidden(e *proxyconfig.PassThrough) bool {
	asked := e.Methods
	if len(asked) == 0 {
		asked = []string{"POST"} // what most of them are for
	}
	for _, method := range asked {
		served := func(r route.Route) bool { return r.Method == method && matches(r.Path, e.Path) }
		if !slices.ContainsFunc(route.Table(), served) {
			return false
		}
	}
	return true
}

// matches holds a path against a pattern in echo's syntax.
func matches(pattern, path string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(path, prefix+"/")
	}
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, ":") })
}

// Settings renders the routes. Secrets of prev that did not change keep their
// sealed form, so that the same routes render to the same bytes.
func (r *Routes) Settings(prev *contract.PassThroughSettings) (*contract.PassThroughSettings, error) {
	out := &contract.PassThroughSettings{}
	for i := range r.endpoints {
		e := &r.endpoints[i]
		rendered, err := r.render(e, prev)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Place, err)
		}
		out.Endpoints = append(out.Endpoints, rendered)
	}
	return out, nil
}

func (r *Routes) render(e *proxyconfig.PassThrough, prev *contract.PassThroughSettings) (contract.PassThrough, error) {
	out := contract.PassThrough{
		Path: e.Path, Target: r.resolve(e.Target), Methods: e.Methods, Auth: e.Auth, Subpaths: e.Subpaths, ForwardHeaders: e.ForwardHeaders,
	}
	if e.Cost != nil {
		nano, err := money.FromUSD(*e.Cost)
		if err != nil {
			return out, fmt.Errorf("cost_per_request: %w", err)
		}
		out.CostNano = new(int64(nano))
	}
	secrets := contract.Secrets{}
	if u, err := url.Parse(out.Target); err != nil || u.User != nil || u.RawQuery != "" || strings.HasPrefix(out.Target, contract.EnvReference) {
		secrets[contract.SecretTarget], out.Target = out.Target, ""
	}
	for name, value := range e.Headers {
		secrets[contract.SecretHeader+name] = r.resolve(value.Reveal())
	}
	for name, value := range e.Query {
		secrets[contract.SecretQuery+name] = r.resolve(value.Reveal())
	}
	var err error
	out.Sealed, err = r.seal(&out, secrets, prev)
	return out, err
}

// resolve follows a reference at the end of a value, as far as it can be
// followed here: data planes look again.
func (r *Routes) resolve(value string) string {
	before, variable, ok := contract.CutEnv(value)
	if !ok {
		return value
	}
	if found, ok := r.lookup(variable); ok {
		return before + found
	}
	if found, ok := r.environment[variable]; ok {
		return before + found.Reveal()
	}
	return value
}

func (r *Routes) seal(e *contract.PassThrough, secrets contract.Secrets, prev *contract.PassThroughSettings) ([]byte, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	purpose := contract.PassThroughPurpose(e.Path)
	if prev != nil {
		for i := range prev.Endpoints {
			var before contract.Secrets
			plain, err := r.box.Open(prev.Endpoints[i].Sealed, purpose)
			if err == nil && json.Unmarshal([]byte(plain), &before) == nil && maps.Equal(before, secrets) {
				return prev.Endpoints[i].Sealed, nil
			}
		}
	}
	b, err := json.Marshal(secrets)
	if err != nil {
		return nil, fmt.Errorf("encode headers: %w", err)
	}
	return r.box.Seal(string(b), purpose), nil
}
