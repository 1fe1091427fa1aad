package contract

import "strings"

// PassThroughSettings are the routes of the config file that hand requests on
// to an address of its own choice.
type PassThroughSettings struct {
	Head

	Endpoints []PassThrough `json:"endpoints,omitempty"`
}

// PassThrough is one of them.
type PassThrough struct {
	// Path is the route, without a slash at its end.
	Path string `json:"path"`
	// Target is where requests go, without credentials.
	Target string `json:"target"`
	// Methods are those that are served; none are all.
	Methods []string `json:"methods,omitempty"`
	// Auth wants a key of the gateway. Without it the route is everybody's.
	Auth bool `json:"auth,omitempty"`
	// Subpaths serves what is below Path too.
	Subpaths bool `json:"subpaths,omitempty"`
	// ForwardHeaders sends the client's headers on.
	ForwardHeaders bool `json:"forward_headers,omitempty"`
	// CostNano is what a success costs; nil prices what is known of its usage.
	CostNano *int64 `json:"cost_nano,omitempty"`
	// Sealed holds Secrets as JSON, sealed with the installation's salt key and
	// bound to PassThroughPurpose(Path): the headers that are sent, under names
	// that start with SecretHeader, the parameters of the query that are added,
	// under SecretQuery, and as "target" one that has credentials.
	Sealed []byte `json:"sealed,omitempty"`
}

// SecretQuery starts the name of a secret that is a parameter of a query, and
// SecretTarget names an address with credentials.
const (
	SecretQuery  = "default_query_params."
	SecretTarget = "target"
)

// PassThroughPurpose is what the secrets of a pass-through route are bound to.
func PassThroughPurpose(path string) string { return "passthrough/" + path }

// CutEnv splits a value that ends in the name of an environment variable, such
// as "Bearer os.environ/KEY".
func CutEnv(value string) (before, variable string, ok bool) {
	before, variable, ok = strings.Cut(value, EnvReference)
	return before, variable, ok && variable != ""
}
