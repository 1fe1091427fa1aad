package anthropic

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const (
	defaultBase = "https://api.anthropic.com"
	countPath   = "/v1/messages/count_tokens"
	// signedIn begins the tokens that people get by signing in.
	signedIn = "sk-ant-oat"
)

var errNoKey = errors.New("no api_key: set it, or ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN")

// Backend is one deployment at Anthropic. It is safe for concurrent use.
type Backend struct{ *native.Backend }

// New prepares a deployment at Anthropic. The error holds no secret.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	opts := Options{Model: cfg.Model, Budgets: NewBudgets(&cfg)}
	cfg.Headers, opts.Betas = takeBetas(cfg.Headers)
	proof, betas, err := credentials(&cfg)
	if err != nil {
		return nil, err
	}
	opts.Betas = append(opts.Betas, betas...)
	base, count := place(&cfg, &opts)
	codec := NewCodec(opts)
	b, err := native.New(native.Options{
		Config: cfg, Base: base, Header: proof, Chatter: codec, Doer: doer, Fetcher: fetch,
		Surfaces: map[provider.Surface]native.Surface{
			provider.Messages:    codec.Messages(),
			provider.CountTokens: codec.CountTokens(count, cfg.Model, betaCountTokens),
		},
	})
	if err != nil {
		return nil, err
	}
	return &Backend{b}, nil
}

// Chat implements provider.Backend: the betas that the client named in a
// header go with the codec's.
func (b *Backend) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	return b.Backend.Chat(ctx, call, WithBetas(call, req))
}

// place returns the base, and the path at which tokens are counted. A base may
// name the whole address of Messages, as LiteLLM's do.
func place(cfg *provider.Config, o *Options) (base, count string) {
	base = cfg.APIBase
	if base == "" {
		base = cfg.Env("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL")
	}
	if base == "" {
		base = defaultBase
	}
	base = strings.TrimRight(base, "/")
	if strings.EqualFold(cfg.Env("LITELLM_ANTHROPIC_DISABLE_URL_SUFFIX"), "true") {
		o.Path = func(bool) string { return "" }
		return base, "/count_tokens"
	}
	return strings.TrimSuffix(strings.TrimSuffix(base, "/messages"), "/v1"), countPath
}

// takeBetas takes the betas out of the headers of a deployment: they are one
// list with those that a request needs.
func takeBetas(headers map[string]string) (others map[string]string, betas []string) {
	others = maps.Clone(headers)
	for name, value := range headers {
		switch http.CanonicalHeaderKey(name) {
		case headerBeta:
			betas = append(betas, split([]string{value})...)
			delete(others, name)
		case headerVersion: // each request has its own
			delete(others, name)
		}
	}
	return others, betas
}

// credentials returns what proves who calls, and the betas that go with it: a
// key has a header of its own, a token is a bearer's.
func credentials(cfg *provider.Config) (proof []upstream.Field, betas []string, err error) {
	for name := range cfg.Headers {
		if strings.EqualFold(name, "X-Api-Key") || strings.EqualFold(name, "Authorization") {
			return nil, nil, nil
		}
	}
	key, token := cfg.APIKey, ""
	if key == "" {
		key = cfg.Text("api_key")
	}
	if key == "" {
		token = cfg.Text("auth_token")
	}
	if key == "" && token == "" {
		if key = cfg.Env("ANTHROPIC_API_KEY"); key == "" {
			token = cfg.Env("ANTHROPIC_AUTH_TOKEN")
		}
	}
	if strings.HasPrefix(key, signedIn) {
		key, token = "", key
	}
	switch {
	case key != "":
		return []upstream.Field{{Name: "X-Api-Key", Value: key}}, nil, nil
	case strings.HasPrefix(token, signedIn):
		betas = []string{betaOAuth}
	case token == "":
		return nil, nil, errNoKey
	}
	return []upstream.Field{{Name: "Authorization", Value: "Bearer " + token}}, betas, nil
}
