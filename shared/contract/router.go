package contract

import "encoding/json"

// RouterSettings say how data planes choose among deployments, and what they
// do when a call fails. A nil pointer is a setting that nobody made; the data
// plane has the defaults.
type RouterSettings struct {
	Head

	// Strategy is one of LiteLLM's routing strategies, such as least-busy.
	Strategy string `json:"strategy,omitempty"`
	// LatencyTTLMS is how long a measured latency counts, LatencyBuffer how
	// much slower than the fastest a deployment may be and still be picked, as
	// a fraction.
	LatencyTTLMS  int64   `json:"latency_ttl_ms,omitempty"`
	LatencyBuffer float64 `json:"latency_buffer,omitempty"`

	NumRetries *int `json:"num_retries,omitempty"`
	// RetryAfterMS is the least wait before a retry that has to wait.
	RetryAfterMS int64 `json:"retry_after_ms,omitempty"`
	// RetryPolicy is the number of retries by the class of the error, such as
	// RateLimitError; GroupRetryPolicy is the same for one model group.
	RetryPolicy      map[string]int            `json:"retry_policy,omitempty"`
	GroupRetryPolicy map[string]map[string]int `json:"group_retry_policy,omitempty"`

	// TimeoutMS bounds the wait for the response head, StreamTimeoutMS the same
	// for streams, StreamIdleTimeoutMS the wait between two events of a stream.
	TimeoutMS           int64 `json:"timeout_ms,omitempty"`
	StreamTimeoutMS     int64 `json:"stream_timeout_ms,omitempty"`
	StreamIdleTimeoutMS int64 `json:"stream_idle_timeout_ms,omitempty"`

	AllowedFails       *int64           `json:"allowed_fails,omitempty"`
	AllowedFailsPolicy map[string]int64 `json:"allowed_fails_policy,omitempty"`
	CooldownMS         *int64           `json:"cooldown_ms,omitempty"`
	DisableCooldowns   bool             `json:"disable_cooldowns,omitempty"`

	MaxFallbacks           *int       `json:"max_fallbacks,omitempty"`
	Fallbacks              []Fallback `json:"fallbacks,omitempty"`
	ContextWindowFallbacks []Fallback `json:"context_window_fallbacks,omitempty"`
	ContentPolicyFallbacks []Fallback `json:"content_policy_fallbacks,omitempty"`
	// DefaultFallbacks stand in for every group that has no others.
	DefaultFallbacks []string `json:"default_fallbacks,omitempty"`

	Aliases map[string]GroupAlias `json:"aliases,omitempty"`

	PreCallChecks bool `json:"pre_call_checks,omitempty"`
	TagFiltering  bool `json:"tag_filtering,omitempty"`
	// TagMatchAll asks for deployments that have all tags of the request, not
	// just any of them.
	TagMatchAll bool `json:"tag_match_all,omitempty"`
	// EnforceRateLimits makes rpm and tpm of deployments hard limits.
	EnforceRateLimits  bool  `json:"enforce_rate_limits,omitempty"`
	DefaultMaxParallel int64 `json:"default_max_parallel,omitempty"`
	// HideRouting keeps the names of groups and fallbacks out of errors.
	HideRouting bool `json:"hide_routing,omitempty"`
}

// Fallback names what stands in for a model group, in order.
type Fallback struct {
	Model string           `json:"model"` // "*" for any
	To    []FallbackTarget `json:"to"`
}

// FallbackTarget is a model group that stands in for another, and the members
// that it changes in the body of the request.
type FallbackTarget struct {
	Model string                     `json:"model"`
	Merge map[string]json.RawMessage `json:"merge,omitempty"`
}

// GroupAlias is another name of a model group.
type GroupAlias struct {
	Model  string `json:"model"`
	Hidden bool   `json:"hidden,omitempty"` // left out of the list of models
}

// RouterState is what a data plane tells the others of its deployments, a few
// times a second while there is something to tell. It is complete: what it
// leaves out is idle and healthy as far as that replica knows, and the next one
// makes good for one that was lost.
type RouterState struct {
	V       int    `json:"v"`
	Replica string `json:"replica"`
	// Minute is the Unix minute that the counters belong to.
	Minute      int64             `json:"minute"`
	Deployments []DeploymentState `json:"deployments"`
}

// DeploymentState is what one replica knows of one deployment.
type DeploymentState struct {
	ID string `json:"id"`
	// Model is the name that was asked for, of a deployment whose name is a
	// pattern.
	Model    string `json:"model,omitempty"`
	Requests int64  `json:"requests,omitempty"` // in the minute
	Tokens   int64  `json:"tokens,omitempty"`   // in the minute
	InFlight int64  `json:"in_flight,omitempty"`
	// CooldownMS is for how long the deployment must not be used from now on.
	// It is relative because clocks differ.
	CooldownMS int64 `json:"cooldown_ms,omitempty"`
	// Status is the HTTP status that caused the cooldown.
	Status int `json:"status,omitempty"`
}
