package route

import (
	"net/http"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Mock says which failures a request wants to see, to test what stands in for
// what: the members mock_testing_… of its body.
type Mock uint8

// The failures that a request may want.
const (
	// MockFallbacks is mock_testing_fallbacks.
	MockFallbacks Mock = 1 << iota
	// MockContextFallbacks is mock_testing_context_fallbacks, which the
	// documentation also calls mock_testing_context_window_fallbacks.
	MockContextFallbacks
	// MockContentPolicyFallbacks is mock_testing_content_policy_fallbacks.
	MockContentPolicyFallbacks
	// MockRateLimitError is mock_testing_rate_limit_error.
	MockRateLimitError

	mockFallback = MockFallbacks | MockContextFallbacks | MockContentPolicyFallbacks
)

// Mock returns the failure that the present attempt is to have in place of a
// call, if the request wants one there: the first attempt of the request, or
// with MockRateLimitError the first with each group. It goes to Next as any
// other, and it does not count against the deployment.
func (r *Route) Mock() (f Failure, ok bool) {
	first := r.hop.retries == 0 && len(r.tried) == 1 && !r.hop.mocked
	if r.ask.Mock == 0 || !first || !r.held || r.started {
		return Failure{}, false
	}
	name, mock := r.ask.Target.Asked, r.ask.Mock
	if r.fallbacks > 0 {
		name, mock = r.hop.target.Name, mock&MockRateLimitError
	}
	text := "This is a mock exception for model=" + name + ", to trigger a "
	switch {
	case mock&MockFallbacks != 0:
		f = Failure{Status: http.StatusInternalServerError, Class: classInternal}
		text = "litellm.InternalServerError: " + text + "fallback. Fallbacks=" + r.listed(r.general().written)
	case mock&MockContextFallbacks != 0:
		f = Failure{Status: http.StatusBadRequest, Class: classContextWindow}
		text = "litellm.ContextWindowExceededError: litellm.BadRequestError: " + text + "fallback. Context_Window_Fallbacks=" +
			r.listed(r.table.rules.contextWindow.written)
	case mock&MockContentPolicyFallbacks != 0:
		f = Failure{Status: http.StatusBadRequest, Class: classContentPolicy}
		text = "litellm.ContentPolicyViolationError: litellm.BadRequestError: " + text + "fallback. Context_Policy_Fallbacks=" +
			r.listed(r.table.rules.contentPolicy.written)
	case mock&MockRateLimitError != 0:
		f = Failure{Status: http.StatusTooManyRequests, Class: classRateLimit}
		text = "litellm.RateLimitError: " + text + "rate limit error."
	default:
		return Failure{}, false
	}
	r.hop.mocked = true
	f.Err = &apierr.Error{Status: f.Status, Message: text}
	if f.Status == http.StatusTooManyRequests {
		f.Err.Type = apierr.TypeThrottling
	}
	return f, true
}
