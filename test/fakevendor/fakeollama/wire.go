// Package fakeollama is Ollama's own API on loopback: chat and generate as JSON
// and as lines of it, embeddings, and what it tells about models. It refuses
// what Ollama refuses. What it answers is scripted as package fakevendor tells.
package fakeollama

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// Start runs the vendor until the test ends.
func Start(tb testing.TB) *fakevendor.Vendor {
	tb.Helper()
	return fakevendor.StartWire(tb, wire{})
}

// wire is https://github.com/ollama/ollama/blob/main/docs/api.md
type wire struct{}

// Provider implements fakevendor.Wire.
func (wire) Provider() string { return "ollama_chat" }

// Base implements fakevendor.Wire.
func (wire) Base() string { return "" }

// Params implements fakevendor.Wire.
func (wire) Params(host string) []string { return []string{"api_base: " + host} }

// Read implements fakevendor.Wire. It wants no key, but not a wrong one either.
func (w wire) Read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	req, refusal := w.read(c)
	if given := c.Header.Get("Authorization"); given != "" && given != "Bearer "+fakevendor.Key {
		return nil, &fakevendor.Failure{Status: http.StatusUnauthorized, Message: "unauthorized"}
	}
	return req, refusal
}

func (wire) read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	switch c.Method + " " + c.Path {
	case "POST /api/chat":
		return readChat(c)
	case "POST /api/generate":
		return readGenerate(c)
	case "POST /api/embed":
		return readEmbed(c)
	case "POST /api/show":
		return settled(fakevendor.Object("details", fakevendor.Object("format", "gguf", "family", "vendor"), "model_info", fakevendor.Object(),
			"capabilities", []string{"completion", "tools", "vision", "thinking"})), nil
	case "GET /api/tags":
		model := fakevendor.Object("name", "vendor:latest", "model", "vendor:latest", "modified_at", created, "size", 1, "digest", "0")
		return settled(fakevendor.Object("models", fakevendor.List([]json.RawMessage{model}))), nil
	}
	return nil, &fakevendor.Failure{Status: http.StatusNotFound, Message: "404 page not found"}
}

// Fail implements fakevendor.Wire.
func (wire) Fail(f fakevendor.Failure) fakevendor.Document {
	return fakevendor.JSON(f.Status, fakevendor.Object("error", f.Message))
}

func document(body []byte) fakevendor.Document {
	d := fakevendor.JSON(http.StatusOK, body)
	d.Header.Set("Content-Type", "application/json; charset=utf-8")
	return d
}

func settled(body []byte) *fakevendor.Request { return fakevendor.Settled(document(body)) }
