package passthrough

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/route"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/money"
)

// Route is a route of the config file that hands requests on to an address.
type Route struct {
	Path string
	// Auth wants a key.
	Auth       bool
	AllHeaders bool
	// Fee is what a success costs; nil prices the usage.
	Fee *money.Nano
	// Dialect is in which wire usage is read, where the address is that of a
	// vendor who is known; else "".
	Dialect string
	// Deployment serves it.
	Deployment *route.Deployment

	methods  []string
	subpaths bool
	query    url.Values // what is added where the client does not say
}

// Routes are those of one configuration. Nobody changes them.
type Routes struct{ all []*Route }

// Opener opens sealed secrets.
type Opener interface {
	Open(sealed []byte, purpose string) (string, error)
}

// NewRoutes prepares routes. One that can not be served is left out and logged
// with the reason.
func NewRoutes(settings *contract.PassThroughSettings, doer Doer, opener Opener, getenv func(string) string, log *slog.Logger) *Routes {
	r := &Routes{}
	for i := range settings.Endpoints {
		e := &settings.Endpoints[i]
		made, err := newRoute(e, doer, opener, getenv)
		if err != nil {
			log.Error("pass-through route left out", slog.String("path", e.Path), slog.Any("error", err))
			continue
		}
		r.all = append(r.all, made)
	}
	slices.SortFunc(r.all, func(a, b *Route) int { return len(b.Path) - len(a.Path) }) // the longest first
	return r
}

func newRoute(e *contract.PassThrough, doer Doer, opener Opener, getenv func(string) string) (*Route, error) {
	secrets, err := openSecrets(e, opener, getenv)
	if err != nil {
		return nil, err
	}
	address := e.Target
	if secret, ok := secrets[contract.SecretTarget]; ok {
		address = secret
	}
	r := &Route{Path: e.Path, Auth: e.Auth, AllHeaders: e.ForwardHeaders, methods: e.Methods, subpaths: e.Subpaths, query: url.Values{}}
	headers := map[string]string{}
	for name, value := range secrets {
		if header, ok := strings.CutPrefix(name, contract.SecretHeader); ok {
			headers[header] = value
		} else if param, ok := strings.CutPrefix(name, contract.SecretQuery); ok {
			r.query.Set(param, value)
		}
	}
	target, err := newTarget(address, headers, doer)
	if err != nil {
		return nil, err
	}
	slug, dialect := vendorOf(target.base.Hostname())
	r.Dialect = dialect
	r.Deployment = &route.Deployment{Provider: slug, Backend: target}
	if e.CostNano != nil {
		r.Fee = new(money.Nano(*e.CostNano))
	}
	return r, nil
}

// openSecrets opens what is sealed and reads what the control plane left to
// this process's environment.
func openSecrets(e *contract.PassThrough, opener Opener, getenv func(string) string) (contract.Secrets, error) {
	secrets := contract.Secrets{}
	if len(e.Sealed) == 0 {
		return secrets, nil
	}
	plain, err := opener.Open(e.Sealed, contract.PassThroughPurpose(e.Path))
	if err != nil {
		return nil, fmt.Errorf("open headers: %w", err)
	}
	if err := json.Unmarshal([]byte(plain), &secrets); err != nil {
		return nil, errors.New("headers can not be decoded")
	}
	for name, value := range secrets {
		before, variable, ok := contract.CutEnv(value)
		if !ok {
			continue
		}
		found := getenv(variable)
		if found == "" {
			return nil, fmt.Errorf("%s: neither the control plane nor this data plane has the environment variable %s", name, variable)
		}
		secrets[name] = before + found
	}
	return secrets, nil
}

// unknownVendor is the provider of an address that is nobody's who is known.
const unknownVendor = "pass_through"

// vendorOf names the provider behind a host, and its wire, for prices.
func vendorOf(host string) (slug, dialect string) {
	for _, v := range []struct{ host, slug, dialect string }{
		{"api.openai.com", "openai", "openai"},
		{"api.anthropic.com", "anthropic", "anthropic"},
		{"generativelanguage.googleapis.com", "gemini", "gemini"},
		{"api.mistral.ai", "mistral", "openai"},
		{"api.groq.com", "groq", "openai"},
		{"api.deepseek.com", "deepseek", "openai"},
		{"openrouter.ai", "openrouter", "openai"},
		{"api.x.ai", "xai", "openai"},
		{"api.cohere.com", "cohere", ""},
	} {
		if host == v.host {
			return v.slug, v.dialect
		}
	}
	if strings.HasSuffix(host, "-aiplatform.googleapis.com") {
		return "vertex_ai", "gemini"
	}
	return unknownVendor, ""
}

// Find returns the route that serves a path, and what its target is asked for.
// served is false when the path is nobody's; the route is nil where it is but
// not by this method, or where the path leads out of it.
func (r *Routes) Find(method string, u *url.URL) (found *Route, path string, served bool) {
	if r == nil {
		return nil, "", false
	}
	for _, one := range r.all {
		rest, ok := one.behind(u)
		if !ok {
			continue
		}
		if len(one.methods) > 0 && !slices.Contains(one.methods, method) {
			served = true
			continue
		}
		return one, rest + one.withDefaults(u.RawQuery), true
	}
	return nil, "", served
}

// behind returns what stands behind the route's path.
func (r *Route) behind(u *url.URL) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(u.EscapedPath(), strings.TrimSuffix(r.Path, "/"))
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return "", false
	case rest == "" || rest == "/":
		return "", true
	}
	return rest, r.subpaths && !climbs(rest)
}

// withDefaults is the query with what the client did not say.
func (r *Route) withDefaults(query string) string {
	given, err := url.ParseQuery(query)
	if err != nil {
		given = url.Values{} // the target's to refuse
	}
	missing := url.Values{}
	for name, values := range r.query {
		if !given.Has(name) {
			missing[name] = values
		}
	}
	if len(missing) > 0 {
		if query != "" {
			query += "&"
		}
		query += missing.Encode()
	}
	if query == "" {
		return ""
	}
	return "?" + query
}
