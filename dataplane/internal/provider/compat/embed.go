package compat

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/embedding"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// prepareEmbedding writes an embeddings request in the wire of a vendor whose
// chats are OpenAI's and whose embeddings are not.
func (b *Backend) prepareEmbedding(s *scratch, call *provider.Call) error {
	in, err := embedding.Read(call)
	if err != nil {
		return err
	}
	var wire any
	switch b.embedding {
	case catalog.EmbeddingHuggingFace:
		wire = struct {
			Inputs []string `json:"inputs"`
		}{in.Texts}
	case catalog.EmbeddingSnowflake:
		wire = struct {
			Model string   `json:"model"`
			Text  []string `json:"text"`
		}{b.model, in.Texts}
	default:
		return fmt.Errorf("embeddings: unknown shape %q", b.embedding)
	}
	body, err := splice.Encode(wire)
	if err != nil {
		return err
	}
	s.segments = append(s.segments, body)
	s.plan.after = func(resp *upstream.Response) (provider.Reply, error) {
		defer func() { _ = resp.Close() }()
		answer, err := io.ReadAll(io.LimitReader(resp, maxWhole))
		if err != nil {
			return nil, err
		}
		vectors, tokens, err := b.vectors(answer)
		if err != nil || len(vectors) != len(in.Texts) {
			return nil, provider.BadAnswer("the answer does not embed what was asked", err)
		}
		out, err := in.Answer(b.model, vectors, tokens)
		if err != nil {
			return nil, provider.BadAnswer("the answer does not hold numbers", err)
		}
		return newWhole(out, "application/json", resp.Header), nil
	}
	return nil
}

// vectors reads the vectors of an answer, in the order of the inputs.
func (b *Backend) vectors(answer []byte) (vectors []json.RawMessage, tokens int64, err error) {
	if b.embedding == catalog.EmbeddingHuggingFace {
		err = json.Unmarshal(answer, &vectors)
		return vectors, 0, err
	}
	// https://docs.snowflake.com/en/developer-guide/snowflake-rest-api/reference/cortex-embed
	var a struct {
		Data []struct {
			Embedding []json.RawMessage `json:"embedding"`
			Index     int               `json:"index"`
		} `json:"data"`
		Usage struct {
			TotalTokens int64 `json:"total_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return nil, 0, err
	}
	vectors = make([]json.RawMessage, len(a.Data))
	for _, d := range a.Data {
		if d.Index < 0 || d.Index >= len(vectors) || len(d.Embedding) == 0 {
			return nil, 0, fmt.Errorf("no vector at %d", d.Index)
		}
		vectors[d.Index] = d.Embedding[0]
	}
	return vectors, a.Usage.TotalTokens, nil
}
