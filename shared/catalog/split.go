package catalog

import "strings"

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
	if customProvider != "" {
		return splitCustom(model, customProvider)
	}
	if prefix, rest, found := strings.Cut(model, "/"); found && rest != "" {
		if slug, ok := canonical(prefix); ok {
			return slug, rest, nil
		}
	}
	if slug, ok := infer(model); ok {
		return slug, model, nil
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
	for _, n := range Natives() {
		if n == name {
			return n, true
		}
	}
	return "", false
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
	case hasAnyPrefix(name, "gpt-", "chatgpt-", "codex-", "computer-use-preview", "davinci-002", "babbage-002",
		// Not "text-embedding-" alone: text-embedding-004 and 005 are Google's.
		"text-embedding-3-", "text-embedding-ada-"):
		return "openai", true
	case hasAnyPrefix(name, "jamba-"):
		return "ai21_chat", true
	default:
		return "", false
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
