package contract

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/shared/price"
)

// Deployment is one way to reach a model: an entry of model_list or a row
// made through /model/new.
type Deployment struct {
	Head
	Routing

	ID        string `json:"id"`
	ModelName string `json:"model_name"` // the name clients ask for
	Provider  string `json:"provider"`   // slug in the provider table
	Model     string `json:"model"`      // the name the provider knows
	APIBase   string `json:"api_base,omitempty"`
	// Sealed holds Secrets as JSON, sealed with the installation's salt key
	// and bound to SealPurpose(ID).
	Sealed       []byte `json:"sealed,omitempty"`
	Organization string `json:"organization,omitempty"`
	APIVersion   string `json:"api_version,omitempty"`
	// TimeoutMS bounds the wait for the response head, StreamTimeoutMS the
	// same for streams; 0 means the default.
	TimeoutMS       int64 `json:"timeout_ms,omitempty"`
	StreamTimeoutMS int64 `json:"stream_timeout_ms,omitempty"`
	// Rate holds the prices that the deployment itself names, if it names any.
	// They replace those of the price table as a whole.
	Rate         *price.Rate `json:"rate,omitempty"`
	MockResponse *string     `json:"mock_response,omitempty"`
	Mode         string      `json:"mode,omitempty"`
	FromDB       bool        `json:"from_db,omitempty"`
	// Params are the remaining litellm_params, which providers read by name.
	Params map[string]json.RawMessage `json:"params,omitempty"`
	// Guarded says that it is called at public addresses only: no proxy admin has
	// written it.
	Guarded bool `json:"guarded,omitempty"`
	// ClientParams are the credentials that a request may bring itself.
	ClientParams []ClientParam `json:"client_params,omitempty"`
}

// ClientParam is a parameter that requests may set: api_key, api_base or
// api_version. Pattern, when set, is a regular expression that its value must
// match from the beginning.
type ClientParam struct {
	Name    string `json:"name"`
	Pattern string `json:"pattern,omitempty"`
}

// Routing is what the router needs to know of a deployment.
type Routing struct {
	// Weight, RPM and TPM are the deployment's share of the traffic; RPM and
	// TPM are its limits too, for the strategies that keep to them.
	Weight float64 `json:"weight,omitempty"`
	RPM    int64   `json:"rpm,omitempty"`
	TPM    int64   `json:"tpm,omitempty"`
	// MaxParallel bounds the calls under way on one replica.
	MaxParallel int64 `json:"max_parallel,omitempty"`
	// Budget bounds what is spent at the deployment. KeyRPM and KeyTPM are for
	// each key that has no limits of its own for the model group.
	Budget *Budget `json:"budget,omitempty"`
	KeyRPM *int64  `json:"key_rpm,omitempty"`
	KeyTPM *int64  `json:"key_tpm,omitempty"`
	// Order ranks deployments: higher ones are used when no lower one can be.
	Order *int64 `json:"order,omitempty"`
	// Tags and TagRegex select the deployment by the tags of a request and by
	// its "User-Agent: …".
	Tags           []string `json:"tags,omitempty"`
	TagRegex       []string `json:"tag_regex,omitempty"`
	Region         string   `json:"region,omitempty"`
	AccessGroups   []string `json:"access_groups,omitempty"`
	BaseModel      string   `json:"base_model,omitempty"`
	MaxInputTokens int64    `json:"max_input_tokens,omitempty"`
	// TeamID is the only team that may use the deployment, which it calls by
	// TeamPublicName where that is set.
	TeamID         string `json:"team_id,omitempty"`
	TeamPublicName string `json:"team_public_name,omitempty"`

	NumRetries         *int             `json:"num_retries,omitempty"`
	CooldownMS         *int64           `json:"cooldown_ms,omitempty"`
	AllowedFails       *int64           `json:"allowed_fails,omitempty"`
	AllowedFailsPolicy map[string]int64 `json:"allowed_fails_policy,omitempty"`
	// StreamIdleTimeoutMS bounds the wait between two events of a stream.
	StreamIdleTimeoutMS int64 `json:"stream_idle_timeout_ms,omitempty"`
}

// AuthSettings let a data plane recognise the master key without knowing it.
type AuthSettings struct {
	Head

	MasterKeySHA256 string `json:"master_key_sha256"`
	KeyHeader       string `json:"key_header,omitempty"`
	// AllowedRoutes are the only ones that are served, and AdminOnlyRoutes are
	// for admins; empty says nothing.
	AllowedRoutes   []string `json:"allowed_routes,omitempty"`
	AdminOnlyRoutes []string `json:"admin_only_routes,omitempty"`
	// JWT is nil where tokens of identity providers are no credentials.
	JWT *JWTSettings `json:"jwt,omitempty"`
}

// GeneralSettings are the settings of the config file that data planes obey.
type GeneralSettings struct {
	Head

	LitellmHeaders  bool   `json:"litellm_headers,omitempty"`
	LitellmCompat   string `json:"litellm_compat,omitempty"`
	MaxRequestBytes int64  `json:"max_request_bytes,omitempty"`
	TimeoutMS       int64  `json:"timeout_ms,omitempty"`
	// OpenResponses lets every key reach every response; ForeignResponses lets
	// keys go on from responses that the gateway did not make.
	OpenResponses    bool `json:"open_responses,omitempty"`
	ForeignResponses bool `json:"foreign_responses,omitempty"`
	// HideLimits leaves out of answers how limits stand.
	HideLimits bool `json:"hide_limits,omitempty"`
	// Transcripts keeps what requests and their answers say.
	Transcripts bool `json:"transcripts,omitempty"`
	// NoOptOut says that requests can not keep themselves from that.
	NoOptOut bool `json:"no_opt_out,omitempty"`
	// ClientCredentials lets requests bring their own credentials for every
	// deployment.
	ClientCredentials bool `json:"client_credentials,omitempty"`
	// CustomerHeaders are the request headers that may name the customer, the first
	// that is there wins; UserHeader may name the user for whom a request is made in
	// place of its key's. They are written as http.CanonicalHeaderKey does.
	CustomerHeaders []string `json:"customer_headers,omitempty"`
	UserHeader      string   `json:"user_header,omitempty"`
}

// Secrets are the parameters of a deployment that must not be read on the
// bus, by their names in litellm_params (api_key, aws_secret_access_key, …).
// A value that starts with EnvReference is to be read from the environment of
// the data plane, because the control plane did not have it.
type Secrets map[string]string

// SecretHeader starts the name of a secret that is an extra header.
const SecretHeader = "extra_headers."

// EnvReference starts a value that names an environment variable.
const EnvReference = "os.environ/"

// SealPurpose is what the secrets of a deployment are bound to.
func SealPurpose(deploymentID string) string { return "deployment/" + deploymentID }
