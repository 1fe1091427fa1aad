package provider

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const (
	maxFailureBody = 64 << 10
	maxFailureText = 2048
)

// Failure is a vendor's refusal: what it answered instead of an answer.
type Failure struct { //nolint:errname // a vendor's refusal, by the name that the papers use
	// Status is the vendor's, or the nearest one of HTTP's for a failure in
	// the middle of a stream.
	Status int
	// Text is the vendor's reason, bounded, for the client to read.
	Text string
	// Code is the vendor's own name of the failure, such as
	// context_length_exceeded or ThrottlingException.
	Code string
	// Header returns a response header of the vendor; it may be nil.
	Header func(name string) string
}

func (f *Failure) Error() string {
	return "provider answered " + http.StatusText(f.Status) // its words may hold what the prompt said
}

// ReadFailure reads a reply of status 400 or more.
func ReadFailure(r Reply) *Failure {
	f := &Failure{Status: r.Status(), Header: r.Header}
	body, err := io.ReadAll(io.LimitReader(r, maxFailureBody))
	if err == nil || len(body) > 0 {
		f.Explain(body)
	}
	return f
}

// Explain takes the reason from an error body: OpenAI's envelope and the
// shapes that others use, or the text itself.
func (f *Failure) Explain(body []byte) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '[' { // Gemini streams its errors in a list
		body = bytes.TrimSpace(bytes.Trim(body, "[]"))
	}
	f.Code = textAt(body, "error", "code")
	for _, path := range [][]string{{"error", "status"}, {"error", "type"}, {"__type"}, {"code"}, {"type"}} {
		if f.Code == "" {
			f.Code = textAt(body, path...)
		}
	}
	for _, path := range [][]string{{"error", "message"}, {"message"}, {"Message"}, {"detail"}, {"error"}, {"errors", "message"}} {
		if s := textAt(body, path...); s != "" {
			f.Text = boundedText(s)
			return
		}
	}
	if utf8.Valid(body) && !bytes.HasPrefix(body, []byte("<")) {
		f.Text = boundedText(string(body))
	}
}

// textAt returns the text at a path of members, or "".
func textAt(value []byte, path ...string) string {
	for _, name := range path {
		if len(value) == 0 || value[0] != '{' {
			return ""
		}
		value = jsonx.Lookup(value, name).Of(value)
	}
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	s, err := jsonx.Unquote(value)
	if err != nil {
		return ""
	}
	return s
}

func boundedText(s string) string {
	if len(s) > maxFailureText {
		return strings.ToValidUTF8(s[:maxFailureText], "") + "…"
	}
	return s
}

// CredentialsError means that what proves who the gateway is could not be had.
type CredentialsError struct {
	Provider string
	Cause    error
}

func (e *CredentialsError) Error() string {
	return "authorise at " + e.Provider + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *CredentialsError) Unwrap() error { return e.Cause }

// Unsupported is LiteLLM's answer to parameters that a vendor does not know;
// params is their list as Python shows it.
func Unsupported(slug, params, model string) error {
	return apierr.New(http.StatusBadRequest, "", "litellm.UnsupportedParamsError: %s does not support parameters: %s, for model=%s. "+
		"To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. "+
		"If you want to use these params dynamically send allowed_openai_params=%s in your request.", slug, params, model, params)
}
