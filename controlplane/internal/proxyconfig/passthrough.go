package proxyconfig

import (
	"net/url"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/shared/secret"
)

// PassThrough is an entry of general_settings.pass_through_endpoints: a route
// that hands requests on to an address.
type PassThrough struct {
	Path, Target string
	Methods      []string // none for all
	Headers      map[string]secret.String
	Query        map[string]secret.String // default_query_params
	// Auth wants a key of the gateway; as at LiteLLM, it is off when the file
	// does not say.
	Auth           bool
	ForwardHeaders bool
	Subpaths       bool     // include_subpath
	Cost           *float64 // cost_per_request, in dollars
	Place          Place
}

// endpointKeys are the keys of an entry.
const endpointKeys = `
auth cost_per_request default_query_params forward_headers guardrails headers id include_subpath is_from_config methods path target
`

func readPassThrough(general *object) []PassThrough {
	const key = "pass_through_endpoints"
	list := general.get(key)
	if list == nil {
		return nil
	}
	path := join(general.path, key)
	if list.kind != listKind {
		general.wrong(list, path, "a list of endpoints")
		return nil
	}
	var all []PassThrough
	for i, n := range list.items {
		o := objectAt(general.problems, n, index(path, i))
		if o.node == nil {
			continue
		}
		o.warnUnknown(keysOf(endpointKeys))
		e := o.passThrough()
		if at := slices.IndexFunc(all, func(other PassThrough) bool { return other.Path == e.Path }); at >= 0 {
			general.problems.errorf(e.Place, "path is taken by %s; paths must differ", all[at].Place)
		}
		all = append(all, e)
	}
	return all
}

// methods are those that a pass-through route may serve.
func methods() []string { return []string{"GET", "POST", "PUT", "PATCH", "DELETE"} }

func (o *object) passThrough() PassThrough {
	e := PassThrough{
		Path: o.required("path", "the route that clients call"), Target: o.required("target", "where requests go"),
		Headers: o.secrets("headers"), Query: o.secrets("default_query_params"), ForwardHeaders: o.enabled("forward_headers"),
		Auth: o.enabled("auth"), Subpaths: o.enabled("include_subpath"), Cost: o.number("cost_per_request"), Place: o.node.place(o.path),
	}
	if n := o.get("path"); n != nil && n.kind == textKind && (!strings.HasPrefix(e.Path, "/") || strings.ContainsAny(e.Path, "*?#%{}: \\")) {
		o.problems.errorf(n.place(join(o.path, "path")), "expected a path such as /v1/rerank, without patterns; include_subpath serves what is below it")
	}
	if trimmed := strings.TrimRight(e.Path, "/"); trimmed != "" {
		e.Path = trimmed
	}
	if n := o.get("target"); n != nil && n.kind == textKind {
		u, err := url.Parse(n.content())
		if (n.reference == nil || n.reference.found) && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			o.problems.errorf(n.place(join(o.path, "target")), "expected an absolute http or https URL")
		}
	}
	for i, m := range o.texts("methods") {
		if m = strings.ToUpper(m); !slices.Contains(methods(), m) {
			o.problems.errorf(o.get("methods").place(index(join(o.path, "methods"), i)), "expected one of %s", strings.Join(methods(), ", "))
		}
		e.Methods = append(e.Methods, m)
	}
	if o.get("auth") == nil {
		o.problems.warnf(e.Place, "auth is not set: whoever reaches the gateway may call this route; write auth: true, or auth: false to say that it is meant so")
	}
	if o.get("guardrails") != nil {
		o.problems.warnf(o.get("guardrails").place(join(o.path, "guardrails")), "guardrails do not look into what passes through")
	}
	return e
}
