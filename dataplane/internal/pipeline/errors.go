package pipeline

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	maxErrorBody = 64 << 10
	maxErrorText = 2048
	maxRetry     = time.Hour
)

// publicError returns what the client is told, or nil when it is gone.
func (x *exchange) publicError(err error) *apierr.Error {
	if errors.Is(err, errClientGone) {
		return nil
	}
	return apierr.Public(err)
}

// classes are LiteLLM's exception names by status.
func class(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "AuthenticationError"
	case http.StatusForbidden:
		return "PermissionDeniedError"
	case http.StatusNotFound:
		return "NotFoundError"
	case http.StatusRequestTimeout:
		return "Timeout"
	case http.StatusUnprocessableEntity:
		return "UnprocessableEntityError"
	case http.StatusTooManyRequests:
		return "RateLimitError"
	case http.StatusBadGateway:
		return "BadGatewayError"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailableError"
	}
	if status >= http.StatusInternalServerError {
		return "InternalServerError"
	}
	return "BadRequestError"
}

// providerError words a failure of the vendor the way LiteLLM does, because
// clients match on it.
func (x *exchange) providerError(status int, name, text string) *apierr.Error {
	if name == "" {
		name = class(status)
	}
	e := &apierr.Error{Status: status, Message: "litellm." + name + ": " + name + ": " + exception(x.deployment.Provider) + " - " + text}
	if status == http.StatusTooManyRequests {
		e.Type = apierr.TypeThrottling
	}
	return e
}

func exception(provider string) string {
	if provider == "openai" {
		return "OpenAIException"
	}
	if provider == "" {
		return "Exception"
	}
	return strings.ToUpper(provider[:1]) + provider[1:] + "Exception"
}

// vendorMessage finds the reason in a vendor's error body: OpenAI's envelope,
// the shapes that its imitators use, or the text itself.
func vendorMessage(body []byte) string {
	body = bytes.TrimSpace(body)
	for _, path := range [][]string{{"error", "message"}, {"message"}, {"detail"}, {"error"}} {
		value := body
		for _, name := range path {
			if len(value) == 0 || value[0] != '{' {
				value = nil
				break
			}
			value = jsonx.Lookup(value, name).Of(value)
		}
		if len(value) > 1 && value[0] == '"' {
			if s, err := jsonx.Unquote(value); err == nil && s != "" {
				return boundedText(s)
			}
		}
	}
	if !utf8.Valid(body) || bytes.HasPrefix(body, []byte("<")) {
		return ""
	}
	return boundedText(string(body))
}

func boundedText(s string) string {
	if len(s) > maxErrorText {
		return strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return s
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
