// Package fakegemini is Google's Gemini on loopback, as the Gemini API has it
// and as Vertex AI has it: content as JSON and as events, token counts,
// embeddings and models; Vertex with its token endpoint, and with Anthropic's
// models beside Google's. It refuses what they refuse. What it answers is
// scripted as package fakevendor tells.
package fakegemini

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// Start runs the Gemini API until the test ends.
func Start(tb testing.TB) *fakevendor.Vendor {
	tb.Helper()
	return fakevendor.StartWire(tb, wire{})
}

// wire is https://ai.google.dev/api
type wire struct{}

// Provider implements fakevendor.Wire.
func (wire) Provider() string { return "gemini" }

// Base implements fakevendor.Wire.
func (wire) Base() string { return "/v1beta" }

// Params implements fakevendor.Wire.
func (w wire) Params(host string) []string {
	return []string{"api_base: " + host + w.Base(), "api_key: " + fakevendor.Key}
}

// Read implements fakevendor.Wire.
func (w wire) Read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	req, refusal := w.read(c)
	if denied := authenticate(c); denied != nil {
		return nil, denied
	}
	return req, refusal
}

func (w wire) read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	if c.Path == w.Base()+"/cachedContents" {
		return keptPrompts(c)
	}
	rest, ok := strings.CutPrefix(c.Path, w.Base()+"/models")
	name, method, called := strings.Cut(strings.TrimPrefix(rest, "/"), ":")
	switch {
	case !ok:
		return nil, notFound(c)
	case c.Method == http.MethodGet && !called:
		return models(name), nil
	case c.Method == http.MethodPost && called:
		c.Model = name
		return methodOf(c, method, false)
	}
	return nil, notFound(c)
}

// tooSmall is why the vendor keeps no prompt: those of tests are short.
const tooSmall = "Cached content is too small"

// keptPrompts lists the prompts that the vendor keeps, which are none.
// https://ai.google.dev/api/caching
func keptPrompts(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	if c.Method == http.MethodGet {
		return fakevendor.Settled(document(fakevendor.Object())), nil
	}
	return nil, fakevendor.Refuse(tooSmall + ". total_token_count=42, min_total_token_count=1024")
}

// methodOf reads the body of a method of a model.
func methodOf(c *fakevendor.Call, method string, vertex bool) (*fakevendor.Request, *fakevendor.Failure) {
	switch method {
	case "generateContent":
		return readGenerate(c, vertex)
	case "streamGenerateContent":
		c.Stream = true
		return readGenerate(c, vertex)
	case "countTokens":
		return readCount(c, vertex)
	case "embedContent":
		return readEmbed(c)
	case "batchEmbedContents":
		return readBatchEmbed(c)
	case "predict":
		return readPredict(c)
	}
	return nil, notFound(c)
}

func notFound(c *fakevendor.Call) *fakevendor.Failure {
	return &fakevendor.Failure{Status: http.StatusNotFound, Message: "The requested URL " + c.Path + " was not found on this server."}
}

func authenticate(c *fakevendor.Call) *fakevendor.Failure {
	key := c.Header.Get("X-Goog-Api-Key")
	if query, err := url.ParseQuery(c.Query); err == nil && key == "" {
		key = query.Get("key")
	}
	switch key {
	case fakevendor.Key:
		return nil
	case "":
		return &fakevendor.Failure{Status: http.StatusForbidden, Message: "Method doesn't allow unregistered callers (callers without established identity). " +
			"Please use API Key or other form of API consumer identity to call this API."}
	default:
		return fakevendor.Refuse("API key not valid. Please pass a valid API key.")
	}
}

// Fail implements fakevendor.Wire.
func (wire) Fail(f fakevendor.Failure) fakevendor.Document { return fail(f) }

// fail renders the envelope of https://cloud.google.com/apis/design/errors
func fail(f fakevendor.Failure) fakevendor.Document {
	d := fakevendor.JSON(f.Status, failure(f.Status, f.Message))
	d.Header = header("application/json; charset=UTF-8")
	return d
}

func failure(status int, message string) []byte {
	return fakevendor.Object("error", fakevendor.Object("code", status, "message", message, "status", statusName(status)))
}

func statusName(status int) string {
	if name, ok := map[int]string{
		http.StatusUnauthorized: "UNAUTHENTICATED", http.StatusForbidden: "PERMISSION_DENIED", http.StatusNotFound: "NOT_FOUND",
		http.StatusConflict: "ABORTED", http.StatusTooManyRequests: "RESOURCE_EXHAUSTED", http.StatusInternalServerError: "INTERNAL",
		http.StatusServiceUnavailable: "UNAVAILABLE", http.StatusGatewayTimeout: "DEADLINE_EXCEEDED",
	}[status]; ok {
		return name
	}
	if status >= http.StatusInternalServerError {
		return "UNKNOWN"
	}
	return "INVALID_ARGUMENT"
}

func header(contentType string) http.Header {
	return http.Header{"Content-Type": {contentType}, "Server": {"scaffolding on HTTPServer2"}, "X-Frame-Options": {"SAMEORIGIN"}, "Server-Timing": {"gfet4t7; dur=12"}}
}

func document(body []byte) fakevendor.Document {
	return fakevendor.Document{Header: header("application/json; charset=UTF-8"), Body: body}
}
