package contract

import "encoding/json"

// Deployment is one way to reach a model: an entry of model_list or a row
// made through /model/new.
type Deployment struct {
	Head

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
	TimeoutMS       int64   `json:"timeout_ms,omitempty"`
	StreamTimeoutMS int64   `json:"stream_timeout_ms,omitempty"`
	Price           Price   `json:"price,omitzero"`
	MockResponse    *string `json:"mock_response,omitempty"`
	Mode            string  `json:"mode,omitempty"`
	FromDB          bool    `json:"from_db,omitempty"`
	// Params are the remaining litellm_params, which providers read by name.
	Params map[string]json.RawMessage `json:"params,omitempty"`
}

// Price is what a deployment costs, in nano-dollars per million tokens: fine
// enough for the cheapest models and exact in an int64.
type Price struct {
	InputPerMillion       int64 `json:"in,omitempty"`
	OutputPerMillion      int64 `json:"out,omitempty"`
	CachedInputPerMillion int64 `json:"cached_in,omitempty"`
}

// AuthSettings let a data plane recognise the master key without knowing it.
type AuthSettings struct {
	Head

	MasterKeySHA256 string `json:"master_key_sha256"`
	KeyHeader       string `json:"key_header,omitempty"`
}

// GeneralSettings are the settings of the config file that data planes obey.
type GeneralSettings struct {
	Head

	LitellmHeaders  bool   `json:"litellm_headers,omitempty"`
	LitellmCompat   string `json:"litellm_compat,omitempty"`
	MaxRequestBytes int64  `json:"max_request_bytes,omitempty"`
	TimeoutMS       int64  `json:"timeout_ms,omitempty"`
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
