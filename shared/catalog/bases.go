package catalog

import (
	"net/url"
	"strings"
)

// known is a host, with or without the beginning of a path, and who listens
// there.
type known struct{ at, slug string }

// knownBases are LiteLLM's, with the vendors' newer hosts. A longer one stands
// in front of those that begin it.
func knownBases() []known {
	return []known{
		{"codestral.mistral.ai/v1/fim", "text-completion-codestral"},
		{"codestral.mistral.ai", "codestral"},
		{"api.mistral.ai", "mistral"},
		{"api.openai.com", "openai"},
		{"api.anthropic.com", "anthropic"},
		{"generativelanguage.googleapis.com", "gemini"},
		{"api.cohere.com", "cohere"},
		{"api.cohere.ai", "cohere"},
		{"ollama.com", "ollama"},
		{"integrate.api.nvidia.com", "nvidia_nim"},
		{"api.galadriel.ai", "galadriel"},
		{"api.studio.nebius.ai", "nebius"},
		{"api.studio.nebius.com", "nebius"},
		{"api.endpoints.anyscale.com", "anyscale"},
		{"dashscope.aliyuncs.com", "dashscope"},
		{"api.moonshot.cn", "moonshot"},
		{"models.inference.ai.azure.com", "github"},
		{"api.novita.ai", "novita"},
	}
}

// inferFromBase returns the provider behind a base URL that only one has.
func inferFromBase(base string) (slug string, ok bool) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return "", false
	}
	where := strings.TrimPrefix(u.Hostname(), "www.") + u.EscapedPath()
	for _, k := range knownBases() {
		if under(where, k.at) {
			if _, ok := canonical(k.slug); ok {
				return k.slug, true
			}
		}
	}
	for _, v := range Table() {
		own, err := url.Parse(v.BaseURL)
		if err != nil || own.Host == "" || own.Port() != "" || strings.HasPrefix(v.Slug, "text-completion-") {
			continue // a port is that of a server at home, which may be anything
		}
		if under(where, own.Hostname()) {
			return v.Slug, true
		}
	}
	return "", false
}

// under reports whether a host and path are at or below another.
func under(where, at string) bool {
	rest, ok := strings.CutPrefix(where, at)
	return ok && (rest == "" || rest[0] == '/')
}
