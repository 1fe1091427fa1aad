package proxyconfig

import (
	"time"

	"github.com/tianjillm/tianjillm/shared/secret"
)

// Config is a configuration with its includes merged and its references
// resolved. A nil pointer anywhere below is a setting that the file does not
// make.
type Config struct {
	Models   []Model
	General  General
	Settings Settings // litellm_settings or tianji_settings
	Router   Router
	// Environment is environment_variables: what the file wants to be set where
	// the process environment does not say otherwise.
	Environment map[string]secret.String
	// Sections are the other known sections, such as guardrails or mcp_servers,
	// and the unknown ones.
	Sections Raw
}

// Model is an entry of model_list: one way to reach a model.
type Model struct {
	// ID is model_info.id, or else a hash of the name and the parameters as
	// they are written: the same on every replica and after every restart, and
	// independent of the values of environment variables.
	ID     string
	Name   string // model_name, what clients ask for
	Params Params
	Info   Info
	Place  Place
}

// Params are litellm_params or tianji_params. A text may still be a reference
// to an environment variable that is not set here (Reference).
type Params struct {
	Model          string // required; usually "provider/model"
	Provider       string // custom_llm_provider, which wins over the prefix
	APIKey         secret.String
	APIBase        string
	APIVersion     string
	Organization   string
	CredentialName string // litellm_credential_name
	RegionName     string
	BaseModel      string
	Headers        map[string]secret.String // extra_headers

	Timeout       *time.Duration
	StreamTimeout *time.Duration // until the first chunk
	MaxRetries    *int
	RPM           *int
	TPM           *int
	Weight        *float64
	Order         *int
	Tags          []string
	DropParams    *bool
	MockResponse  *string // a mock response that is not text is in Extra

	Price Price

	// Extra is every other parameter; litellm_params take any key.
	Extra Raw
}

// Price is in dollars a token, as LiteLLM writes it.
type Price struct {
	Input           *float64 // input_cost_per_token
	Output          *float64 // output_cost_per_token
	CachedReadInput *float64 // cache_read_input_token_cost
}

// Info is model_info.
type Info struct {
	Mode           string
	BaseModel      string
	AccessGroups   []string
	TeamID         string
	TeamPublicName string // team_public_model_name
	Price          Price

	// Extra is every other key; model_info takes any.
	Extra Raw
}

// General is general_settings.
type General struct {
	MasterKey         secret.String // empty when its variable is not set
	DatabaseURL       secret.String // likewise
	LitellmHeaders    bool          // ours: send x-litellm-* beside x-tianji-* headers
	LitellmCompat     string        // ours: "" or Compat183
	StoreModelInDB    bool
	MaxRequestSizeMB  *float64
	MaxResponseSizeMB *float64
	KeyHeaderName     string // litellm_key_header_name
	UserHeaderName    string
	ControlPlaneURL   string

	// Raw is the whole section, the typed settings included.
	Raw Raw
}

// Compat183 is the value of litellm_compat that asks for the statuses of
// LiteLLM 1.83.
const Compat183 = "1.83"

// Settings is litellm_settings or tianji_settings.
type Settings struct {
	DropParams     bool
	StoreAuditLogs bool
	RequestTimeout *time.Duration
	NumRetries     *int

	Fallbacks              []Fallback
	ContextWindowFallbacks []Fallback
	ContentPolicyFallbacks []Fallback
	DefaultFallbacks       []string

	Callbacks        []string
	SuccessCallbacks []string // success_callback
	FailureCallbacks []string // failure_callback

	// Raw is the whole section, the typed settings included.
	Raw Raw
}

// Router is router_settings. Where Settings has the same setting, this one
// wins.
type Router struct {
	RoutingStrategy      string
	NumRetries           *int
	RetryAfter           *time.Duration
	Timeout              *time.Duration
	StreamTimeout        *time.Duration
	AllowedFails         *int
	CooldownTime         *time.Duration
	DisableCooldowns     bool
	MaxFallbacks         *int
	EnablePreCallChecks  bool
	EnableTagFiltering   bool
	TagFilteringMatchAny *bool

	Fallbacks              []Fallback
	ContextWindowFallbacks []Fallback
	ContentPolicyFallbacks []Fallback
	DefaultFallbacks       []string
	Aliases                map[string]Alias // model_group_alias

	// Raw is the whole section, the typed settings included.
	Raw Raw
}

// Fallback names the models to try, in order, when a model fails.
type Fallback struct {
	Model string // "*" for any
	To    []string
}

// Alias is another name of a model.
type Alias struct {
	Model  string
	Hidden bool // left out of the list of models
}
