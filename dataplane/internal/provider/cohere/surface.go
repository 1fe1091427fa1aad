package cohere

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/embedding"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/rerank"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

type embedRequest struct {
	Model           string          `json:"model"`
	Texts           []string        `json:"texts,omitempty"`
	Images          []string        `json:"images,omitempty"`
	InputType       string          `json:"input_type"`
	EmbeddingTypes  []string        `json:"embedding_types"`
	OutputDimension *int64          `json:"output_dimension,omitempty"`
	Truncate        json.RawMessage `json:"truncate,omitempty"`
}

// encodeEmbedding asks for floats, and packs them here where the client wants
// base64: Cohere's base64 is not said to be OpenAI's.
func encodeEmbedding(model string) func(*provider.Call) (*native.Request, error) {
	return func(call *provider.Call) (*native.Request, error) {
		in, err := embedding.Read(call)
		if err != nil {
			return nil, err
		}
		r := embedRequest{
			Model: model, Texts: in.Texts, EmbeddingTypes: []string{"float"}, OutputDimension: in.Dimensions,
			InputType: splice.Text(call.Lookup("input_type")), Truncate: call.Lookup("truncate"),
		}
		image := func(s string) bool { return strings.HasPrefix(s, "data:image/") }
		if slices.ContainsFunc(in.Texts, image) {
			if slices.ContainsFunc(in.Texts, func(s string) bool { return !image(s) }) {
				return nil, apierr.BadRequest("Invalid value for 'input': cohere embeds texts or pictures, not both at once")
			}
			r.Texts, r.Images, r.InputType = nil, in.Texts, "image"
		}
		if r.InputType == "" {
			r.InputType = "search_document" // LiteLLM's choice
		}
		body, err := splice.Encode(r)
		return &native.Request{Path: "/v2/embed", Body: body}, err
	}
}

func decodeEmbedding(model string) func(*provider.Call, []byte) ([]byte, error) {
	return func(call *provider.Call, body []byte) ([]byte, error) {
		var a struct {
			Embeddings struct {
				Float []json.RawMessage `json:"float"`
			} `json:"embeddings"`
			Meta struct {
				Billed struct {
					Input  float64 `json:"input_tokens"`
					Images float64 `json:"images"`
				} `json:"billed_units"`
			} `json:"meta"`
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, fmt.Errorf("decode embeddings: %w", err)
		}
		if a.Embeddings.Float == nil {
			return nil, errors.New("decode embeddings: no floats")
		}
		in, err := embedding.Read(call)
		if err != nil {
			return nil, err
		}
		return in.Answer(model, a.Embeddings.Float, int64(a.Meta.Billed.Input+a.Meta.Billed.Images))
	}
}

func encodeRerank(model string) func(*provider.Call) (*native.Request, error) {
	return func(call *provider.Call) (*native.Request, error) {
		r, err := rerank.Decode(call.Body)
		if err != nil {
			return nil, err
		}
		r.Model = model
		body, err := r.Encode(catalog.RerankCohere)
		return &native.Request{Path: "/v2/rerank", Body: body}, err
	}
}

func decodeRerank(call *provider.Call, body []byte) ([]byte, error) {
	r, err := rerank.Decode(call.Body)
	if err != nil {
		return nil, err
	}
	return r.Answer(catalog.RerankCohere, body, call.CallID)
}
