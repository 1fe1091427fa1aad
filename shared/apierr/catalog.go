package apierr

import (
	"fmt"
	"net/http"
	"time"
)

// Values of Error.Type that LiteLLM's clients look at.
const (
	TypeAuth           = "auth_error"
	TypeUnknownKey     = "token_not_found_in_db"
	TypeExpiredKey     = "expired_key"
	TypeKeyModelDenied = "key_model_access_denied"
	TypeNoDB           = "no_db_connection"
	TypeBadRequest     = "bad_request_error"
	TypeInvalidRequest = "invalid_request_error"
	TypeNotFound       = "not_found_error"
	TypeInternal       = "internal_server_error"
	TypeThrottling     = "throttling_error"
	TypeTimeout        = "timeout_error"
	TypeUnavailable    = "service_unavailable_error"
)

// New returns an Error with a formatted message.
func New(status int, typ, format string, args ...any) *Error {
	return &Error{Status: status, Type: typ, Message: fmt.Sprintf(format, args...)}
}

// Auth is a refusal before a key was recognised or because of its state.
func Auth(message string) *Error {
	return &Error{Status: http.StatusUnauthorized, Type: TypeAuth, NoneText: true, Message: "Authentication Error, " + message}
}

// Forbidden is a refusal because of what a key may do.
func Forbidden(format string, args ...any) *Error {
	return &Error{Status: http.StatusForbidden, Type: TypeAuth, NoneText: true, Message: fmt.Sprintf(format, args...)}
}

// BadRequest is a request that can not be understood.
func BadRequest(format string, args ...any) *Error {
	return New(http.StatusBadRequest, TypeInvalidRequest, format, args...)
}

// Detail is a refusal in the envelope {"detail":{"error":message}}.
func Detail(status int, format string, args ...any) *Error {
	return &Error{Status: status, DetailError: true, Message: fmt.Sprintf(format, args...)}
}

// Unavailable is a refusal that will pass; clients are told when to come back.
func Unavailable(typ, message string, retryAfter time.Duration) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Type: typ, NoneText: true, Message: message, RetryAfter: retryAfter}
}

// BodyTooLarge is a request body over the limit.
func BodyTooLarge(limit int64) *Error {
	return New(http.StatusRequestEntityTooLarge, TypeInvalidRequest, "Request body is larger than the limit of %d bytes", limit)
}

// MethodNotAllowed is FastAPI's answer to a wrong method, in our envelope.
func MethodNotAllowed() *Error {
	return New(http.StatusMethodNotAllowed, TypeInvalidRequest, "Method Not Allowed")
}

// RouteNotFound is the answer to a path that nobody serves.
func RouteNotFound() *Error {
	return New(http.StatusNotFound, TypeNotFound, "Not Found")
}

// Invalid is a body whose member does not validate: FastAPI's 422.
func Invalid(typ, member, message string) *Error {
	loc := []string{"body"}
	if member != "" {
		loc = append(loc, member)
	}
	return &Error{Status: http.StatusUnprocessableEntity, Message: member + ": " + message, Invalid: &Invalidity{Type: typ, Loc: loc, Msg: message}}
}
