package fakecohere

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

func meta(name string, units int) json.RawMessage {
	return fakevendor.Object("api_version", fakevendor.Object("version", "2"), "billed_units", fakevendor.Object(name, units))
}

// readEmbed reads https://docs.cohere.com/reference/embed
func readEmbed(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		Model          string   `json:"model"`
		Texts          []string `json:"texts"`
		InputType      string   `json:"input_type"`
		EmbeddingTypes []string `json:"embedding_types"`
	}
	if err := c.Decode(&b); err != nil {
		return nil, fakevendor.Refuse("invalid type: " + err.Error())
	}
	c.Model = b.Model
	if f := unknown(c.Body, "model texts images inputs input_type embedding_types output_dimension max_tokens truncate priority"); f != nil {
		return nil, f
	}
	known := []string{"search_document", "search_query", "classification", "clustering", "image"}
	switch {
	case len(b.Texts) == 0:
		return nil, fakevendor.Refuse("invalid request: at least one of texts, images or inputs must be specified")
	case !slices.Contains(known, b.InputType):
		return nil, fakevendor.Refuse("invalid request: valid input_type must be provided with the provided model")
	case len(b.EmbeddingTypes) > 0 && !slices.Equal(b.EmbeddingTypes, []string{"float"}):
		return nil, fakevendor.Refuse("invalid request: the vendor of the tests has float embeddings only")
	}
	vectors := make([][]float64, len(b.Texts))
	for i := range vectors {
		vectors[i] = fakevendor.Vector()
	}
	return fakevendor.Settled(document(fakevendor.Object("id", "vendor-embed", "embeddings", fakevendor.Object("float", fakevendor.List(vectors)),
		"texts", b.Texts, "meta", meta("input_tokens", fakevendor.PromptTokens), "response_type", "embeddings_by_type"))), nil
}

// readRerank reads https://docs.cohere.com/reference/rerank: documents that
// have the query in them come first.
func readRerank(c *fakevendor.Call) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		Model     string            `json:"model"`
		Query     string            `json:"query"`
		Documents []json.RawMessage `json:"documents"`
		TopN      int               `json:"top_n"`
	}
	if err := c.Decode(&b); err != nil {
		return nil, fakevendor.Refuse("invalid type: " + err.Error())
	}
	c.Model = b.Model
	if f := unknown(c.Body, "model query documents top_n rank_fields return_documents max_chunks_per_doc max_tokens_per_doc priority"); f != nil {
		return nil, f
	}
	if b.Query == "" || len(b.Documents) == 0 {
		return nil, fakevendor.Refuse("invalid request: query and documents must not be empty")
	}
	type result struct {
		Index int     `json:"index"`
		Score float64 `json:"relevance_score"`
	}
	results := make([]result, len(b.Documents))
	for i, d := range b.Documents {
		results[i] = result{i, 0.125}
		if strings.Contains(string(d), b.Query) {
			results[i].Score = 0.875
		}
	}
	slices.SortStableFunc(results, func(a, b result) int { return cmp.Compare(b.Score, a.Score) })
	if b.TopN > 0 {
		results = results[:min(b.TopN, len(results))]
	}
	return fakevendor.Settled(document(fakevendor.Object("id", "vendor-rerank", "results", fakevendor.List(results), "meta", meta("search_units", 1)))), nil
}
