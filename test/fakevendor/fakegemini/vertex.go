package fakegemini

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
)

// Where the vendor's Vertex has its models, and who may use them.
const (
	Project  = "vendor-project"
	Location = "us-central1"
	account  = "tianji@vendor-project.iam.gserviceaccount.com"
	// AccessToken is what the token endpoint gives.
	AccessToken = "ya29.vendor-access-token" //nolint:gosec // of no account
	keyBits     = 2048

	// https://docs.anthropic.com/en/api/claude-on-vertex-ai
	claudeVersion = "vertex-2023-10-16"
)

// Vertex is Vertex AI.
type Vertex struct {
	*fakevendor.Vendor

	wire *vertexWire
}

// StartVertex runs Vertex AI until the test ends.
func StartVertex(tb testing.TB) *Vertex {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	require.NoError(tb, err)
	w := &vertexWire{key: key}
	return &Vertex{fakevendor.StartWire(tb, w), w}
}

// Credentials is the service account's key file.
func (v *Vertex) Credentials() string { return v.wire.credentials(v.Host()) }

// vertexWire is
// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
type vertexWire struct {
	key *rsa.PrivateKey
}

// Provider implements fakevendor.Wire.
func (*vertexWire) Provider() string { return "vertex_ai" }

// Base implements fakevendor.Wire.
func (*vertexWire) Base() string { return "" }

// Params implements fakevendor.Wire.
func (w *vertexWire) Params(host string) []string {
	return []string{
		"api_base: " + host, "vertex_project: " + Project, "vertex_location: " + Location,
		"vertex_credentials: '" + w.credentials(host) + "'",
	}
}

func (w *vertexWire) credentials(host string) string {
	der, err := x509.MarshalPKCS8PrivateKey(w.key)
	if err != nil {
		return "" // of an RSA key it can
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return string(fakevendor.Object("type", "service_account", "project_id", Project, "private_key_id", "vendor-key", "private_key", string(key),
		"client_email", account, "client_id", "100000000000000000001", "token_uri", host+tokenPath, "universe_domain", "googleapis.com"))
}

var modelPath = regexp.MustCompile(`^/v1(?:beta1)?/projects/([^/]+)/locations/([^/]+)/publishers/([^/]+)/models/([^/:]+):([A-Za-z]+)$`)

// Read implements fakevendor.Wire.
func (w *vertexWire) Read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	if c.Path == tokenPath {
		return w.token(c)
	}
	at := modelPath.FindStringSubmatch(c.Path)
	if at == nil {
		return nil, notFound(c)
	}
	c.Model = at[4]
	switch {
	case c.Header.Get("Authorization") != "Bearer "+AccessToken:
		return nil, &fakevendor.Failure{Status: http.StatusUnauthorized, Message: "Request had invalid authentication credentials. " +
			"Expected OAuth 2 access token, login cookie or other valid authentication credential."}
	case at[1] != Project || at[2] != Location && at[2] != "global":
		return nil, &fakevendor.Failure{Status: http.StatusForbidden, Message: "Permission denied on resource project " + at[1] + "."}
	case at[3] == "google":
		return methodOf(c, at[5], true)
	case at[3] == "anthropic" && at[4] == "count-tokens":
		return fakeanthropic.ReadPredict(c, fakeanthropic.CountPredict, claudeVersion)
	case at[3] == "anthropic" && at[5] == "rawPredict":
		return fakeanthropic.ReadPredict(c, fakeanthropic.Predict, claudeVersion)
	case at[3] == "anthropic" && at[5] == "streamRawPredict":
		return fakeanthropic.ReadPredict(c, fakeanthropic.StreamPredict, claudeVersion)
	}
	return nil, notFound(c)
}

// Fail implements fakevendor.Wire.
func (*vertexWire) Fail(f fakevendor.Failure) fakevendor.Document { return fail(f) }
