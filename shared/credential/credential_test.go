package credential_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/credential"
)

func TestKey(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ header, value, want string }{
		{"Authorization", "Bearer sk-1", "sk-1"},
		{"Authorization", "Basic " + "dXNlcjpzay0x", "sk-1"}, // user:sk-1
		{"Authorization", "AWS4-HMAC-SHA256 Credential=Bearer sk-1/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0", "sk-1"},
		{"Authorization", "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/us-east-1/bedrock/aws4_request", ""},
		{"Authorization", "Digest sk-1", ""},
		{"X-Api-Key", "sk-1", "sk-1"},
		{"X-Goog-Api-Key", "sk-1", "sk-1"},
		{"X-Litellm-Api-Key", "Bearer sk-1", "sk-1"},
		{"X-Other", "sk-1", ""},
	} {
		got, err := credential.Key(http.Header{tc.header: {tc.value}}, "")
		require.Equal(t, tc.want, got, tc.value)
		require.Equal(t, tc.want == "", err != nil, tc.value)
	}
	got, err := credential.Key(http.Header{"X-Own": {"Bearer sk-2"}, "Authorization": {"Bearer sk-1"}}, "X-Own")
	require.NoError(t, err)
	require.Equal(t, "sk-2", got)
}
