// Package triton speaks to NVIDIA's Triton Inference Server: text generation
// by its generate extension, and by plain inference of a model that takes a
// text, and embeddings by inference. A deployment's base is the whole URL of
// one of these.
//
// Wire facts: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_generate.html,
// https://github.com/kserve/kserve/blob/master/docs/predict-api/v2/required_api.md
package triton

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/prompt"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// New makes the backend of a deployment.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	base := strings.TrimRight(cfg.APIBase, "/")
	o := native.Options{Config: cfg, Base: base, Doer: doer, Fetcher: fetch}
	if cfg.APIKey != "" { // of a proxy in front; the server itself has none
		o.Header = []upstream.Field{{Name: "Authorization", Value: "Bearer " + cfg.APIKey}}
	}
	template, _, err := prompt.Of(cfg.Model, cfg.Params)
	if err != nil {
		return nil, fmt.Errorf("triton: %w", err)
	}
	switch {
	case strings.HasSuffix(base, "/generate"):
		o.Chatter = &generate{template: template, limit: limit(&cfg)}
	case strings.HasSuffix(base, "/infer"):
		o.Chatter = infer{}
	case strings.HasSuffix(base, "/embeddings"):
		o.Surfaces = map[provider.Surface]native.Surface{provider.Embeddings: {Encode: encodeEmbedding, Decode: decodeEmbedding(cfg.Model)}}
	default:
		return nil, fmt.Errorf("invalid Triton API base %q: it has to end in /generate, /infer or /embeddings", upstream.Root(base))
	}
	b, err := native.New(o)
	if err != nil {
		return nil, fmt.Errorf("triton: %w", err)
	}
	return b, nil
}

// params are what LiteLLM maps for Triton. Nobody is told of the user.
func params() []string { return []string{"max_tokens", "max_completion_tokens", "n", "user"} }

// own reports whether a member is the model's, and not one of OpenAI's that
// means nothing to it.
func own(name string) bool {
	return name != "metadata" && !slices.Contains(catalog.ChatParams(), name)
}

// one refuses several answers.
func one(req *chat.Request) error {
	if req.N != nil && *req.N != 1 {
		return apierr.BadRequest("Invalid value for 'n': triton gives one answer")
	}
	return nil
}
