package health

import (
	"net/http"
	"time"
)

// The defaults are LiteLLM's
// (https://docs.litellm.ai/docs/proxy/config_settings, DEFAULT_COOLDOWN_TIME_SECONDS and its neighbours).
const (
	DefaultCooldown = 5 * time.Second
	// maxCooldown bounds what a vendor's Retry-After can do.
	maxCooldown = time.Hour

	failureRate     = 0.5
	failureMinimum  = 5
	lonelyThreshold = 1000
)

// Failure is a call that failed, as far as a cooldown needs it.
type Failure struct {
	Status     int
	Class      string // LiteLLM's, such as RateLimitError
	RetryAfter time.Duration
}

// Rules say when a failure is one too many. The zero value has LiteLLM's
// defaults.
type Rules struct {
	Disabled bool
	// AllowedFails is how many failures a minute may have; nil leaves it to
	// the rate of failures. Policy is the same by class.
	AllowedFails *int64
	Policy       map[string]int64
	// Time is how long a cooldown lasts; nil is the default.
	Time *time.Duration
}

// Verdict counts a failure and decides for how long the deployment has to cool
// down; 0 is not at all. own are the deployment's rules, which come first;
// peers is how many deployments could serve instead.
func (r *Rules) Verdict(s *State, own *Rules, f Failure, peers int, now time.Time) time.Duration {
	general := own.AllowedFails
	named, limit := allowed(own, f.Class)
	if !named && general == nil { // what the deployment says at all comes first
		general = r.AllowedFails
		named, limit = allowed(r, f.Class)
	}
	// A deployment that refuses a bad request is a healthy one: it neither
	// fails nor succeeds, unless the user has named that class.
	if !named && !blames(f) {
		return 0
	}
	successes, failures, ofClass := s.failed(now, f.Class)
	d := r.duration(own, f)
	if r.Disabled || d <= 0 {
		return 0
	}
	switch {
	case named:
		if ofClass > limit {
			return d
		}
	case general != nil:
		if failures > *general {
			return d
		}
	case tooMany(f.Status, successes, failures, peers):
		return d
	}
	return 0
}

func allowed(r *Rules, class string) (named bool, limit int64) {
	limit, named = r.Policy[class]
	if !named {
		if parent := ParentClass(class); parent != "" {
			limit, named = r.Policy[parent]
		}
	}
	return named, limit
}

// ParentClass returns the class that a class is a kind of, or "".
func ParentClass(class string) string {
	switch class {
	case "ContextWindowExceededError", "ContentPolicyViolationError", "UnsupportedParamsError", "ImageFetchError":
		return "BadRequestError"
	}
	return ""
}

// blames reports whether a failure says something about the deployment.
func blames(f Failure) bool {
	if f.Class == "APIConnectionError" {
		return false
	}
	switch f.Status {
	case http.StatusTooManyRequests, http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusNotFound:
		return true
	}
	return f.Status >= http.StatusInternalServerError
}

// tooMany are the rules where nobody has set a number of allowed failures.
func tooMany(status int, successes, failures int64, peers int) bool {
	total := successes + failures
	if peers == 0 {
		// Without it there is nothing: it has to be dead for sure.
		return successes == 0 && total >= lonelyThreshold
	}
	switch {
	case status == http.StatusTooManyRequests, !Retryable(status):
		return true
	default:
		return total >= failureMinimum && float64(failures) > failureRate*float64(total)
	}
}

// Retryable reports whether the same call may well succeed at once: the
// statuses that the OpenAI SDK repeats.
func Retryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// duration is the deployment's own, else the vendor's, else the router's.
func (r *Rules) duration(own *Rules, f Failure) time.Duration {
	switch {
	case own.Time != nil:
		return *own.Time
	case f.RetryAfter > 0:
		return min(f.RetryAfter, maxCooldown)
	case r.Time != nil:
		return *r.Time
	}
	return DefaultCooldown
}
