// Package predibase speaks Predibase's text generation, which is that of
// Hugging Face's Text Generation Inference with adapters.
//
// Wire facts: https://docs.predibase.com/user-guide/inference/rest_api,
// https://huggingface.github.io/text-generation-inference/
package predibase

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/prompt"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const defaultBase = "https://serving.app.predibase.com"

// New makes the backend of a deployment.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	key, base := cfg.APIKey, cfg.APIBase
	if key == "" {
		key = cfg.Text("api_key", "PREDIBASE_API_KEY")
	}
	if key == "" {
		return nil, errors.New("no api key for predibase: set api_key or PREDIBASE_API_KEY")
	}
	if base == "" {
		base = cfg.Env("PREDIBASE_API_BASE")
	}
	if base == "" {
		base = defaultBase
	}
	tenant := cfg.Text("tenant_id")
	if tenant == "" {
		tenant = cfg.Text("predibase_tenant_id", "PREDIBASE_TENANT_ID")
	}
	if tenant == "" {
		return nil, errors.New("missing Predibase tenant id: set tenant_id or PREDIBASE_TENANT_ID")
	}
	template, _, err := prompt.Of(cfg.Model, cfg.Params)
	if err != nil {
		return nil, fmt.Errorf("predibase: %w", err)
	}
	b, err := native.New(native.Options{
		Config: cfg, Base: base, Doer: doer, Fetcher: fetch,
		Chatter: &codec{
			path:     "/" + url.PathEscape(tenant) + "/deployments/v2/llms/" + url.PathEscape(cfg.Model) + "/generate",
			template: template,
		},
		Header: []upstream.Field{{Name: "Authorization", Value: "Bearer " + key}},
	})
	if err != nil {
		return nil, fmt.Errorf("predibase: %w", err)
	}
	return b, nil
}
