// Package ollama speaks Ollama's own API: chat with its streams of lines,
// tools, pictures, thoughts and structured output, and embeddings. Deployments
// with a prompt template of their own go through generate instead of chat.
//
// What a model can not do the server only says when it is asked to: tools are
// then described in the prompt, and thoughts are not asked for.
//
// Wire facts: https://docs.ollama.com/api/chat, https://docs.ollama.com/api/generate,
// https://docs.ollama.com/api/embed, https://github.com/ollama/ollama/blob/main/api/types.go
package ollama

import (
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/prompt"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const defaultBase = "http://localhost:11434"

// New makes the backend of a deployment.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	template, forced, err := prompt.Of(cfg.Model, cfg.Params)
	if err != nil {
		return nil, fmt.Errorf("ollama: %w", err)
	}
	key := cfg.APIKey
	if key == "" {
		key = cfg.Text("api_key", "OLLAMA_API_KEY")
	}
	var header []upstream.Field
	if key != "" {
		header = append(header, upstream.Field{Name: "Authorization", Value: "Bearer " + key})
	}
	c := &codec{model: cfg.Model, defaults: defaults(cfg.Params)}
	if forced {
		c.template = &template
	}
	b, err := native.New(native.Options{
		Config: cfg, Base: base(&cfg), Header: header, Chatter: c, Doer: doer, Fetcher: fetch,
		Surfaces: map[provider.Surface]native.Surface{provider.Embeddings: {Encode: c.encodeEmbedding, Decode: c.decodeEmbedding}},
	})
	if err != nil {
		return nil, fmt.Errorf("ollama: %w", err)
	}
	return &Backend{Backend: b}, nil
}

// base is what stands in front of /api; users write whole URLs, too, and the
// base of the server's OpenAI-compatible side.
func base(cfg *provider.Config) string {
	b := cfg.APIBase
	if b == "" {
		b = cfg.Env("OLLAMA_API_BASE")
	}
	if b == "" {
		b = defaultBase
	}
	b = strings.TrimRight(b, "/")
	for _, operation := range []string{"/chat", "/generate", "/embed"} {
		b = strings.TrimSuffix(b, "/api"+operation)
	}
	return strings.TrimSuffix(strings.TrimSuffix(b, "/api"), "/v1")
}
