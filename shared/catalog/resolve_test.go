package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/catalog"
)

func lookup(t *testing.T, name string) catalog.Vendor {
	t.Helper()
	v, ok := catalog.Lookup(name)
	require.True(t, ok, name)
	return v
}

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestURL_completes_what_users_write(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ slug, base, want string }{
		{"openai", "https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"},
		{"openai", "https://proxy.example/openai/v1/chat/completions", "https://proxy.example/openai/v1/chat/completions"},
		{"openai", "https://proxy.example/v1/completions/", "https://proxy.example/v1/chat/completions"},
		{"openai", "https://u:p@proxy.example:8443/a%2Fb?tenant=1", "https://u:p@proxy.example:8443/a%2Fb/chat/completions?tenant=1"},
		{"hosted_vllm", "http://10.0.0.1:8000", "http://10.0.0.1:8000/chat/completions"},
		{"heroku", "https://us.inference.heroku.com", "https://us.inference.heroku.com/v1/chat/completions"},
		{"heroku", "https://us.inference.heroku.com/v1/", "https://us.inference.heroku.com/v1/chat/completions"},
		{"heroku", "https://us.inference.heroku.com/v1/chat/completions", "https://us.inference.heroku.com/v1/chat/completions"},
		{"oobabooga", "http://localhost:5000", "http://localhost:5000/v1/chat/completions"},
		{"oobabooga", "http://v1", "http://v1/v1/chat/completions"},
		{"cloudflare", "https://api.cloudflare.com/client/v4/accounts/a/ai/run/", "https://api.cloudflare.com/client/v4/accounts/a/ai/v1/chat/completions"},
		{"databricks", "https://dbc.cloud.databricks.com", "https://dbc.cloud.databricks.com/serving-endpoints/chat/completions"},
		{"huggingface", "https://x.endpoints.huggingface.cloud", "https://x.endpoints.huggingface.cloud/v1/chat/completions"},
		{"docker_model_runner", "http://localhost:22088/engines/llama.cpp", "http://localhost:22088/engines/llama.cpp/v1/chat/completions"},
		{"docker_model_runner", "http://model-runner.docker.internal/engines/v1", "http://model-runner.docker.internal/engines/v1/chat/completions"},
		{"docker_model_runner", "http://localhost:12434", "http://localhost:12434/engines/v1/chat/completions"},
		{"cometapi", "https://api.cometapi.com", "https://api.cometapi.com/v1/chat/completions"},
		{"gradient_ai", "https://agent.do", "https://agent.do/api/v1/chat/completions"},
		{"gradient_ai", "https://agent.do/api/", "https://agent.do/api/v1/chat/completions"},
		{"gradient_ai", "https://agent.do/api/v1", "https://agent.do/api/v1/chat/completions"},
		{"gradient_ai", "https://inference.do-ai.run", "https://inference.do-ai.run/v1/chat/completions"},
		{"datarobot", "https://app.datarobot.com", "https://app.datarobot.com/api/v2/genai/llmgw/chat/completions/"},
		{"datarobot", "https://app.datarobot.com/api/v2", "https://app.datarobot.com/api/v2/genai/llmgw/chat/completions/"},
		{"datarobot", "https://app.eu.datarobot.com/", "https://app.eu.datarobot.com/api/v2/genai/llmgw/chat/completions/"},
		{"datarobot", "https://app.eu.datarobot.com/api/v2/", "https://app.eu.datarobot.com/api/v2/genai/llmgw/chat/completions/"},
		{"datarobot", "https://x.example/api/v2/genai/llmgw", "https://x.example/api/v2/genai/llmgw/chat/completions/"},
		{"datarobot", "https://x.example/api/v2/deployments/6f/chat/completions", "https://x.example/api/v2/deployments/6f/chat/completions/"},
		{"datarobot", "https://x.example/api/v2/deployments/6f", "https://x.example/api/v2/deployments/6f/chat/completions/"},
	} {
		v := lookup(t, c.slug)
		got, err := v.URL(c.base, v.Paths.Chat)
		require.NoError(t, err, c.base)
		require.Equal(t, c.want, got, "%s %s", c.slug, c.base)
	}

	v := lookup(t, "openai")
	got, err := v.URL("https://proxy.example/v1/chat/completions", v.Paths.Embeddings)
	require.NoError(t, err)
	require.Equal(t, "https://proxy.example/v1/embeddings", got, "a base with a path finds the other operations")
}

func TestURL_refuses_what_is_no_base_and_does_not_repeat_it(t *testing.T) {
	t.Parallel()
	v := lookup(t, "openai")
	for _, base := range []string{"", "api.secret.example/v1", "ftp://secret.example", "https://", "http://[secret", "/secret", "https://h/%zzsecret"} {
		_, err := v.URL(base, v.Paths.Chat)
		require.Error(t, err, base)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestKey_order(t *testing.T) {
	t.Parallel()
	groq, studio, boob := lookup(t, "groq"), lookup(t, "lm_studio"), lookup(t, "oobabooga")
	fireworks := lookup(t, "fireworks_ai")
	none := env(nil)

	got, err := groq.Key("own", env(map[string]string{"GROQ_API_KEY": "env"}))
	require.NoError(t, err)
	require.Equal(t, "own", got)

	got, err = fireworks.Key("", env(map[string]string{"FIREWORKS_AI_TOKEN": "last", "FIREWORKSAI_API_KEY": "third"}))
	require.NoError(t, err)
	require.Equal(t, "third", got)

	_, err = fireworks.Key("", none)
	require.EqualError(t, err, "no api key for fireworks_ai: set api_key or FIREWORKS_API_KEY, FIREWORKS_AI_API_KEY, FIREWORKSAI_API_KEY, FIREWORKS_AI_TOKEN")

	got, err = studio.Key("", nil)
	require.NoError(t, err)
	require.Equal(t, "fake-api-key", got)

	got, err = boob.Key("", none)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestBase_order(t *testing.T) {
	t.Parallel()
	baseten, heroku := lookup(t, "baseten"), lookup(t, "heroku")
	none := env(nil)
	for _, c := range []struct {
		own, model string
		env        map[string]string
		want       string
	}{
		{"https://mine", "abcd1234", map[string]string{"BASETEN_API_BASE": "https://env"}, "https://mine"},
		{"", "abcd1234", map[string]string{"BASETEN_API_BASE": "https://env"}, "https://env"},
		{"", "abcd1234", nil, "https://model-abcd1234.api.baseten.co/environments/production/sync/v1"},
		{"", "openai/gpt-oss-120b", nil, "https://inference.baseten.co/v1"},
		{"", "abcd-234", nil, "https://inference.baseten.co/v1"},
	} {
		got, err := baseten.Base(c.own, c.model, env(c.env))
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%+v", c)
	}
	mantle := lookup(t, "bedrock_mantle")
	for want, variables := range map[string]map[string]string{
		"https://bedrock-mantle.us-east-1.api.aws/v1": nil,
		"https://bedrock-mantle.eu-west-1.api.aws/v1": {"BEDROCK_MANTLE_REGION": "eu-west-1", "AWS_REGION": "us-east-2"},
	} {
		got, err := mantle.Base("", "m", env(variables))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := heroku.Base("", "m", none)
	require.EqualError(t, err, "no api base for heroku: set api_base or HEROKU_API_BASE, INFERENCE_URL")
	got, err := heroku.Base("", "m", env(map[string]string{"INFERENCE_URL": "https://eu.inference.heroku.com"}))
	require.NoError(t, err)
	require.Equal(t, "https://eu.inference.heroku.com", got)
}

func TestCredentials_follow_the_scheme(t *testing.T) {
	t.Parallel()
	for slug, want := range map[string][]catalog.Header{
		"openai":    {{Name: "Authorization", Value: "Bearer k"}},
		"oobabooga": {{Name: "Authorization", Value: "Token k"}},
		"sarvam":    {{Name: "Authorization", Value: "Bearer k"}, {Name: "api-subscription-key", Value: "k"}},
	} {
		v := lookup(t, slug)
		require.Equal(t, want, v.Credentials("k"), slug)
		require.Empty(t, v.Credentials(""), slug)
	}
}

func TestStaticHeaders_read_their_variables(t *testing.T) {
	t.Parallel()
	v := lookup(t, "openrouter")
	require.Equal(t, []catalog.Header{{Name: "X-Title", Value: "TianjiLLM"}}, v.StaticHeaders(env(nil)))
	require.Equal(t, []catalog.Header{{Name: "HTTP-Referer", Value: "https://me"}, {Name: "X-Title", Value: "Me"}},
		v.StaticHeaders(env(map[string]string{"OR_SITE_URL": "https://me", "OR_APP_NAME": "Me"})))
}

func TestUpstreamModel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ slug, model, want string }{
		{"openai", "gpt-4o", "gpt-4o"},
		{"fireworks_ai", "llama-v3p1-8b-instruct", "accounts/fireworks/models/llama-v3p1-8b-instruct"},
		{"fireworks_ai", "accounts/me/models/mine", "accounts/me/models/mine"},
		{"fireworks_ai", "nomic-ai/nomic-embed-text-v1.5", "nomic-ai/nomic-embed-text-v1.5"},
		{"clarifai", "openai.chat-completion.gpt-4o", "https://clarifai.com/openai/chat-completion/models/gpt-4o"},
		{"clarifai", "openai.chat-completion.gpt-4.1", "https://clarifai.com/openai/chat-completion/models/gpt-4.1"},
		{"clarifai", "https://clarifai.com/a/b/models/c", "https://clarifai.com/a/b/models/c"},
		{"clarifai", "plain", "plain"},
		{"clarifai", "..", ".."},
	} {
		v := lookup(t, c.slug)
		require.Equal(t, c.want, v.UpstreamModel(c.model), c.model)
	}
}

func TestEditsFor_adds_the_rules_of_a_model(t *testing.T) {
	t.Parallel()
	openai, xai := lookup(t, "openai"), lookup(t, "xai")
	toCompletion := []catalog.Rename{{From: "max_tokens", To: "max_completion_tokens"}}
	for _, m := range []string{"o1", "o1-mini", "o3", "o4-mini", "gpt-5", "gpt-5-mini"} {
		require.Equal(t, toCompletion, openai.EditsFor(m).Renames, m)
	}
	for _, m := range []string{"gpt-4o", "o", "omni-moderation", "o1x", "chatgpt-4o-latest", ""} {
		require.Empty(t, openai.EditsFor(m).Renames, m)
	}
	require.Equal(t, []string{"frequency_penalty", "presence_penalty", "stop"}, xai.EditsFor("grok-4").Unsupported)
	require.Empty(t, xai.EditsFor("grok-4-fast-non-reasoning").Unsupported)
	require.Empty(t, xai.EditsFor("grok-3").Unsupported)

	mistral := lookup(t, "mistral")
	require.Contains(t, mistral.EditsFor("any").Drops, "stream_options")
	morph := lookup(t, "morph")
	require.Contains(t, morph.EditsFor("any").Unsupported, "tools")
	require.NotContains(t, morph.EditsFor("any").Unsupported, "stream")
}
