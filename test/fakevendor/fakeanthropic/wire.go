// Package fakeanthropic is Anthropic's API on loopback: messages as JSON and as
// events, token counts, models, and batches. It refuses what the API refuses.
// What it answers is scripted as package fakevendor tells; batches are done as
// soon as they are made.
package fakeanthropic

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// Version is the API version that most callers speak, and Newer the one that
// does without sampling parameters.
// https://platform.claude.com/docs/en/api/versioning
const (
	Version = "2023-06-01"
	Newer   = "2026-10-21"
)

// Start runs the vendor until the test ends.
func Start(tb testing.TB) *fakevendor.Vendor {
	tb.Helper()
	return fakevendor.StartWire(tb, &wire{batches: &batches{}})
}

// wire is https://docs.anthropic.com/en/api
type wire struct {
	batches *batches
}

// Provider implements fakevendor.Wire.
func (*wire) Provider() string { return "anthropic" }

// Base implements fakevendor.Wire.
func (*wire) Base() string { return "" }

// Params implements fakevendor.Wire.
func (*wire) Params(host string) []string {
	return []string{"api_base: " + host, "api_key: " + fakevendor.Key}
}

// Read implements fakevendor.Wire.
func (w *wire) Read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	req, refusal := w.read(c)
	if denied := authenticate(c.Header); denied != nil {
		return nil, denied
	}
	switch version := c.Header.Get("Anthropic-Version"); version {
	case Version, Newer:
	case "":
		return nil, fakevendor.Refuse("anthropic-version: header is required")
	default:
		return nil, fakevendor.Refuse("anthropic-version: \"" + version + "\" is not a valid version")
	}
	return req, refusal
}

func (w *wire) read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	rest, ok := strings.CutPrefix(c.Path, "/v1/messages")
	switch {
	case ok && strings.HasPrefix(rest, "/batches"):
		return w.batches.read(c, strings.TrimPrefix(rest, "/batches"))
	case ok && c.Method == http.MethodPost && rest == "":
		return ReadMessages(c, Messages)
	case ok && c.Method == http.MethodPost && rest == "/count_tokens":
		return ReadMessages(c, Count)
	case c.Method == http.MethodGet && strings.HasPrefix(c.Path, "/v1/models"):
		return models(strings.Trim(strings.TrimPrefix(c.Path, "/v1/models"), "/")), nil
	}
	return nil, &fakevendor.Failure{Status: http.StatusNotFound, Message: "Not found"}
}

func authenticate(h http.Header) *fakevendor.Failure {
	key := h.Get("X-Api-Key")
	if key == "" {
		key = strings.TrimPrefix(h.Get("Authorization"), "Bearer ")
	}
	switch key {
	case fakevendor.Key:
		return nil
	case "":
		return &fakevendor.Failure{Status: http.StatusUnauthorized, Message: "x-api-key header is required"}
	default:
		return &fakevendor.Failure{Status: http.StatusUnauthorized, Message: "invalid x-api-key"}
	}
}

// Fail implements fakevendor.Wire with the envelope of
// https://docs.anthropic.com/en/api/errors
func (*wire) Fail(f fakevendor.Failure) fakevendor.Document { return Fail(f) }

// Fail renders an error of the API.
func Fail(f fakevendor.Failure) fakevendor.Document {
	kind := f.Kind
	if kind == "" {
		kind = errorType(f.Status)
	}
	d := fakevendor.JSON(f.Status, fakevendor.Object("type", "error", "error", fakevendor.Object("type", kind, "message", f.Message), "request_id", "req_vendor"))
	d.Header.Set("Request-Id", "req_vendor")
	return d
}

// overloaded is Anthropic's own status.
const overloaded = 529

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
	case http.StatusGatewayTimeout:
		return "timeout_error"
	case overloaded:
		return "overloaded_error"
	}
	if status >= http.StatusInternalServerError {
		return "api_error"
	}
	return "invalid_request_error"
}

func header(contentType string) http.Header {
	return http.Header{
		"Content-Type": {contentType}, "Request-Id": {"req_vendor"}, "Anthropic-Organization-Id": {"org-vendor"},
		"Anthropic-Ratelimit-Requests-Limit": {"1000"}, "Anthropic-Ratelimit-Requests-Remaining": {"999"},
		"Anthropic-Ratelimit-Input-Tokens-Remaining": {"80000"}, "Cf-Ray": {"vendor"}, "Set-Cookie": {"vendor=1"},
	}
}

func document(body []byte) fakevendor.Document {
	return fakevendor.Document{Header: header("application/json"), Body: body}
}
