package provider

import (
	"regexp"
	"strings"
)

// secrets finds credentials as headers and the large vendors write them: tokens
// behind their scheme, keys with a vendor's prefix, those of AWS and Google, and
// JSON Web Tokens.
var secrets = regexp.MustCompile(`\b(?i:bearer|basic|x-amz-security-token:)\s*[A-Za-z0-9._~+/=-]{12,}|` +
	`\bsk-[A-Za-z0-9_-]{16,}|\b(?:gsk_|hf_|xai-|pplx-)[A-Za-z0-9]{20,}|\bA(?:KIA|SIA)[A-Z0-9]{12,}|\bAIza[A-Za-z0-9_-]{20,}|` +
	`\bya29\.[A-Za-z0-9._-]{10,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)

// WithoutCredentials masks credentials in a vendor's words: some, and proxies in
// front of them, repeat the header that they refuse.
func WithoutCredentials(text string) string {
	return secrets.ReplaceAllStringFunc(text, func(found string) string {
		if !strings.ContainsAny(found, "0123456789") {
			return found // words: "Bearer authentication"
		}
		return "[redacted]"
	})
}
