package catalog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/catalog"
)

func TestQuirksFor_adds_the_rules_of_a_model(t *testing.T) {
	t.Parallel()
	openai := lookup(t, "openai")
	for model, want := range map[string]bool{
		"o1": true, "o3-mini": true, "gpt-5": true, "gpt-5-mini": true, "gpt-5-2025-08-07": true,
		"gpt-5.1": false, "gpt-5.2-codex": false, "gpt-5-chat-latest": false, "gpt-4o": false,
	} {
		require.Equal(t, want, openai.QuirksFor(model).Request.TemperatureOne, model)
	}
	require.Equal(t, catalog.ThinkingAsEffort, openai.QuirksFor("gpt-5.1").Request.Thinking)
	require.Equal(t, catalog.ThinkingCut, openai.QuirksFor("gpt-4o").Request.Thinking)
	require.Contains(t, openai.EditsFor("o3").Unsupported, "stop")
	require.NotContains(t, openai.EditsFor("o1").Unsupported, "stop")

	groq := lookup(t, "groq")
	require.Equal(t, catalog.StructuredByTool, groq.QuirksFor("llama-3.1-8b-instant").Request.StructuredOutput)
	require.Equal(t, catalog.StructuredNative, groq.QuirksFor("openai/gpt-oss-20b").Request.StructuredOutput)
	require.True(t, groq.QuirksFor("any").Request.StructuredWhole)

	fireworks, deepinfra := lookup(t, "fireworks_ai"), lookup(t, "deepinfra")
	require.Equal(t, "#transform=inline", fireworks.QuirksFor("llama-v3p1-8b-instruct").Request.ImageSuffix)
	require.Empty(t, fireworks.QuirksFor("qwen2p5-vl-32b-instruct").Request.ImageSuffix)
	require.Nil(t, deepinfra.QuirksFor("meta-llama/Llama-3").Request.Temperature)
	require.NotNil(t, deepinfra.QuirksFor("mistralai/Mistral-7B-Instruct-v0.1").Request.Temperature)

	xai := lookup(t, "xai")
	require.Equal(t, catalog.ThinkingAsEffort, xai.QuirksFor("grok-3-mini").Request.Thinking)
	require.Equal(t, catalog.ThinkingCut, xai.QuirksFor("grok-4").Request.Thinking)
}

// TestQuirksFor_keeps_the_table: rules of one model must not be seen by another.
func TestQuirksFor_keeps_the_table(t *testing.T) {
	t.Parallel()
	for _, v := range catalog.Table() {
		before := len(v.Edits.Unsupported)
		_ = v.QuirksFor("gpt-5")
		_ = v.EditsFor("o3")
		again := lookup(t, v.Slug)
		require.Len(t, again.Edits.Unsupported, before, v.Slug)
	}
}

func TestBase_fills_in_variables(t *testing.T) {
	t.Parallel()
	mantle, snowflake := lookup(t, "bedrock_mantle"), lookup(t, "snowflake")
	got, err := mantle.Base("", "m", env(map[string]string{"AWS_REGION": "eu-west-1"}))
	require.NoError(t, err)
	require.Equal(t, "https://bedrock-mantle.eu-west-1.api.aws/v1", got)
	got, err = mantle.Base("", "m", env(nil))
	require.NoError(t, err)
	require.Equal(t, "https://bedrock-mantle.us-east-1.api.aws/v1", got)
	_, err = snowflake.Base("", "m", env(nil))
	require.EqualError(t, err, "no api base for snowflake: set api_base or SNOWFLAKE_ACCOUNT_ID")
	for _, bad := range []string{"x/y", "evil.example#", "a@b", "a:1"} {
		_, err = snowflake.Base("", "m", env(map[string]string{"SNOWFLAKE_ACCOUNT_ID": bad}))
		require.ErrorContains(t, err, "invalid value of SNOWFLAKE_ACCOUNT_ID")
	}
}

func TestRerankURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ slug, base, model, want string }{
		{"jina_ai", "https://api.jina.ai/v1", "m", "https://api.jina.ai/v1/rerank"},
		{"hosted_vllm", "http://gpu:8000/v1/rerank", "m", "http://gpu:8000/v1/rerank"},
		{"nvidia_nim", "https://integrate.api.nvidia.com/v1", "nvidia/x y", "https://ai.api.nvidia.com/v1/retrieval/nvidia/x%20y/reranking"},
		{"nvidia_nim", "http://nim:8000/v1", "m", "http://nim:8000/v1/retrieval/m/reranking"},
		{"deepinfra", "https://api.deepinfra.com/v1/openai", "Qwen/Qwen3", "https://api.deepinfra.com/v1/inference/Qwen/Qwen3"},
		{"deepinfra", "https://proxy.example/v1/openai/", "m", "https://proxy.example/v1/inference/m"},
		{"huggingface", "https://tei.example/v1", "m", "https://tei.example/rerank"},
		{"huggingface", "https://tei.example", "m", "https://tei.example/rerank"},
	} {
		v := lookup(t, c.slug)
		got, err := v.RerankURL(c.base, c.model)
		require.NoError(t, err, c.base)
		require.Equal(t, c.want, got, c.slug)
	}
	v := lookup(t, "deepinfra")
	_, err := v.RerankURL("nonsense", "m")
	require.Error(t, err)
}

func TestEmbeddingURL(t *testing.T) {
	t.Parallel()
	hf, openai := lookup(t, "huggingface"), lookup(t, "openai")
	for base, want := range map[string]string{
		"https://router.huggingface.co/v1": "https://router.huggingface.co/hf-inference/models/BAAI/bge-small/pipeline/feature-extraction",
		"https://tei.example":              "https://tei.example/v1/embeddings",
	} {
		got, shape, err := hf.EmbeddingURL(base, "BAAI/bge-small")
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, strings.Contains(base, "router"), shape == catalog.EmbeddingHuggingFace)
	}
	got, _, err := openai.EmbeddingURL("https://api.openai.com/v1", "m")
	require.NoError(t, err)
	require.Equal(t, "https://api.openai.com/v1/embeddings", got)
}

func TestCredentials_of_snowflake_follow_the_token(t *testing.T) {
	t.Parallel()
	v := lookup(t, "snowflake")
	require.Equal(t, []catalog.Header{
		{Name: "Authorization", Value: "Bearer x"}, {Name: "X-Snowflake-Authorization-Token-Type", Value: "PROGRAMMATIC_ACCESS_TOKEN"},
	}, v.Credentials("pat/x"))
	require.Equal(t, "KEYPAIR_JWT", v.Credentials("jwt")[1].Value)
}

func TestModelNames_that_say_where_they_are(t *testing.T) {
	t.Parallel()
	rag, hf := lookup(t, "ragflow"), lookup(t, "huggingface")
	for model, want := range map[string][2]string{
		"chat/c1/m":      {"/api/v1/chats_openai/c1", "m"},
		"agent/a%2f/m/n": {"/api/v1/agents_openai/a%252f", "m/n"},
		"chat//m":        {"", "chat//m"},
		"other/c1/m":     {"", "other/c1/m"},
		"m":              {"", "m"},
	} {
		dir, rest := rag.ModelDir(model)
		require.Equal(t, want, [2]string{dir, rest}, model)
		require.Equal(t, want[1], rag.UpstreamModel(model))
	}
	require.Equal(t, "deepseek-ai/DeepSeek-R1:together", hf.UpstreamModel("together/deepseek-ai/DeepSeek-R1"))
	require.Equal(t, "meta-llama/Llama-3", hf.UpstreamModel("meta-llama/Llama-3"))
}
