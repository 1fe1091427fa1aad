package vertex_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/vertex"
)

// FuzzVectors: whatever Google answers, nothing breaks.
func FuzzVectors(f *testing.F) {
	for _, seed := range []string{
		`{"predictions":[{"embeddings":{"values":[1],"statistics":{"token_count":2}}}]}`, `{"embedding":{"values":[1]},"usageMetadata":{"promptTokenCount":4}}`,
		`{"predictions":null}`, `{"predictions":[null]}`, `[]`, `{"predictions":[{"embeddings":{"statistics":{"token_count":1e300}}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, body []byte) { _ = vertex.ReadVectors(body) })
}

// FuzzCredentials: whatever is pasted as credentials, no part of it stands in
// the error.
func FuzzCredentials(f *testing.F) {
	f.Add(`{"type":"service_account","private_key":"hush-hush-hush","token_uri":"http://hush-hush-hush.example"}`)
	f.Add(`{"type":"external_account","credential_source":{"url":"HTTP://hush-hush-hush"}}`)
	f.Add(`{"hush-hush-hush":`)
	f.Fuzz(func(t *testing.T, credentials string) {
		_, err := vertex.New(provider.Config{Provider: "vertex_ai", Model: "gemini-2.5-flash", Secrets: map[string]string{"vertex_credentials": credentials}}, nil, nil)
		if err != nil && strings.Contains(credentials, "hush-hush-hush") {
			require.NotContains(t, err.Error(), "hush-hush-hush")
		}
	})
}
