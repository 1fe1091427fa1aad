package anthropic

import (
	"net/http"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// statusOverloaded is Anthropic's own.
const statusOverloaded = 529

// Error implements dialect.Dialect. The id of the request is in a header.
func (Dialect) Error(e *apierr.Error) []byte { return appendError(nil, e) }

func appendError(b []byte, e *apierr.Error) []byte {
	b = append(append(b, `{"type":"error","error":{"type":"`...), errorType(e.Status)...)
	b = jsonx.AppendQuote(append(b, `","message":`...), e.Message)
	return append(b, `},"request_id":null}`...)
}

// FailStream implements dialect.Dialect.
func (Dialect) FailStream(b []byte, e *apierr.Error) []byte {
	b = append(b, "event: error\ndata: "...)
	return append(appendError(b, e), "\n\n"...)
}

// errorType returns the type that goes with a status:
// https://platform.claude.com/docs/en/api/errors
func errorType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "timeout_error"
	case http.StatusServiceUnavailable, statusOverloaded:
		return "overloaded_error"
	}
	if status >= http.StatusInternalServerError {
		return "api_error"
	}
	return "invalid_request_error"
}
