// Package route is the one table that says which plane serves which route and
// who may call it. Data planes serve their own and forward the control
// plane's, so that a client needs a single base URL; a test on each plane
// fails when the table and the registered handlers differ.
package route

import "net/http"

// Access says who may call a route. What that means for each role stands in
// package policy, with the finer rules that need the object (a key's owner may
// see its own key).
type Access uint8

// The kinds of access.
const (
	// Public needs no key.
	Public Access = iota
	// AnyKey is for everybody with a key: what the answer shows is what they
	// may see.
	AnyKey
	// LLM calls a model, or reaches what a vendor keeps.
	LLM
	// Spend shows what is spent: all of it, or the caller's own.
	Spend
	// Own changes keys, teams or their members: owners and their admins may, for
	// what is theirs.
	Own
	// Org is for admins, and for those of organisations within their own.
	Org
	// Admin is for admins; viewers may read.
	Admin
	// Provision keeps users and teams for an identity provider: for admins, and
	// for keys that an admin has narrowed to such routes.
	Provision
	// MasterOnly is for the master key alone.
	MasterOnly
)

// Accesses returns the kinds in the order above.
func Accesses() []Access {
	return []Access{Public, AnyKey, LLM, Spend, Own, Org, Admin, Provision, MasterOnly}
}

// Plane is a set of planes.
type Plane uint8

// The planes that may serve a route.
const (
	Data Plane = 1 << iota
	Control
	Both = Data | Control
)

// Route is one method and path, in echo's syntax.
type Route struct {
	Method string
	Path   string
	Plane  Plane
	Access Access
}

// Table returns all routes.
func Table() []Route {
	var all []Route
	all = append(all, llm()...)
	all = append(all, management()...)
	all = append(all, keys()...)
	all = append(all, principals()...)
	all = append(all, teams()...)
	all = append(all, models()...)
	all = append(all, users()...)
	all = append(all, identities()...)
	all = append(all, provisioning()...)
	all = append(all, spending()...)
	return append(all, operations()...)
}

// Listed is a route as GET /routes shows it.
type Listed struct {
	Path    string   `json:"path"`
	Methods []string `json:"methods"`
}

// List returns the table as GET /routes shows it.
func List() []Listed {
	var list []Listed
	for _, r := range Table() {
		list = append(list, Listed{r.Path, []string{r.Method}})
	}
	return list
}

// llm is served by data planes, with and without the version prefix, and in
// the form that Azure's SDKs call.
func llm() []Route {
	var all []Route
	post := func(paths ...string) {
		for _, p := range paths {
			all = append(all, Route{http.MethodPost, p, Data, LLM})
		}
	}
	for _, p := range []string{"/chat/completions", "/completions", "/embeddings"} {
		post(p, "/v1"+p, "/openai/deployments/:model"+p, "/engines/:model"+p)
	}
	for _, p := range []string{
		"/responses", "/images/generations", "/images/edits", "/images/variations", "/audio/speech", "/audio/transcriptions", "/audio/translations",
	} {
		post(p, "/v1"+p, "/openai/deployments/:model"+p)
	}
	post("/moderations", "/v1/moderations", "/rerank", "/v1/rerank", "/v2/rerank")
	for _, prefix := range []string{"", "/v1"} {
		all = append(all,
			Route{http.MethodGet, prefix + "/realtime", Data, LLM},
			Route{http.MethodGet, prefix + "/models", Data, AnyKey},
			Route{http.MethodGet, prefix + "/models/*", Data, AnyKey},
			Route{http.MethodGet, prefix + "/responses/:id", Data, LLM},
			Route{http.MethodDelete, prefix + "/responses/:id", Data, LLM},
			Route{http.MethodPost, prefix + "/responses/:id/cancel", Data, LLM},
			Route{http.MethodGet, prefix + "/responses/:id/input_items", Data, LLM})
	}
	post("/v1/messages", "/v1/messages/count_tokens", "/v1beta/models/*", "/models/*")
	all = append(all, Route{http.MethodGet, "/v1beta/models", Data, AnyKey}, Route{http.MethodGet, "/v1beta/models/*", Data, AnyKey})
	all = append(all, resources()...)
	return append(all, passThrough()...)
}

// resources are what a vendor keeps for its clients.
func resources() []Route {
	var all []Route
	for _, p := range []string{"/files", "/uploads", "/batches", "/fine_tuning", "/vector_stores", "/assistants", "/threads", "/evals"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			for _, prefix := range []string{"", "/v1"} {
				all = append(all, Route{method, prefix + p, Data, LLM}, Route{method, prefix + p + "/*", Data, LLM})
			}
		}
	}
	return append(all,
		Route{http.MethodPost, "/v1/messages/batches", Data, LLM},
		Route{http.MethodGet, "/v1/messages/batches", Data, LLM},
		Route{http.MethodGet, "/v1/messages/batches/*", Data, LLM},
		Route{http.MethodPost, "/v1/messages/batches/*", Data, LLM},
		Route{http.MethodDelete, "/v1/messages/batches/*", Data, LLM})
}

// PassThroughPrefixes start the routes that hand requests on to a vendor.
func PassThroughPrefixes() []string {
	return []string{
		"/openai", "/openai_passthrough", "/anthropic", "/gemini", "/vertex_ai", "/vertex-ai", "/bedrock", "/azure", "/azure_ai", "/cohere", "/mistral",
		"/vllm", "/groq", "/deepseek", "/openrouter", "/xai",
	}
}

func passThrough() []Route {
	var all []Route
	for _, prefix := range PassThroughPrefixes() {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			all = append(all, Route{method, prefix + "/*", Data, LLM})
		}
	}
	return all
}

func management() []Route {
	return []Route{
		{http.MethodPost, "/key/generate", Control, Own},
		{http.MethodPost, "/key/service-account/generate", Control, Own},
		{http.MethodPost, "/key/update", Control, Own},
		{http.MethodPost, "/key/delete", Control, Own},
		{http.MethodPost, "/key/block", Control, Own},
		{http.MethodPost, "/key/unblock", Control, Own},
		{http.MethodPost, "/key/regenerate", Control, Own},
		{http.MethodPost, "/key/:key/regenerate", Control, Own},
		{http.MethodGet, "/key/info", Control, AnyKey},
		{http.MethodGet, "/key/list", Control, AnyKey},
		{http.MethodPost, "/team/new", Control, Org},
		{http.MethodGet, "/team/info", Control, AnyKey},
		{http.MethodGet, "/team/list", Control, AnyKey},
		{http.MethodPost, "/user/new", Control, Org},
		{http.MethodGet, "/user/info", Control, AnyKey},
		{http.MethodGet, "/limits/:kind/:id", Control, AnyKey},
		{http.MethodGet, "/audit", Control, Admin},
		{http.MethodGet, "/audit/:id", Control, Admin},
	}
}

func operations() []Route {
	return []Route{
		{http.MethodGet, "/cache/ping", Data, Admin},
		{http.MethodPost, "/cache/delete", Data, Admin},
		{http.MethodPost, "/cache/flushall", Data, Admin},
		{http.MethodGet, "/cache/redis/info", Data, Admin},
		{http.MethodGet, "/health", Both, AnyKey},
		{http.MethodGet, "/health/liveliness", Both, Public},
		{http.MethodGet, "/health/liveness", Both, Public},
		{http.MethodGet, "/health/readiness", Both, Public},
		{http.MethodGet, "/metrics", Both, Public},
		{http.MethodGet, "/routes", Both, Public},
		{http.MethodGet, "/", Both, Public},
	}
}
