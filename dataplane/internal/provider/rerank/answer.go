package rerank

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tianjillm/tianjillm/shared/catalog"
)

// Result is one document's rank.
type Result struct {
	Index    int             `json:"index"`
	Score    float64         `json:"relevance_score"`
	Document json.RawMessage `json:"document,omitempty"`
}

// answer is what clients get.
type answer struct {
	ID      string          `json:"id,omitempty"`
	Results []Result        `json:"results"`
	Meta    json.RawMessage `json:"meta,omitempty"`
}

// meta is Cohere's account of what was used.
type meta struct {
	BilledUnits billedUnits `json:"billed_units"`
	Tokens      *tokens     `json:"tokens,omitempty"`
}

type billedUnits struct {
	SearchUnits int   `json:"search_units,omitempty"`
	TotalTokens int64 `json:"total_tokens,omitempty"`
}

type tokens struct {
	InputTokens int64 `json:"input_tokens"`
}

// vendorAnswer is what vendors answer, all of them together.
type vendorAnswer struct {
	ID      string          `json:"id"`
	Results []vendorResult  `json:"results"`  // Cohere, Jina, vLLM, Together, Infinity
	Data    []vendorResult  `json:"data"`     // Voyage, Fireworks
	Ranking []nvidiaResult  `json:"rankings"` // NVIDIA
	Scores  []float64       `json:"scores"`   // DeepInfra
	Meta    json.RawMessage `json:"meta"`
	Usage   struct {
		TotalTokens  int64 `json:"total_tokens"`
		PromptTokens int64 `json:"prompt_tokens"`
	} `json:"usage"`
	InputTokens int64 `json:"input_tokens"` // DeepInfra
}

type vendorResult struct {
	Index    int             `json:"index"`
	Score    *float64        `json:"relevance_score"`
	TEIScore float64         `json:"score"`
	Document json.RawMessage `json:"document"`
}

type nvidiaResult struct {
	Index int     `json:"index"`
	Logit float64 `json:"logit"`
}

// Answer brings a vendor's answer into the clients' shape. id is used where
// the vendor gives none.
func (r *Request) Answer(shape catalog.RerankShape, body []byte, id string) ([]byte, error) {
	var v vendorAnswer
	var err error
	if shape == catalog.RerankTEI {
		err = json.Unmarshal(body, &v.Results)
	} else {
		err = json.Unmarshal(body, &v)
	}
	if err != nil {
		return nil, fmt.Errorf("decode rerank answer: %w", err)
	}
	if v.Results == nil && v.Data == nil && v.Ranking == nil && v.Scores == nil {
		return nil, errors.New("decode rerank answer: no results")
	}
	a := answer{ID: v.ID, Results: r.results(&v), Meta: v.Meta}
	if a.ID == "" {
		a.ID = id
	}
	if len(a.Meta) == 0 {
		if a.Meta, err = v.meta(); err != nil {
			return nil, err
		}
	}
	out, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode rerank answer: %w", err)
	}
	return out, nil
}

func (v *vendorAnswer) meta() (json.RawMessage, error) {
	var m meta
	if used := max(v.Usage.TotalTokens, v.Usage.PromptTokens, v.InputTokens); used > 0 {
		m.BilledUnits.TotalTokens, m.Tokens = used, &tokens{InputTokens: used}
	} else {
		m.BilledUnits.SearchUnits = 1 // Cohere's unit: a query
	}
	return json.Marshal(m)
}

// results are sorted by score and no more than were asked for. A result for a
// document that does not exist is left out.
func (r *Request) results(v *vendorAnswer) []Result {
	all := []Result{}
	for _, list := range [][]vendorResult{v.Results, v.Data} {
		for _, x := range list {
			score := x.TEIScore
			if x.Score != nil {
				score = *x.Score
			}
			all = append(all, Result{x.Index, score, x.Document})
		}
	}
	for _, x := range v.Ranking {
		all = append(all, Result{x.Index, x.Logit, nil})
	}
	for i, score := range v.Scores {
		all = append(all, Result{i, score, nil})
	}
	all = slices.DeleteFunc(all, func(x Result) bool { return x.Index < 0 || x.Index >= len(r.Documents) })
	slices.SortStableFunc(all, func(a, b Result) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	if r.TopN != nil && *r.TopN >= 0 && len(all) > *r.TopN {
		all = all[:*r.TopN]
	}
	for i := range all {
		all[i].Document = r.document(&all[i])
	}
	return all
}

// document is what goes with a result: {"text":…} or the client's own object,
// where the client wants it.
func (r *Request) document(x *Result) json.RawMessage {
	if r.ReturnDocuments == nil || !*r.ReturnDocuments {
		return nil
	}
	own := r.Documents[x.Index]
	if len(own) > 0 && own[0] == '{' {
		return own
	}
	return slices.Concat([]byte(`{"text":`), own, []byte("}"))
}
