package app

import (
	"fmt"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/anthropic"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/azure"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/bedrock"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/bytez"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/cohere"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/databricks"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/gemini"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/mock"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/nlpcloud"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/ollama"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/petals"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/predibase"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/triton"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/vertex"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// providers builds backends. Vendors with a wire of their own stand in natives;
// all others are rows of the catalog.
type providers struct {
	client *upstream.Client
	// fetch gets what callers name by its URL, for vendors that want it inline.
	fetch native.Fetcher
}

type constructor func(provider.Config, native.Doer, native.Fetcher) (provider.Backend, error)

func natives() map[string]constructor {
	return map[string]constructor{
		"mock": func(cfg provider.Config, _ native.Doer, _ native.Fetcher) (provider.Backend, error) {
			return mock.New(cfg)
		},
		"anthropic":  anthropic.New,
		"triton":     triton.New,
		"nlp_cloud":  nlpcloud.New,
		"predibase":  predibase.New,
		"bytez":      bytez.New,
		"petals":     petals.New,
		"databricks": databricks.New,
		"cohere":     cohere.New,
		"ollama":     ollama.New,

		azure.Slug: azure.New, azure.TextSlug: azure.New, azure.FoundrySlug: azure.NewFoundry,
		"bedrock":   bedrock.New,
		"gemini":    gemini.New,
		"vertex_ai": vertex.New,
	}
}

// Build makes the backend of a deployment.
func (p providers) Build(cfg provider.Config) (provider.Backend, error) {
	if build, ok := natives()[cfg.Provider]; ok {
		b, err := build(cfg, p.client, p.fetch)
		if err != nil {
			return nil, fmt.Errorf("deployment %s: %w", cfg.DeploymentID, err)
		}
		return b, nil
	}
	row, ok := catalog.Lookup(cfg.Provider)
	if !ok {
		return nil, fmt.Errorf("deployment %s: unknown provider %q", cfg.DeploymentID, cfg.Provider)
	}
	b, err := compat.New(&row, cfg, p.client)
	if err != nil {
		return nil, err
	}
	return b, nil
}
