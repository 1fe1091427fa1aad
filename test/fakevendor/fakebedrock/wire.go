// Package fakebedrock is Amazon Bedrock's runtime on loopback: Converse as JSON
// and as event stream frames, token counts, and the native bodies of Claude and
// of the embeddings of Titan and Cohere. Requests must be signed for it, and it
// refuses what Bedrock refuses.
// What it answers is scripted as package fakevendor tells.
package fakebedrock

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakeanthropic"
)

// Who may call, and where.
const (
	AccessKeyID     = "AKIDVENDOREXAMPLE"
	SecretAccessKey = fakevendor.Key
	Region          = "us-east-1"
	service         = "bedrock"
)

// Start runs the vendor until the test ends.
func Start(tb testing.TB) *fakevendor.Vendor {
	tb.Helper()
	return fakevendor.StartWire(tb, wire{})
}

// wire is https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
type wire struct{}

// Provider implements fakevendor.Wire.
func (wire) Provider() string { return "bedrock" }

// Base implements fakevendor.Wire.
func (wire) Base() string { return "" }

// Params implements fakevendor.Wire.
func (wire) Params(host string) []string {
	return []string{
		"aws_bedrock_runtime_endpoint: " + host, "aws_region_name: " + Region,
		"aws_access_key_id: " + AccessKeyID, "aws_secret_access_key: " + SecretAccessKey,
	}
}

// Read implements fakevendor.Wire.
func (w wire) Read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	req, refusal := w.read(c)
	if denied := authenticate(c); denied != nil {
		return nil, denied
	}
	return req, refusal
}

func (wire) read(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	path, _, _ := strings.Cut(c.URI, "?")
	rest, ok := strings.CutPrefix(path, "/model/")
	name, action, _ := strings.Cut(rest, "/")
	model, err := url.PathUnescape(name)
	if !ok || err != nil || c.Method != http.MethodPost {
		return nil, unknownOperation()
	}
	c.Model = model
	switch action {
	case "converse":
		return readConverse(c)
	case "converse-stream":
		c.Stream = true
		return readConverse(c)
	case "count-tokens":
		return readCount(c)
	case "invoke":
		return readInvoke(c)
	case "invoke-with-response-stream":
		return readClaude(c, fakeanthropic.StreamPredict)
	}
	return nil, unknownOperation()
}

func unknownOperation() *fakevendor.Failure {
	return &fakevendor.Failure{Status: http.StatusNotFound, Kind: "UnknownOperationException", Message: "Unknown operation."}
}

// invalid is a ValidationException.
func invalid(message string) *fakevendor.Failure { return fakevendor.Refuse(message) }

// Fail implements fakevendor.Wire with the errors of
// https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
func (wire) Fail(f fakevendor.Failure) fakevendor.Document {
	kind := f.Kind
	if kind == "" {
		kind = exception(f.Status)
	}
	d := fakevendor.JSON(f.Status, fakevendor.Object("message", f.Message))
	d.Header.Set("X-Amzn-Errortype", kind+":http://internal.amazon.com/coral/com.amazon.bedrock/")
	d.Header.Set("X-Amzn-Requestid", requestID)
	return d
}

func exception(status int) string {
	if name, ok := map[int]string{
		http.StatusForbidden: "AccessDeniedException", http.StatusNotFound: "ResourceNotFoundException", http.StatusRequestTimeout: "ModelTimeoutException",
		http.StatusConflict: "ConflictException", http.StatusFailedDependency: "ModelErrorException", http.StatusTooManyRequests: "ThrottlingException",
		http.StatusServiceUnavailable: "ServiceUnavailableException", http.StatusUnauthorized: "UnauthorizedException",
	}[status]; ok {
		return name
	}
	if status >= http.StatusInternalServerError {
		return "InternalServerException"
	}
	return "ValidationException"
}

const requestID = "00000000-0000-4000-8000-00000000beef"

func header(contentType string) http.Header {
	return http.Header{"Content-Type": {contentType}, "X-Amzn-Requestid": {requestID}}
}

func document(body []byte) fakevendor.Document {
	return fakevendor.Document{Header: header("application/json"), Body: body}
}
