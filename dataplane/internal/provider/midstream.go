package provider

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// statusOverloaded is Anthropic's own.
const statusOverloaded = 529

// Midstream returns the failure that the data of an event is, or nil for an
// event that is none. A vendor that has answered 200 can say so only there:
// OpenAI's imitators in the member "error", alone or in a chunk, others in an
// event whose type is "error". Some do the same in a whole answer.
func Midstream(data []byte) *Failure {
	if !bytes.Contains(data, []byte(`"error"`)) {
		return nil
	}
	object := jsonx.Lookup(data, "error").Of(data)
	switch {
	case len(object) > 2 && (object[0] == '{' || object[0] == '"'):
	case textAt(data, "type") == "error":
		object = data
	default:
		return nil
	}
	f := &Failure{}
	f.Explain(data)
	f.Status = statusIn(object)
	return f
}

// statusIn returns the status that an error names: the number that many give as
// its code, some of them as a text, or the one that its code or type stands for.
func statusIn(object []byte) int {
	if object[0] != '{' {
		return http.StatusInternalServerError
	}
	code := jsonx.Lookup(object, "code").Of(object)
	if n, err := strconv.Atoi(string(bytes.Trim(code, `"`))); err == nil && n >= http.StatusBadRequest && n < 600 {
		return n
	}
	for _, name := range []string{"code", "type"} {
		if status := statusOf(textAt(object, name)); status != 0 {
			return status
		}
	}
	return http.StatusInternalServerError
}

// statusOf returns the status of the errors that OpenAI and Anthropic name, or 0:
// https://platform.openai.com/docs/guides/error-codes and
// https://docs.anthropic.com/en/api/errors
func statusOf(name string) int {
	switch name {
	case "invalid_request_error", "context_length_exceeded", "content_filter", "content_policy_violation", "invalid_prompt":
		return http.StatusBadRequest
	case "authentication_error", "invalid_api_key":
		return http.StatusUnauthorized
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error", "model_not_found":
		return http.StatusNotFound
	case "timeout_error":
		return http.StatusRequestTimeout
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_limit_error", "rate_limit_exceeded", "insufficient_quota":
		return http.StatusTooManyRequests
	case "overloaded_error":
		return statusOverloaded
	}
	return 0
}
