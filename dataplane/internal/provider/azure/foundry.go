package azure

import (
	"errors"
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

const (
	// FoundrySlug is the slug that NewFoundry serves.
	FoundrySlug = "azure_ai"
	// inferenceVersion is LiteLLM's version of the model inference API:
	// https://learn.microsoft.com/rest/api/aifoundry/model-inference
	inferenceVersion = "2024-05-01-preview"
)

// NewFoundry prepares a deployment of Azure AI Foundry: a model of any maker
// behind OpenAI's wire, or Claude behind Anthropic's.
func NewFoundry(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	base := cfg.APIBase
	if base == "" {
		base = cfg.Env("AZURE_AI_API_BASE")
	}
	if base == "" && strings.HasPrefix(cfg.Model, "claude") {
		base = cfg.Env("AZURE_API_BASE")
	}
	if base == "" {
		return nil, errors.New("no api base for azure_ai: set api_base or AZURE_AI_API_BASE")
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("api_base: want https://RESOURCE.services.ai.azure.com")
	}
	cfg.APIBase = base
	switch {
	case strings.HasPrefix(cfg.Model, "claude"):
		return newClaude(cfg, u, doer, fetch)
	case strings.HasSuffix(u.Hostname(), ".openai.azure.com"), strings.Contains(u.Path, "/openai/"):
		if cfg.APIKey == "" {
			cfg.APIKey = cfg.Env("AZURE_AI_API_KEY")
		}
		cfg.Provider = Slug
		return New(cfg, doer, fetch)
	}
	row := foundryRow(ofFoundry(u))
	o := compat.Options{URL: foundryURL(u, cfg.APIVersion)}
	if err := prove(&cfg, doer, &o); err != nil {
		return nil, err
	}
	return compat.NewWith(row, cfg, doer, o)
}

// ofFoundry reports whether a host is a resource of Foundry, and not a model
// that stands alone.
func ofFoundry(u *url.URL) bool { return strings.HasSuffix(u.Hostname(), ".services.ai.azure.com") }

// foundryRow is what Foundry's models have in common, as LiteLLM knows it.
func foundryRow(resource bool) *catalog.Vendor {
	row := &catalog.Vendor{
		Slug: FoundrySlug, StreamUsage: true,
		// What the model inference API does not know goes to the model:
		// https://learn.microsoft.com/rest/api/aifoundry/model-inference/get-chat-completions/get-chat-completions
		Headers: []catalog.Header{{Name: "extra-parameters", Value: "pass-through"}},
		Quirks:  catalog.Quirks{Request: catalog.RequestQuirks{FlattenText: []string{catalog.AnyRole}}},
		Rules: []catalog.Rule{
			{
				Match:  func(model string) bool { return strings.Contains(strings.ToLower(model), "mistral") },
				Quirks: catalog.Quirks{Request: catalog.RequestQuirks{ToolChoice: []catalog.Rename{{From: "required", To: "any"}}}},
			},
			{
				Match: func(model string) bool { return strings.HasPrefix(strings.ToLower(model), "grok") },
				Edits: catalog.Edits{Drops: []string{"stop"}},
			},
		},
	}
	if resource {
		row.Auth = []catalog.Auth{{Header: "api-key"}}
	}
	return row
}

// foundryURL is where the surfaces of a model are called: at a resource under
// /models, at a model that stands alone under /v1. A base that names an
// operation is the base without it.
func foundryURL(u *url.URL, version string) func(provider.Surface) (string, error) {
	query := u.Query()
	dir := strings.TrimRight(u.EscapedPath(), "/")
	for _, operation := range []string{"/chat/completions", "/embeddings", "/images/generations", "/rerank"} {
		dir = strings.TrimSuffix(dir, operation)
	}
	root := u.Scheme + "://" + u.Host + strings.TrimSuffix(strings.TrimSuffix(dir, "/models"), "/v1")
	resource := ofFoundry(u)
	if query.Get("api-version") == "" && (version != "" || resource) {
		if version == "" {
			version = inferenceVersion
		}
		query.Set("api-version", version)
	}
	suffix := ""
	if len(query) > 0 {
		suffix = "?" + query.Encode()
	}
	return func(s provider.Surface) (string, error) {
		path := operation(s)
		switch s {
		case provider.ChatCompletions, provider.Embeddings:
			if resource {
				return root + "/models" + path + suffix, nil
			}
		case provider.ImageGenerations, provider.ImageEdits:
			if resource { // the images of FLUX are behind OpenAI's API
				return root + v1Path + path + "?api-version=" + previewVersion, nil
			}
		case provider.Rerank:
			return root + "/v1/rerank", nil
		default:
			return "", nil
		}
		return root + "/v1" + path + suffix, nil
	}
}
