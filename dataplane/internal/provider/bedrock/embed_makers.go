package bedrock

import (
	"encoding/json"
	"errors"
	"strings"
)

// makerOf returns the wire of an embedding model.
func makerOf(name string) embeddingMaker {
	switch {
	case strings.HasPrefix(name, "cohere.embed-v4"):
		return cohereEmbedding{sizes: true}
	case strings.HasPrefix(name, "cohere."):
		return cohereEmbedding{}
	case strings.HasPrefix(name, "amazon.nova"):
		return novaEmbedding{}
	case strings.Contains(name, "titan-embed-image"):
		return titanImageEmbedding{}
	case strings.Contains(name, "titan-embed-text-v2"):
		return titanEmbedding{sizes: true}
	}
	return titanEmbedding{}
}

// titanEmbedding is Titan's text embedding, of which version 2 has sizes:
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
type titanEmbedding struct{ sizes bool }

func (titanEmbedding) batch() int { return 1 }

func (t titanEmbedding) unsupported(r *embedRequest) []string {
	if r.Dimensions != nil && !t.sizes {
		return []string{"dimensions"}
	}
	return nil
}

//nolint:tagliatelle // Amazon's names
func (t titanEmbedding) body(texts []string, r *embedRequest) any {
	b := struct {
		Text       string `json:"inputText"`
		Dimensions *int64 `json:"dimensions,omitempty"`
		Normalize  *bool  `json:"normalize,omitempty"`
	}{Text: texts[0]}
	if t.sizes {
		b.Dimensions, b.Normalize = r.Dimensions, r.Normalize
	}
	return b
}

func (titanEmbedding) read(body []byte) (vectors []json.RawMessage, tokens int64, err error) {
	var a struct {
		Embedding json.RawMessage `json:"embedding"`
		Tokens    int64           `json:"inputTextTokenCount"` //nolint:tagliatelle // Amazon's name
		Message   string          `json:"message"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, 0, err
	}
	if a.Message != "" {
		return nil, 0, errors.New("the model reports an error instead")
	}
	return []json.RawMessage{a.Embedding}, a.Tokens, nil
}

// titanImageEmbedding is Titan's multimodal embedding; an input that is a data
// URI is a picture:
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html
type titanImageEmbedding struct{ titanEmbedding }

func (titanImageEmbedding) unsupported(*embedRequest) []string { return nil }

//nolint:tagliatelle // Amazon's names
func (titanImageEmbedding) body(texts []string, r *embedRequest) any {
	type config struct {
		Length *int64 `json:"outputEmbeddingLength,omitempty"`
	}
	var b struct {
		Text   string  `json:"inputText,omitempty"`
		Image  string  `json:"inputImage,omitempty"`
		Config *config `json:"embeddingConfig,omitempty"`
	}
	if strings.HasPrefix(texts[0], "data:image/") {
		_, b.Image = dataURI(texts[0])
	} else {
		b.Text = texts[0]
	}
	if r.Dimensions != nil {
		b.Config = &config{r.Dimensions}
	}
	return b
}

// cohereEmbedding is Cohere's, of which version 4 has sizes:
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
type cohereEmbedding struct{ sizes bool }

func (cohereEmbedding) batch() int { return 96 } // Cohere's bound

func (c cohereEmbedding) unsupported(r *embedRequest) []string {
	if r.Dimensions != nil && !c.sizes {
		return []string{"dimensions"}
	}
	return nil
}

func (c cohereEmbedding) body(texts []string, r *embedRequest) any {
	b := struct {
		Texts     []string `json:"texts,omitempty"`
		Images    []string `json:"images,omitempty"`
		InputType string   `json:"input_type"`
		Truncate  string   `json:"truncate,omitempty"`
		Dimension *int64   `json:"output_dimension,omitempty"`
		Types     []string `json:"embedding_types"`
	}{Texts: texts, InputType: r.InputType, Truncate: r.Truncate, Types: []string{"float"}}
	if strings.HasPrefix(texts[0], "data:image/") {
		b.Texts, b.Images, b.InputType = nil, texts, "image"
	}
	if b.InputType == "" {
		b.InputType = "search_document" // LiteLLM's default
	}
	if c.sizes {
		b.Dimension = r.Dimensions
	}
	return b
}

// read takes a plain list of vectors, or one by its type.
func (cohereEmbedding) read(body []byte) (vectors []json.RawMessage, tokens int64, err error) {
	var a struct {
		Embeddings json.RawMessage `json:"embeddings"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, 0, err
	}
	if object(a.Embeddings) {
		var byType struct {
			Float []json.RawMessage `json:"float"`
		}
		err := json.Unmarshal(a.Embeddings, &byType)
		return byType.Float, 0, err
	}
	err = json.Unmarshal(a.Embeddings, &vectors)
	return vectors, 0, err
}

// novaEmbedding is Nova's multimodal embedding, used for texts:
// https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html
type novaEmbedding struct{}

func (novaEmbedding) batch() int { return 1 }

func (novaEmbedding) unsupported(*embedRequest) []string { return nil }

//nolint:tagliatelle // Amazon's names
func (novaEmbedding) body(texts []string, r *embedRequest) any {
	type text struct {
		Truncation string `json:"truncationMode"`
		Value      string `json:"value"`
	}
	type params struct {
		Purpose   string `json:"embeddingPurpose"`
		Dimension *int64 `json:"embeddingDimension,omitempty"`
		Text      text   `json:"text"`
	}
	return struct {
		Schema string `json:"schemaVersion"`
		Task   string `json:"taskType"`
		Params params `json:"singleEmbeddingParams"`
	}{"nova-multimodal-embed-v1", "SINGLE_EMBEDDING", params{"GENERIC_INDEX", r.Dimensions, text{"END", texts[0]}}}
}

func (novaEmbedding) read(body []byte) (vectors []json.RawMessage, tokens int64, err error) {
	var a struct {
		Embeddings []struct {
			Embedding json.RawMessage `json:"embedding"`
		} `json:"embeddings"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, 0, err
	}
	for i := range a.Embeddings {
		vectors = append(vectors, a.Embeddings[i].Embedding)
	}
	return vectors, 0, nil
}
