package pipeline

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/guarded"
)

const maxRetry = time.Hour

// publicError returns what the client is told, or nil when it is gone.
func (x *exchange) publicError(err error) *apierr.Error {
	if errors.Is(err, errClientGone) {
		return nil
	}
	if p, ok := errors.AsType[*chat.ParamError](err); ok {
		return &apierr.Error{Status: http.StatusBadRequest, Type: apierr.TypeInvalidRequest, Param: p.Param, Message: p.Error()}
	}
	return apierr.Public(err)
}

// LiteLLM's names of failures that do not follow from a status.
const (
	classContextWindow = "ContextWindowExceededError"
	classContentPolicy = "ContentPolicyViolationError"
	classTimeout       = "Timeout"
	classConnection    = "APIConnectionError"
	classAPI           = "APIError"
	classInternal      = "InternalServerError"
)

// class are LiteLLM's exception names by status.
func class(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "AuthenticationError"
	case http.StatusForbidden:
		return "PermissionDeniedError"
	case http.StatusNotFound:
		return "NotFoundError"
	case http.StatusRequestTimeout:
		return classTimeout
	case http.StatusUnprocessableEntity:
		return "UnprocessableEntityError"
	case http.StatusTooManyRequests:
		return "RateLimitError"
	case http.StatusBadGateway:
		return "BadGatewayError"
	case http.StatusServiceUnavailable, statusOverloaded:
		return "ServiceUnavailableError"
	}
	if status >= http.StatusInternalServerError {
		return classInternal
	}
	return "BadRequestError"
}

// statusOverloaded is Anthropic's; clients get 503, which they know.
const statusOverloaded = 529

// failed is a call that brought no answer, as the router and the client see it.
type failed struct {
	status int
	class  string
	text   string
	retry  time.Duration
	cause  error
	// ours is an error that is the gateway's or the client's, not the vendor's.
	ours *apierr.Error
}

// understandFailure sorts what went wrong with a call.
func (x *exchange) understandFailure(err error) failed {
	if f, ok := errors.AsType[*provider.Failure](err); ok {
		return refusal(f)
	}
	if bad, ok := errors.AsType[*provider.BadAnswerError](err); ok {
		return failed{status: http.StatusInternalServerError, class: classAPI, text: bad.What, cause: err}
	}
	if errors.Is(err, provider.ErrUnsupported) {
		slug := x.deployment.Provider
		return failed{status: http.StatusBadRequest, class: class(http.StatusBadRequest), ours: apierr.New(http.StatusBadRequest, "",
			"litellm.BadRequestError: %s - %s does not offer %s", exception(slug), slug, x.endpoint.Name)}
	}
	if errors.Is(err, guarded.ErrForbidden) {
		return failed{status: http.StatusBadRequest, class: class(http.StatusBadRequest), ours: apierr.BadRequest("The address that the request names may not be reached").Because(err)}
	}
	if public, ok := errors.AsType[*apierr.Error](err); ok {
		return failed{status: public.Status, class: class(public.Status), ours: public}
	}
	if c, ok := errors.AsType[*provider.CredentialsError](err); ok && x.r.Context().Err() == nil {
		return failed{status: http.StatusInternalServerError, class: classInternal, text: "the gateway has no usable credentials for " + c.Provider + ".", cause: err}
	}
	if timedOut(err) {
		return failed{status: http.StatusRequestTimeout, class: classTimeout, text: "Request timed out.", cause: err}
	}
	return failed{status: http.StatusInternalServerError, class: classInternal, text: "Connection error.", cause: err}
}

func timedOut(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// refusal sorts what a vendor said.
func refusal(f *provider.Failure) failed {
	out := failed{status: f.Status, class: class(f.Status), text: provider.WithoutCredentials(f.Text)}
	if f.Status == statusOverloaded {
		out.status = http.StatusServiceUnavailable
	}
	if out.text == "" {
		out.text = "the provider gave no reason"
	}
	if f.Header != nil {
		out.retry = retryAfter(f.Header("Retry-After"))
	}
	if f.Status != http.StatusBadRequest && f.Status != http.StatusRequestEntityTooLarge && f.Status != http.StatusUnprocessableEntity {
		return out
	}
	switch {
	case tooLong(f):
		out.status, out.class = http.StatusBadRequest, classContextWindow
	case unwanted(f):
		out.status, out.class = http.StatusBadRequest, classContentPolicy
	}
	return out
}

// tooLong recognises the vendors' ways to say that a prompt is too long.
func tooLong(f *provider.Failure) bool {
	return f.Code == "context_length_exceeded" || says(f, "this model's maximum context length is", "prompt is too long", "prompt: length",
		"exceed context limit", "maximum context limit", "input is too long", "exceeds the maximum number of tokens", "too many tokens",
		"too many input tokens", "context length", "tokens exceed", "expected maxlength", "exceeds the context window", "input token count",
		"available context size", "`inputs` tokens + `max_new_tokens` must be", "maximum prompt length is")
}

// unwanted recognises the vendors' ways to say that they do not want to.
func unwanted(f *provider.Failure) bool {
	return f.Code == "content_policy_violation" || f.Code == "content_filter" || says(f, "content_policy", "responsibleaipolicyviolation",
		"content management", "content filtering policy", "result of our safety system", "result of the safety system", "violating our usage policy",
		"model produced invalid content", "blocked by our content filters", "the response was blocked")
}

// says reports whether one of the phrases, in small letters, is among a vendor's
// words.
func says(f *provider.Failure, phrases ...string) bool {
	text := strings.ToLower(f.Text)
	return slices.ContainsFunc(phrases, func(phrase string) bool { return strings.Contains(text, phrase) })
}

// public words a failure of the vendor the way LiteLLM does, because clients
// match on it.
func (f *failed) public(slug string) *apierr.Error {
	if f.ours != nil {
		return f.ours
	}
	e := &apierr.Error{Status: f.status, Message: "litellm." + f.class + ": " + f.class + ": " + exception(slug) + " - " + f.text}
	if f.status == http.StatusTooManyRequests {
		e.Type = apierr.TypeThrottling
	}
	if f.retry > 0 {
		e = e.After(f.retry)
	}
	if f.cause != nil {
		e = e.Because(f.cause)
	}
	return e
}

func exception(slug string) string {
	if slug == "openai" {
		return "OpenAIException"
	}
	if slug == "" {
		return "Exception"
	}
	return strings.ToUpper(slug[:1]) + slug[1:] + "Exception"
}

// retryAfter reads a Retry-After header, in seconds or as a date.
func retryAfter(value string) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
		return min(time.Duration(min(seconds, maxRetry.Seconds())*float64(time.Second)), maxRetry)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), maxRetry)
	}
	return 0
}
