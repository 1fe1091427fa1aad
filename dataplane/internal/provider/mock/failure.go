package mock

import (
	"context"
	"net/http"
)

// special is an error that a text of mock_response asks for.
type special uint8

const (
	noSpecial special = iota
	rateLimited
	contextTooLong
	contentRefused
	internalError
)

// specialOf knows the texts that LiteLLM gives a meaning:
// https://docs.litellm.ai/docs/completion/mock_requests
func specialOf(text string) special {
	switch text {
	case "litellm.RateLimitError":
		return rateLimited
	case "litellm.ContextWindowExceededError":
		return contextTooLong
	case "litellm.ContentPolicyViolationError":
		return contentRefused
	case "litellm.InternalServerError":
		return internalError
	default:
		return noSpecial
	}
}

// failure is an OpenAI error; an empty param or code is null.
type failure struct {
	status                    int
	message, typ, param, code string
}

// failure returns the error to answer with. A status is more explicit than a
// special text.
func (o *options) failure() (failure, bool) {
	switch {
	case o.status != 0:
		return failureOf(o.status), true
	case o.special == rateLimited:
		return failureOf(http.StatusTooManyRequests), true
	case o.special == internalError:
		return failureOf(http.StatusInternalServerError), true
	case o.special == contextTooLong:
		return failure{
			http.StatusBadRequest, "This model's maximum context length is 8192 tokens. However, your messages resulted in more tokens.",
			"invalid_request_error", "messages", "context_length_exceeded",
		}, true
	case o.special == contentRefused:
		return failure{
			http.StatusBadRequest, "Your request was rejected as a result of our safety system.",
			"invalid_request_error", "", "content_policy_violation",
		}, true
	default:
		return failure{}, false
	}
}

// failureOf returns what OpenAI sends with a status:
// https://platform.openai.com/docs/guides/error-codes
func failureOf(status int) failure {
	f := failure{status: status, message: "This is a mock error.", typ: "invalid_request_error"}
	switch {
	case status == http.StatusUnauthorized:
		f.message, f.code = "Incorrect API key provided.", "invalid_api_key"
	case status == http.StatusNotFound:
		f.message, f.code = "The model does not exist or you do not have access to it.", "model_not_found"
	case status == http.StatusTooManyRequests:
		f.message, f.typ, f.code = "Rate limit reached for requests.", "requests", "rate_limit_exceeded"
	case status == http.StatusServiceUnavailable:
		f.message, f.typ = "The engine is currently overloaded, please try again later.", "server_error"
	case status >= http.StatusInternalServerError:
		f.message, f.typ = "The server had an error while processing your request.", "server_error"
	}
	return f
}

func badRequest(err *optionError) failure {
	return failure{status: http.StatusBadRequest, message: err.Error(), typ: "invalid_request_error", param: err.name}
}

func (b *backend) fail(ctx context.Context, req *request, f failure) *reply {
	r := b.reply(ctx, req)
	r.status = f.status
	if req.garbage {
		r.write(append(r.buf.b, garbageBody...))
		return r
	}
	body := appendString(append(r.buf.b, `{"error":{"message":`...), f.message)
	body = appendString(append(body, `,"type":`...), f.typ)
	body = appendNullable(append(body, `,"param":`...), f.param)
	body = appendNullable(append(body, `,"code":`...), f.code)
	r.write(append(body, `}}`...))
	return r
}

func appendNullable(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendString(dst, s)
}
