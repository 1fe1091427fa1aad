package pipeline

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/credential"
)

// passedOn are the header fields of a client that belong to the vendor of its
// passage. What proves who the client is to us, and what names us, stays here.
func (x *exchange) passedOn() []provider.HeaderField {
	chosen := goesOut
	if x.passage.AllHeaders {
		key := ""
		if !x.anonymous {
			key, _ = credential.Key(x.r.Header, x.state.config.Auth.KeyHeader)
		}
		ours := x.state.config.Auth.KeyHeader
		chosen = func(name, value string) bool {
			return mayGoOut(name) && !strings.EqualFold(name, ours) && (key == "" || !holds(value, key))
		}
	}
	return passed(x.r.Header, chosen)
}

// passPrefix starts the name of a header that the client wants the vendor to
// get without it: https://docs.litellm.ai/docs/proxy/forward_client_headers
const passPrefix = "X-Pass-"

func passed(h http.Header, chosen func(name, value string) bool) []provider.HeaderField {
	var fields []provider.HeaderField
	for name, values := range h {
		for _, v := range values {
			if bare, ok := strings.CutPrefix(name, passPrefix); ok && mayGoOut(bare) && !isCredential(bare) {
				fields = append(fields, provider.HeaderField{Name: bare, Value: v})
			} else if !ok && chosen(name, v) {
				fields = append(fields, provider.HeaderField{Name: name, Value: v})
			}
		}
	}
	return fields
}

// goesOut is a list of what may go, not of what may not: a header that nobody
// thought of stays here.
func goesOut(name, _ string) bool {
	switch name {
	case "Content-Type", "Accept", "Accept-Language", "If-None-Match", "If-Match", "Range", "Idempotency-Key", "Openai-Beta", "Openai-Organization",
		"Openai-Project", "Anthropic-Version", "Anthropic-Beta", "X-Vertex-Ai-Llm-Request-Type", "X-Goog-Api-Client", "X-Goog-Upload-Protocol",
		"X-Goog-Upload-Command", "X-Goog-Upload-Header-Content-Length", "X-Goog-Upload-Header-Content-Type", "X-Goog-Upload-Offset", "X-Server-Timeout",
		"X-Amz-Target", "Extra-Parameters":
		return true
	}
	return strings.HasPrefix(name, "X-Amzn-Bedrock-")
}

// mayGoOut is for passages that send everything on: it keeps back what speaks
// to the next hop, and what is between the client and us.
func mayGoOut(name string) bool {
	switch name {
	case "", "Host", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Expect", "Content-Length", "Accept-Encoding", "Cookie", "Litellm_user_api_key":
		return false
	}
	return !strings.HasPrefix(name, "X-Tianji-") && !strings.HasPrefix(name, "X-Litellm-")
}

// isCredential names the headers that prove who asks, which a client can not
// bring for the vendor: the deployment's are sent.
func isCredential(name string) bool {
	return credential.OfSDK(name) || name == "X-Amz-Security-Token"
}

// holds reports whether a header's value shows a key.
func holds(value, key string) bool {
	if strings.Contains(value, key) {
		return true
	}
	encoded, ok := strings.CutPrefix(value, "Basic ")
	if !ok {
		return false
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	return err == nil && strings.Contains(string(plain), key)
}
