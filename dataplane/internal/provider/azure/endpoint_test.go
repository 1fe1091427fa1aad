package azure_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/azure"
)

func TestURL(t *testing.T) {
	t.Parallel()
	const r = "https://r.openai.azure.com"
	for _, c := range []struct {
		base, version, environment string
		surface                    provider.Surface
		want                       string
	}{
		{r, "", "", provider.ChatCompletions, r + "/openai/deployments/my%20d%2F1/chat/completions?api-version=2025-02-01-preview"},
		{r + "/", "2024-10-21", "2023-05-15", provider.Embeddings, r + "/openai/deployments/my%20d%2F1/embeddings?api-version=2024-10-21"},
		{r + "/openai", "", "2023-05-15", provider.Completions, r + "/openai/deployments/my%20d%2F1/completions?api-version=2023-05-15"},
		{r + "/openai/deployments/other/chat/completions?api-version=2024-06-01", "", "2023-05-15", provider.Speech, r + "/openai/deployments/other/audio/speech?api-version=2024-06-01"},
		{r, "preview", "", provider.ChatCompletions, r + "/openai/v1/chat/completions?api-version=preview"},
		{r, "latest", "", provider.ImageEdits, r + "/openai/v1/images/edits"},
		{r + "/openai/v1/", "", "", provider.Transcriptions, r + "/openai/v1/audio/transcriptions"},
		{r + "/openai/v1/chat/completions", "v1", "", provider.Translations, r + "/openai/v1/audio/translations"},
		{r, "", "", provider.Responses, r + "/openai/v1/responses?api-version=preview"},
		{r, "2025-04-01-preview", "", provider.Responses, r + "/openai/responses?api-version=2025-04-01-preview"},
		{r + "/openai/v1", "preview", "", provider.Responses, r + "/openai/v1/responses?api-version=preview"},
		{r, "", "", provider.Moderations, ""},
		{r, "", "", provider.ImageVariations, ""},
		{r, "", "", provider.Rerank, ""},
		{"https://apim.example/llm", "2024-10-21", "", provider.ImageGenerations, "https://apim.example/llm/openai/deployments/my%20d%2F1/images/generations?api-version=2024-10-21"},
		{"https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/r", "2024-10-21", "", provider.ChatCompletions, "https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/r/my%20d%2F1/chat/completions?api-version=2024-10-21"},
		{"https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/r", "2025-04-01", "", provider.Responses, ""},
	} {
		got, err := azure.URL(c.base, "my d/1", c.version, c.environment, c.surface)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for _, base := range []string{"r.openai.azure.com", "ftp://r", "https://", "https://%zz"} {
		_, err := azure.URL(base, "d", "", "", provider.ChatCompletions)
		require.ErrorContains(t, err, "api_base", base)
	}
}

func TestFoundryURL(t *testing.T) {
	t.Parallel()
	const r, alone = "https://r.services.ai.azure.com", "https://Mistral-large-x.eastus2.inference.ai.azure.com"
	for _, c := range []struct {
		base, version string
		surface       provider.Surface
		want          string
	}{
		{r, "", provider.ChatCompletions, r + "/models/chat/completions?api-version=2024-05-01-preview"},
		{r + "/models/chat/completions?api-version=2025-01-01", "2024-05-01", provider.ChatCompletions, r + "/models/chat/completions?api-version=2025-01-01"},
		{r + "/models", "2025-05-01", provider.Embeddings, r + "/models/embeddings?api-version=2025-05-01"},
		{r, "", provider.ImageGenerations, r + "/openai/v1/images/generations?api-version=preview"},
		{r, "", provider.Rerank, r + "/v1/rerank"},
		{r, "", provider.Speech, ""},
		{alone, "", provider.ChatCompletions, alone + "/v1/chat/completions"},
		{alone + "/v1/", "", provider.Embeddings, alone + "/v1/embeddings"},
		{alone + "/v1/chat/completions", "", provider.ChatCompletions, alone + "/v1/chat/completions"},
		{alone + "/v1/rerank", "", provider.Rerank, alone + "/v1/rerank"},
	} {
		got, err := azure.FoundryURL(c.base, c.version, c.surface)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

func TestReasoningName(t *testing.T) {
	t.Parallel()
	for deployment, want := range map[string]string{
		"gpt-4o": "gpt-4o", "prod-gpt-5-mini": "gpt-5-mini", "gpt5_series/x": "gpt-5", "o_series/x": "o1", "team_o3-mini": "o3-mini", "o1": "o1", "x.o4": "o4",
		"foo3": "foo3", "video1-x": "video1-x", "o33": "o33", "": "",
	} {
		require.Equal(t, want, azure.ReasoningName(deployment), deployment)
	}
}
