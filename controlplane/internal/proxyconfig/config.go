package proxyconfig

import (
	"time"

	"github.com/tianjillm/tianjillm/shared/contract"
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
	Credentials []Credential // credential_list
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
	// Guarded says that no admin has written it. The file's are an admin's.
	Guarded bool
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

	Timeout           *time.Duration
	StreamTimeout     *time.Duration // until the first chunk
	StreamIdleTimeout *time.Duration // between two chunks; ours
	MaxRetries        *int
	NumRetries        *int
	CooldownTime      *time.Duration
	RPM               *int
	TPM               *int
	MaxParallel       *int    // max_parallel_requests
	KeyRPM, KeyTPM    *int64  // default_api_key_rpm_limit, default_api_key_tpm_limit
	Budget            *Budget // max_budget and budget_duration
	Weight            *float64
	Order             *int
	Tags              []string
	TagRegex          []string
	DropParams        *bool
	MockResponse      *string       // a mock response that is not text is in Extra
	ClientParams      []ClientParam // configurable_clientside_auth_params

	Price Price

	// Extra is every other parameter; litellm_params take any key.
	Extra Raw
}

// Info is model_info.
type Info struct {
	Mode           string
	BaseModel      string
	AccessGroups   []string
	TeamID         string
	TeamPublicName string // team_public_model_name
	Price          Price

	// These stand in Extra as well, which shows them as they are.
	MaxInputTokens     *int
	RPM, TPM           *int
	Order              *int
	CooldownTime       *time.Duration
	AllowedFails       *int
	AllowedFailsPolicy map[string]int // by class, such as RateLimitError

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
	ControlPlaneURL   string
	ModelCostMapURL   string        // ours here; LiteLLM has it among litellm_settings
	ModelCostMapPath  string        // ours: the same as a file
	PassThrough       []PassThrough // pass_through_endpoints

	// CustomerHeaders and UserHeader are user_header_mappings by their roles;
	// user_header_name, LiteLLM's older name for the former, is the last of them.
	CustomerHeaders []string
	UserHeader      string

	Limits ProxyLimits
	Audit  Audit
	// SpendRetention is maximum_spend_logs_retention_period: a duration such as
	// 7d; "" keeps everything.
	SpendRetention string
	// StorePrompts is store_prompts_in_spend_logs: what requests and answers say is
	// kept. PromptRetention is ours, maximum_stored_prompts_retention_period: for how
	// long, where that is shorter.
	StorePrompts    bool
	PromptRetention string

	HideLimits      bool     // limit_headers: false; ours
	AllowedRoutes   []string // allowed_routes: nothing else is served
	AdminOnlyRoutes []string // admin_only_routes
	// NoPersonalKeys is default_team_disabled: keys are made for teams only, but
	// by admins.
	NoPersonalKeys bool

	// JWT is litellm_jwtauth where enable_jwt_auth is true, and else nil. Where the
	// keys are is in the environment.
	JWT *contract.JWTSettings

	ClientCredentials bool // allow_client_side_credentials
	OpenResponses     bool // disable_responses_id_security, or responses_id_security: false
	ForeignResponses  bool // allow_unmanaged_response_ids

	// Raw is the whole section, the typed settings included.
	Raw Raw
}

// Audit says how long the audit trail is kept, and how; all of it is ours.
type Audit struct {
	Retention string // audit_retention: a duration such as 365d; "" keeps everything
	Archive   string // audit_archive: a directory or s3://bucket/prefix to which goes what is too old
	Chain     bool   // audit_chain: entries are linked by their hashes

	// Of a bucket; the environment says what is empty. audit_archive_region,
	// audit_archive_endpoint, audit_archive_access_key_id and
	// audit_archive_secret_access_key.
	ArchiveRegion, ArchiveEndpoint, ArchiveKeyID string
	ArchiveSecret                                secret.String
}

// Compat183 is the value of litellm_compat that asks for the statuses of
// LiteLLM 1.83.
const Compat183 = "1.83"

// Settings is litellm_settings or tianji_settings.
type Settings struct {
	DropParams        bool
	StoreAuditLogs    bool
	NoMessageLogging  bool // turn_off_message_logging: wins over StorePrompts
	NoLogIgnored      bool // global_disable_no_log_param
	RequestTimeout    *time.Duration
	ExposeRouterDebug *bool // expose_router_debug_in_errors

	Callbacks        []string
	SuccessCallbacks []string // success_callback
	FailureCallbacks []string // failure_callback

	ModelCostMapURL string

	Cache *Cache // nil when it is off

	Limits   SpendLimits
	NewKeys  NewKeys
	NewUsers NewUsers
	NewTeams NewTeams

	// Router is the settings of router_settings that stand here.
	Router Router

	// Raw is the whole section, the typed settings included.
	Raw Raw
}

// Router is router_settings. Where Settings has the same setting, this one
// wins.
type Router struct {
	RoutingStrategy    string
	LatencyTTL         *time.Duration // routing_strategy_args.ttl
	LatencyBuffer      *float64       // routing_strategy_args.lowest_latency_buffer
	NumRetries         *int
	RetryAfter         *time.Duration
	RetryPolicy        map[string]int // by class, such as RateLimitError
	GroupRetryPolicy   map[string]map[string]int
	Timeout            *time.Duration
	StreamTimeout      *time.Duration
	StreamIdleTimeout  *time.Duration // ours
	AllowedFails       *int
	AllowedFailsPolicy map[string]int // by class
	CooldownTime       *time.Duration
	DisableCooldowns   *bool
	MaxFallbacks       *int
	DefaultMaxParallel *int // default_max_parallel_requests

	EnablePreCallChecks   *bool
	EnableTagFiltering    *bool
	TagFilteringMatchAny  *bool
	EnforceRateLimits     *bool // enforce_model_rate_limits
	OptionalPreCallChecks []string

	Fallbacks              []Fallback
	ContextWindowFallbacks []Fallback
	ContentPolicyFallbacks []Fallback
	DefaultFallbacks       []string
	Aliases                map[string]Alias // model_group_alias
	CachingGroups          [][]string       // model groups that share cached answers

	ProviderBudgets map[string]Budget // provider_budget_config, by slug

	// Raw is the whole section, the typed settings included.
	Raw Raw
}

// Fallback names the models to try, in order, when a model fails.
type Fallback struct {
	Model string // "*" for any
	To    []FallbackTarget
}

// FallbackTarget is a model that stands in for another, with the parameters
// that it changes in the request.
type FallbackTarget struct {
	Model  string
	Params Raw
}

// Alias is another name of a model.
type Alias struct {
	Model  string
	Hidden bool // left out of the list of models
}
