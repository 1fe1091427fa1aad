// Package rerank translates requests to rank documents, and the answers, from
// and to the shape that clients use: Cohere's, as LiteLLM has it. It is pure.
//
// Wire facts: https://docs.cohere.com/reference/rerank,
// https://docs.voyageai.com/reference/reranker-api,
// https://huggingface.github.io/text-embeddings-inference/,
// https://docs.api.nvidia.com/nim/reference/, https://deepinfra.com/docs
package rerank

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/catalog"
)

// Request is what a client asks.
type Request struct {
	Model           string            `json:"model"`
	Query           string            `json:"query"`
	Documents       []json.RawMessage `json:"documents"` // texts, or objects
	TopN            *int              `json:"top_n"`
	ReturnDocuments *bool             `json:"return_documents"`
	RankFields      []string          `json:"rank_fields"`
	MaxChunksPerDoc *int              `json:"max_chunks_per_doc"`
	MaxTokensPerDoc *int              `json:"max_tokens_per_doc"`
	Priority        *int              `json:"priority"`
	Truncate        json.RawMessage   `json:"truncate"`
}

// Decode reads a client's request.
func Decode(body []byte) (*Request, error) {
	var r Request
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, apierr.BadRequest("Invalid rerank request: want a query and a list of documents").Because(err)
	}
	if r.Query == "" || len(r.Documents) == 0 {
		return nil, apierr.BadRequest("Invalid rerank request: query and documents are required")
	}
	return &r, nil
}

// Texts returns the documents as texts: of an object its member text, or all
// of its members (the rank fields, where they are given) a line each.
func (r *Request) Texts() []string {
	all := make([]string, len(r.Documents))
	for i, d := range r.Documents {
		all[i] = text(d, r.RankFields)
	}
	return all
}

func text(document json.RawMessage, fields []string) string {
	var s string
	if json.Unmarshal(document, &s) == nil {
		return s
	}
	var object map[string]any
	if json.Unmarshal(document, &object) != nil {
		return string(document)
	}
	if s, ok := object["text"].(string); ok && len(fields) == 0 {
		return s
	}
	if len(fields) == 0 {
		fields = slices.Sorted(maps.Keys(object))
	}
	var b strings.Builder
	for _, name := range fields {
		if value, ok := object[name]; ok {
			fmt.Fprintf(&b, "%s: %v\n", name, value)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Encode writes the request in a vendor's shape.
func (r *Request) Encode(shape catalog.RerankShape) ([]byte, error) {
	var wire any
	switch shape {
	case catalog.RerankVoyage:
		wire = voyageRequest{r.Model, r.Query, r.Texts(), r.TopN, r.ReturnDocuments, r.Truncate}
	case catalog.RerankTEI:
		wire = teiRequest{r.Query, r.Texts(), r.Truncate}
	case catalog.RerankDeepInfra:
		wire = deepInfraRequest{[]string{r.Query}, r.Texts()}
	case catalog.RerankNVIDIA:
		wire = r.nvidia()
	case catalog.RerankCohere:
		wire = cohereRequest{r.Model, r.Query, r.Texts(), r.TopN, r.MaxTokensPerDoc, r.Priority}
	default:
		return nil, fmt.Errorf("rerank: unknown shape %q", shape)
	}
	body, err := splice.Encode(wire)
	if err != nil {
		return nil, fmt.Errorf("rerank request: %w", err)
	}
	return body, nil
}

// cohereRequest is that of Cohere's v2, which knows texts only.
type cohereRequest struct {
	Model           string   `json:"model"`
	Query           string   `json:"query"`
	Documents       []string `json:"documents"`
	TopN            *int     `json:"top_n,omitempty"`
	MaxTokensPerDoc *int     `json:"max_tokens_per_doc,omitempty"`
	Priority        *int     `json:"priority,omitempty"`
}

type voyageRequest struct {
	Model           string          `json:"model"`
	Query           string          `json:"query"`
	Documents       []string        `json:"documents"`
	TopK            *int            `json:"top_k,omitempty"`
	ReturnDocuments *bool           `json:"return_documents,omitempty"`
	Truncation      json.RawMessage `json:"truncation,omitempty"`
}

type teiRequest struct {
	Query    string          `json:"query"`
	Texts    []string        `json:"texts"`
	Truncate json.RawMessage `json:"truncate,omitempty"`
}

type deepInfraRequest struct {
	Queries   []string `json:"queries"`
	Documents []string `json:"documents"`
}

type nvidiaText struct {
	Text string `json:"text"`
}

type nvidiaRequest struct {
	Model    string          `json:"model"`
	Query    nvidiaText      `json:"query"`
	Passages []nvidiaText    `json:"passages"`
	Truncate json.RawMessage `json:"truncate,omitempty"`
}

func (r *Request) nvidia() nvidiaRequest {
	n := nvidiaRequest{Model: r.Model, Query: nvidiaText{r.Query}, Truncate: r.Truncate}
	for _, t := range r.Texts() {
		n.Passages = append(n.Passages, nvidiaText{t})
	}
	return n
}
