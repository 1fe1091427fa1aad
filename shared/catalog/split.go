package catalog

import (
	"slices"
	"strings"
)

// NotProvidedError says that the provider of a model cannot be told. Its text
// is LiteLLM's, which clients get with a 400.
type NotProvidedError struct {
	Model string
}

// Error returns LiteLLM's text.
func (e *NotProvidedError) Error() string {
	return "LLM Provider NOT provided. Pass in the LLM provider you are trying to call. You passed model=" + e.Model +
		"\n Pass model as E.g. For 'Huggingface' inference endpoints pass in `completion(model='huggingface/starcoder',..)`" +
		" Learn more: https://docs.litellm.ai/docs/providers"
}

// Split finds the provider of a model as written in litellm_params and the
// name by which that provider knows it. The provider is customProvider when it
// is set, else the text before the first "/" if it names one, else what the
// name of a well-known model implies. The slug is never an alias.
func Split(model, customProvider string) (slug, upstream string, err error) {
	return SplitAt(model, customProvider, "")
}

// SplitAt is Split for a deployment with a base URL of its own: a model without
// a provider belongs to the one that listens there, and an unknown one to
// whoever does, as long as it speaks OpenAI's wire.
func SplitAt(model, customProvider, apiBase string) (slug, upstream string, err error) {
	if customProvider != "" {
		return splitCustom(model, customProvider)
	}
	if prefix, rest, found := strings.Cut(model, "/"); found && rest != "" {
		if slug, ok := canonical(prefix); ok {
			return slug, rest, nil
		}
	}
	if slug, ok := inferFromBase(apiBase); ok && model != "" {
		return slug, model, nil
	}
	if slug, ok := infer(model); ok {
		return slug, model, nil
	}
	if apiBase != "" && model != "" && !strings.HasPrefix(model, "/") && !strings.HasSuffix(model, "/") {
		return "custom", model, nil
	}
	return "", "", &NotProvidedError{Model: model}
}

func splitCustom(model, provider string) (slug, upstream string, err error) {
	slug, ok := canonical(provider)
	upstream = strings.TrimPrefix(model, provider+"/")
	if !ok || upstream == "" {
		return "", "", &NotProvidedError{Model: provider + "/" + upstream}
	}
	return slug, upstream, nil
}

// canonical returns the slug behind a slug or alias.
func canonical(name string) (slug string, ok bool) {
	if v, ok := index[name]; ok {
		return v.Slug, true
	}
	if native, ok := nativeAliases()[name]; ok {
		name = native
	}
	return name, slices.Contains(Natives(), name)
}

// infer knows the names that users write without a provider.
func infer(model string) (slug string, ok bool) {
	name := strings.TrimPrefix(model, "ft:")
	switch {
	case model == "*", openAIReasoning(name):
		return "openai", true
	case hasAnyPrefix(name, "gpt-oss", "gpt-j", "gpt-neo"):
		// Open models; several vendors host them.
		return "", false
	}
	for _, m := range makersOf() {
		if hasAnyPrefix(name, m.names...) {
			return canonical(m.slug)
		}
	}
	return "", false
}

// maker is whose models are named so.
type maker struct {
	slug  string
	names []string
}

// makersOf are the names that belong to one vendor. A vendor that has no
// provider here is not inferred.
func makersOf() []maker {
	return []maker{
		// Not "text-embedding-" alone: text-embedding-004 and 005 are Google's.
		{"openai", []string{
			"gpt-", "chatgpt-", "codex-", "computer-use-preview", "text-embedding-3-", "text-embedding-ada-", "omni-moderation-", "text-moderation-",
			"dall-e-", "whisper-1", "tts-1", "sora-",
		}},
		{"text-completion-openai", []string{"davinci-002", "babbage-002"}},
		{"anthropic", []string{"claude-"}},
		{"gemini", []string{"gemini-"}},
		{"cohere", []string{"command-", "embed-english-", "embed-multilingual-", "embed-v4", "rerank-v", "rerank-english-", "rerank-multilingual-"}},
		{"mistral", []string{"mistral-", "magistral-", "ministral-", "pixtral-", "devstral-", "voxtral-", "open-mistral-", "open-mixtral-"}},
		{"codestral", []string{"codestral-"}},
		{"ai21_chat", []string{"jamba-"}},
		{"deepseek", []string{"deepseek-chat", "deepseek-reasoner"}},
		{"xai", []string{"grok-"}},
		{"perplexity", []string{"sonar"}},
		{"voyage", []string{"voyage-"}},
		{"maritalk", []string{"sabia-", "sabiazinho-"}},
	}
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
