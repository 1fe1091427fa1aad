package bedrock

import (
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// refuse is an error of the client's; param is the parameter that is wrong.
func refuse(param, text string, args ...any) *apierr.Error {
	e := apierr.New(http.StatusBadRequest, apierr.TypeInvalidRequest, text, args...)
	e.Param = param
	return e
}

// exception is an error that came in the middle of a stream.
func exception(f *frame.Frame) *provider.Failure {
	failure := &provider.Failure{}
	failure.Explain(f.Data)
	failure.Code = exceptionName(f.Exception)
	failure.Status = statusOf(failure.Code)
	correct(failure)
	return failure
}

// exceptionName writes AWS's names alike: frames begin them with a small
// letter.
func exceptionName(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// statusOf returns the status that AWS documents for an exception:
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
func statusOf(name string) int {
	switch name {
	case "ValidationException", "ServiceQuotaExceededException":
		return http.StatusBadRequest
	case "AccessDeniedException":
		return http.StatusForbidden
	case "ResourceNotFoundException":
		return http.StatusNotFound
	case "ModelTimeoutException":
		return http.StatusRequestTimeout
	case "ConflictException":
		return http.StatusConflict
	case "ModelErrorException", "ModelStreamErrorException":
		return http.StatusFailedDependency
	case "ThrottlingException", "ModelNotReadyException":
		return http.StatusTooManyRequests
	case "ServiceUnavailableException":
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// correct tells a caller that AWS does not know from one that may not: AWS
// answers 403 to both.
func correct(f *provider.Failure) {
	if f.Code == "" && f.Header != nil {
		name, _, _ := strings.Cut(f.Header("X-Amzn-Errortype"), ":")
		f.Code = exceptionName(name)
	}
	switch {
	case f.Status != http.StatusForbidden:
	case f.Code == "UnrecognizedClientException", f.Code == "ExpiredTokenException", f.Code == "InvalidSignatureException",
		f.Code == "MissingAuthenticationTokenException", f.Code == "IncompleteSignatureException",
		strings.Contains(f.Text, "security token included in the request is invalid"),
		strings.Contains(f.Text, "security token included in the request is expired"),
		strings.Contains(f.Text, "API Key format"):
		f.Status = http.StatusUnauthorized
	}
}
