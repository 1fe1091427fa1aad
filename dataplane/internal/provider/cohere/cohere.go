// Package cohere speaks Cohere's API, version 2: chat with its streams, tools,
// pictures, thoughts and citations, embeddings and ranking. It is pure
// translation; who sends is native.
//
// Wire facts: https://docs.cohere.com/reference/chat,
// https://docs.cohere.com/v2/docs/streaming, https://docs.cohere.com/reference/embed,
// https://docs.cohere.com/reference/rerank
package cohere

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const defaultBase = "https://api.cohere.com"

// New makes the backend of a deployment.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	key := cfg.APIKey
	if key == "" {
		key = cfg.Text("api_key", "COHERE_API_KEY", "CO_API_KEY")
	}
	if key == "" {
		return nil, errors.New("no api key for cohere: set api_key or COHERE_API_KEY, CO_API_KEY")
	}
	b, err := native.New(native.Options{
		Config: cfg, Base: base(&cfg), Doer: doer, Fetcher: fetch,
		Header: []upstream.Field{
			{Name: "Authorization", Value: "Bearer " + key},
			{Name: "Request-Source", Value: "unspecified:tianjillm"}, // whose calls these are, as Cohere asks of gateways
		},
		Chatter: codec{slug: cfg.Provider, model: cfg.Model},
		Surfaces: map[provider.Surface]native.Surface{
			provider.Embeddings: {Encode: encodeEmbedding(cfg.Model), Decode: decodeEmbedding(cfg.Model)},
			provider.Rerank:     {Encode: encodeRerank(cfg.Model), Decode: decodeRerank},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("cohere: %w", err)
	}
	return b, nil
}

// base is what stands in front of /v2; users write whole URLs, too.
func base(cfg *provider.Config) string {
	b := cfg.APIBase
	if b == "" {
		b = cfg.Env("COHERE_API_BASE")
	}
	if b == "" {
		b = defaultBase
	}
	b = strings.TrimRight(b, "/")
	for _, operation := range []string{"/chat", "/embed", "/rerank"} {
		b = strings.TrimSuffix(b, operation)
	}
	return strings.TrimSuffix(strings.TrimSuffix(b, "/v2"), "/v1")
}
