package fakegemini_test

import (
	"testing"

	"cloud.google.com/go/auth/credentials"
	"github.com/stretchr/testify/require"
	"google.golang.org/genai"

	"github.com/tianjillm/tianjillm/test/fakevendor"
	"github.com/tianjillm/tianjillm/test/fakevendor/fakegemini"
	"github.com/tianjillm/tianjillm/test/sdk/suite"
)

func model(kind string) string { return "gemini-2.5-flash-" + kind }

// vertexModel: the SDK asks for several embeddings at once of older models only.
func vertexModel(kind string) string {
	if kind == suite.Embeds {
		return "text-embedding-005"
	}
	return model(kind)
}

// TestSDK: the vendor is what the official SDK takes for the Gemini API.
//
//nolint:tparallel // what was refused is looked at when all is done
func TestSDK(t *testing.T) {
	t.Parallel()
	v := fakegemini.Start(t)
	suite.Script(v, model)
	t.Run("suite", func(t *testing.T) {
		suite.Gemini(t, suite.Target{Base: v.Host(), Key: fakevendor.Key, Model: model, Abilities: suite.Abilities{Thoughts: true, Embeddings: true}})
	})
	for _, c := range v.Refused() {
		require.Contains(t, c.Refusal, "API key not valid")
	}
}

// TestVertex: the same for Vertex AI, token and all.
//
//nolint:tparallel // what was refused is looked at when all is done
func TestVertex(t *testing.T) {
	t.Parallel()
	v := fakegemini.StartVertex(t)
	suite.Script(v.Vendor, model)
	creds, err := credentials.NewCredentialsFromJSON(credentials.ServiceAccount, []byte(v.Credentials()), &credentials.DetectOptions{
		Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"},
	})
	require.NoError(t, err)
	c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		Backend: genai.BackendVertexAI, Project: fakegemini.Project, Location: fakegemini.Location, Credentials: creds,
		HTTPOptions: genai.HTTPOptions{BaseURL: v.Host()},
	})
	require.NoError(t, err)
	t.Run("suite", func(t *testing.T) {
		suite.GeminiClient(t, c, suite.Target{Model: vertexModel, Abilities: suite.Abilities{Thoughts: true, Embeddings: true}})
	})
	require.Empty(t, v.Refused())
	require.NotEmpty(t, v.Calls("token"))
}
