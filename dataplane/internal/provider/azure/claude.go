package azure

import (
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/anthropic"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/compat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// newClaude serves Claude at Foundry, under /anthropic of a resource:
// https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry
func newClaude(cfg provider.Config, base *url.URL, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	var o compat.Options
	if err := prove(&cfg, doer, &o); err != nil {
		return nil, err
	}
	codec := anthropic.NewCodec(anthropic.Options{
		Model: cfg.Model, TraitsOf: baseModel(&cfg), Budgets: anthropic.NewBudgets(&cfg),
		NoSchemas: true, // a beta there, behind a header of its own
	})
	n := native.Options{
		Config: cfg, Base: claudeBase(base), Chatter: codec, Doer: doer, Fetcher: fetch, Authorizer: o.Authorizer,
		Surfaces: map[provider.Surface]native.Surface{
			provider.Messages:    codec.Messages(),
			provider.CountTokens: codec.CountTokens("/v1/messages/count_tokens", cfg.Model),
		},
	}
	if o.Authorizer == nil { // Azure's name of the header, and Anthropic's
		n.Header = []upstream.Field{{Name: "Api-Key", Value: cfg.APIKey}, {Name: "X-Api-Key", Value: cfg.APIKey}}
	}
	b, err := native.New(n)
	if err != nil {
		return nil, err
	}
	return &anthropic.Backend{Backend: b}, nil
}

// claudeBase takes the address of a resource, with or without the path of
// Anthropic's API.
func claudeBase(u *url.URL) string {
	path := strings.TrimRight(u.EscapedPath(), "/")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/messages"), "/v1")
	if !strings.HasSuffix(path, "/anthropic") {
		path += "/anthropic"
	}
	return u.Scheme + "://" + u.Host + path
}

// baseModel is what a deployment with a name of its own is made of.
func baseModel(cfg *provider.Config) string {
	if base := cfg.Text("base_model"); base != "" {
		return base
	}
	return cfg.Model
}
