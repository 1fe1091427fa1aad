package catalog_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/shared/catalog"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ model, custom, slug, upstream string }{
		{"openai/gpt-4o", "", "openai", "gpt-4o"},
		{"together_ai/meta-llama/Llama-3-70b", "", "together_ai", "meta-llama/Llama-3-70b"},
		{"vllm/facebook/opt-125m", "", "hosted_vllm", "facebook/opt-125m"},
		{"aiohttp_openai/gpt-4o", "", "openai", "gpt-4o"},
		{"ollama_chat/llama3:8b", "", "ollama", "llama3:8b"},
		{"mock/echo", "", "mock", "echo"},
		{"nano-gpt/x", "", "nano-gpt", "x"},

		{"gpt-4o", "", "openai", "gpt-4o"},
		{"gpt-4o", "openai", "openai", "gpt-4o"},
		{"openai/gpt-4o", "openai", "openai", "gpt-4o"},
		{"meta-llama/Llama-3", "hosted_vllm", "hosted_vllm", "meta-llama/Llama-3"},
		{"meta-llama/Llama-3", "vllm", "hosted_vllm", "meta-llama/Llama-3"},
		{"groq/llama3", "openai", "openai", "groq/llama3"},
		{"mistral", "mistral", "mistral", "mistral"},
		{"echo", "mock", "mock", "echo"},

		{"o1", "", "openai", "o1"},
		{"o3-mini", "", "openai", "o3-mini"},
		{"chatgpt-4o-latest", "", "openai", "chatgpt-4o-latest"},
		{"text-embedding-3-small", "", "openai", "text-embedding-3-small"},
		{"text-embedding-ada-002", "", "openai", "text-embedding-ada-002"},
		{"davinci-002", "", "text-completion-openai", "davinci-002"},
		{"ft:gpt-4o-mini:acme::7p4lURel", "", "openai", "ft:gpt-4o-mini:acme::7p4lURel"},
		{"*", "", "openai", "*"},
		{"openai/*", "", "openai", "*"},
		{"jamba-large", "", "ai21_chat", "jamba-large"},
	} {
		slug, upstream, err := catalog.Split(c.model, c.custom)
		require.NoError(t, err, "%+v", c)
		require.Equal(t, c.slug, slug, "%+v", c)
		require.Equal(t, c.upstream, upstream, "%+v", c)
	}
}

func TestSplitAt_knows_who_listens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ model, custom, base, slug, upstream string }{
		{"llama-3.3-70b-versatile", "", "https://api.groq.com/openai/v1", "groq", "llama-3.3-70b-versatile"},
		{"meta-llama/Llama-3-70b", "", "https://api.together.xyz/v1/chat/completions", "together_ai", "meta-llama/Llama-3-70b"},
		{"grok-4", "", "https://api.x.ai/v1", "xai", "grok-4"},
		{"codestral-latest", "", "https://codestral.mistral.ai/v1/fim/completions", "text-completion-codestral", "codestral-latest"},
		{"codestral-latest", "", "https://codestral.mistral.ai/v1/chat/completions", "codestral", "codestral-latest"},
		{"kimi-k2", "", "https://api.moonshot.cn/v1", "moonshot", "kimi-k2"},
		{"gpt-4o", "", "http://127.0.0.1:8000/v1", "openai", "gpt-4o"},
		{"my/model", "", "http://127.0.0.1:8080/v1", "custom", "my/model"},
		{"my-model", "", "https://llm.example.org/v1", "custom", "my-model"},
		{"my-model", "", "https://api.x.ai.example.org/v1", "custom", "my-model"},
		{"groq/llama", "", "https://llm.example.org/v1", "groq", "llama"},
		{"my-model", "openai", "https://api.groq.com/openai/v1", "openai", "my-model"},
	} {
		slug, upstream, err := catalog.SplitAt(c.model, c.custom, c.base)
		require.NoError(t, err, "%+v", c)
		require.Equal(t, c.slug, slug, "%+v", c)
		require.Equal(t, c.upstream, upstream, "%+v", c)
	}
}

func TestSplit_knows_who_makes_a_model(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"dall-e-3": "openai", "whisper-1": "openai", "tts-1-hd": "openai", "o4-mini": "openai", "omni-moderation-latest": "openai",
		"mistral-large-latest": "mistral", "codestral-2508": "codestral", "grok-4": "xai", "deepseek-chat": "deepseek", "sonar-pro": "perplexity",
		"voyage-3.5": "voyage",
	} {
		slug, upstream, err := catalog.Split(model, "")
		require.NoError(t, err, model)
		require.Equal(t, want, slug, model)
		require.Equal(t, model, upstream)
	}
}

func TestSplit_refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ model, custom, shown string }{
		{"", "", ""},
		{"llama3", "", "llama3"},
		{"openai/", "", "openai/"},
		{"/gpt-4o", "", "/gpt-4o"},
		{"OpenAI/gpt-4o", "", "OpenAI/gpt-4o"},
		{"nobody/gpt-4o", "", "nobody/gpt-4o"},
		{"gpt-oss-120b", "", "gpt-oss-120b"},
		{"text-embedding-004", "", "text-embedding-004"},
		{"gpt-4o", "nobody", "nobody/gpt-4o"},
		{"", "openai", "openai/"},
		{"openai/", "openai", "openai/"},
	} {
		_, _, err := catalog.Split(c.model, c.custom)
		var notProvided *catalog.NotProvidedError
		require.ErrorAs(t, err, &notProvided, "%+v", c)
		require.Equal(t, c.shown, notProvided.Model)
	}
	_, _, err := catalog.Split("foo", "")
	require.EqualError(t, err, "LLM Provider NOT provided. Pass in the LLM provider you are trying to call. You passed model=foo\n"+
		" Pass model as E.g. For 'Huggingface' inference endpoints pass in `completion(model='huggingface/starcoder',..)`"+
		" Learn more: https://docs.litellm.ai/docs/providers")
}

// FuzzSplit: what comes out is a known provider and never loses a part of the
// model name but the provider in front.
func FuzzSplit(f *testing.F) {
	for _, seed := range [][2]string{{"openai/gpt-4o", ""}, {"gpt-4o", "openai"}, {"a/b/c", "vllm"}, {"ft:gpt-4:x", ""}, {"/", "/"}, {"mock/", "mock"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, model, custom string) {
		slug, upstream, err := catalog.Split(model, custom)
		if err != nil {
			_, ok := errors.AsType[*catalog.NotProvidedError](err)
			require.True(t, ok)
			return
		}
		require.NotEmpty(t, upstream)
		require.True(t, strings.HasSuffix(model, upstream))
		if _, ok := catalog.Lookup(slug); !ok {
			require.Contains(t, catalog.Natives(), slug)
		}
	})
}

// FuzzURL: whatever a user writes as a base, the call goes to its host, and
// the whole URL is a base, too.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"https://h/v1", "http://h:1/a%2fb/?q#f", "https://u:p@h", "https://h//", "https://h/api/v2/deployments/", "://"} {
		f.Add(seed)
	}
	rows := catalog.Table()
	f.Fuzz(func(t *testing.T, base string) {
		for i := range rows {
			v := &rows[i]
			for _, p := range []string{v.Paths.Chat, v.Paths.Embeddings} {
				got, err := v.URL(base, p)
				if err != nil {
					continue
				}
				want, err := url.Parse(base)
				require.NoError(t, err)
				u, err := url.Parse(got)
				require.NoError(t, err, got)
				require.Equal(t, want.Host, u.Host)
				again, err := v.URL(got, p)
				require.NoError(t, err, got)
				require.Equal(t, got, again)
			}
		}
	})
}
