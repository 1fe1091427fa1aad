package provider_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

func TestWithoutCredentials(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"authorization denied for Bearer abc123def456ghi":                     "authorization denied for [redacted]",
		`header "authorization: Basic dXNlcjpwYXNzd29yZDE=" refused`:          `header "authorization: [redacted]" refused`,
		"Incorrect API key provided: sk-proj-0123456789abcdefghij.":           "Incorrect API key provided: [redacted].",
		"x-amz-security-token:FwoGZXIvYXdzEB4aDH7 is expired":                 "[redacted] is expired",
		"key AKIAIOSFODNN7EXAMPLE is not known":                               "key [redacted] is not known",
		"API key AIzaSyA0123456789abcdefghijklmnop not valid":                 "API key [redacted] not valid",
		"token ya29.a0AfH6SMBx01234567 expired":                               "token [redacted] expired",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_1 is not for us":        "[redacted] is not for us",
		"Bearer authentication required, basic functionality only":            "Bearer authentication required, basic functionality only",
		"Incorrect API key provided: sk-proj-****wxyz.":                       "Incorrect API key provided: sk-proj-****wxyz.",
		"The model hf-meta-llama-3-8b-instruct or pplx-70b-online is unknown": "The model hf-meta-llama-3-8b-instruct or pplx-70b-online is unknown",
	} {
		require.Equal(t, want, provider.WithoutCredentials(text))
	}
}
