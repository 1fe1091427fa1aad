// Package fakecohere is Cohere's API v2 on loopback: chat as JSON and as
// events, embeddings, rerank and models. It refuses what the API refuses. What
// it answers is scripted as package fakevendor tells.
package fakecohere

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// Start runs the vendor until the test ends.
func Start(tb testing.TB) *fakevendor.Vendor {
	tb.Helper()
	return fakevendor.StartWire(tb, wire{})
}

// wire is https://docs.cohere.com/reference
type wire struct{}

// Provider implements fakevendor.Wire.
func (wire) Provider() string { return "cohere" }

// Base implements fakevendor.Wire.
func (wire) Base() string { return "" }

// Params implements fakevendor.Wire.
func (wire) Params(host string) []string {
	return []string{"api_base: " + host, "api_key: " + fakevendor.Key}
}

// Read implements fakevendor.Wire.
func (w wire) Read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	req, refusal := w.read(c)
	switch c.Header.Get("Authorization") {
	case "Bearer " + fakevendor.Key:
		return req, refusal
	case "":
		return nil, &fakevendor.Failure{Status: http.StatusUnauthorized, Message: "no api key supplied"}
	default:
		return nil, &fakevendor.Failure{Status: http.StatusUnauthorized, Message: "invalid api token"}
	}
}

func (wire) read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	switch c.Method + " " + c.Path {
	case "POST /v2/chat":
		return readChat(c)
	case "POST /v2/embed":
		return readEmbed(c)
	case "POST /v2/rerank", "POST /v1/rerank":
		return readRerank(c)
	case "GET /v1/models":
		model := fakevendor.Object("name", "command-vendor", "endpoints", []string{"chat"}, "finetuned", false, "context_length", 256000)
		return fakevendor.Settled(document(fakevendor.Object("models", fakevendor.List([]json.RawMessage{model})))), nil
	}
	return nil, &fakevendor.Failure{Status: http.StatusNotFound, Message: "404 page not found"}
}

// Fail implements fakevendor.Wire.
func (wire) Fail(f fakevendor.Failure) fakevendor.Document {
	return fakevendor.JSON(f.Status, fakevendor.Object("id", "vendor-error", "message", f.Message))
}

func document(body []byte) fakevendor.Document {
	d := fakevendor.JSON(http.StatusOK, body)
	d.Header.Set("X-Trial-Endpoint-Call-Remaining", "999")
	return d
}

// unknown refuses members that are not in a list.
func unknown(body []byte, known string) *fakevendor.Failure {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return fakevendor.Refuse("invalid request: the body is not a JSON object")
	}
	for name := range members {
		if !slices.Contains(strings.Fields(known), name) {
			return fakevendor.Refuse("unknown field: parameter '" + name + "' is not a valid field")
		}
	}
	return nil
}
