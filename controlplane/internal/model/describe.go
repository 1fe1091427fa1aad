package model

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/controlplane/internal/proxyconfig"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/price"
)

// million is how many tokens the prices of package price are for, and nano how
// many units of them a dollar has.
const (
	million = 1_000_000
	nano    = 1_000_000_000
)

// listed returns what the price list says of a deployment, or nil, and where it
// leads. What its credential says of the vendor is asked too.
func listed(m proxyconfig.Model, book *price.Book, shared map[string]json.RawMessage) (found *price.Model, provider, name string) {
	if len(shared) > 0 {
		m.Params = m.Params.WithCredential(shared)
	}
	provider, name, err := catalog.SplitAt(m.Params.Model, m.Params.Provider, m.Params.APIBase)
	if err != nil {
		return nil, "", ""
	}
	return book.Lookup(price.Query{Provider: provider, Model: name, BaseModel: firstText(m.Info.BaseModel, m.Params.BaseModel)}), provider, name
}

// describe adds what the price list says of a deployment. What its model_info
// says stays.
func describe(about map[string]any, m proxyconfig.Model, book *price.Book, shared map[string]json.RawMessage) {
	found, provider, name := listed(m, book, shared)
	if provider == "" {
		return
	}
	about["litellm_provider"], about["key"] = provider, name
	if found == nil {
		return
	}
	tell(found, func(name string, value any) {
		if _, taken := about[name]; !taken {
			about[name] = value
		}
	})
}

// tell calls add with what a price list says of a model, by LiteLLM's names.
func tell(found *price.Model, add func(name string, value any)) {
	if found.MaxInputTokens > 0 {
		add("max_input_tokens", found.MaxInputTokens)
	}
	if found.MaxOutputTokens > 0 {
		add("max_output_tokens", found.MaxOutputTokens)
		add("max_tokens", found.MaxOutputTokens)
	}
	if found.Mode != "" {
		add("mode", found.Mode)
	}
	if in, out, ok := found.Rate.Tokens(); ok {
		add("input_cost_per_token", dollars(int64(in)))
		add("output_cost_per_token", dollars(int64(out)))
	}
	for _, cache := range []struct {
		name string
		unit price.Unit
	}{{"cache_read_input_token_cost", price.CacheRead}, {"cache_creation_input_token_cost", price.CacheWrite}} {
		if n, ok := found.Rate.Price(cache.unit, price.Standard, 0); ok {
			add(cache.name, dollars(int64(n)))
		}
	}
	for _, a := range price.Abilities() {
		if able, known := found.Supports(a); known {
			add("supports_"+a.String(), able)
		}
	}
}

// dollars turns the price of a million tokens into that of one.
func dollars(n int64) float64 { return float64(n) / nano / million }
