package bedrock

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// reranker ranks documents through the agents' runtime, which has a host of its
// own: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Rerank.html
type reranker struct {
	arn  string
	base string // empty: that of the deployment
}

// cohereRerank is what the client sends.
type cohereRerank struct {
	Query           string            `json:"query"`
	Documents       []json.RawMessage `json:"documents"`
	TopN            *int              `json:"top_n"`
	ReturnDocuments *bool             `json:"return_documents"`
}

// The parts of AWS's wire.
//
//nolint:tagliatelle // AWS's names
type (
	wireRerank struct {
		Queries []wireQuery  `json:"queries"`
		Sources []wireRanked `json:"sources"`
		Config  struct {
			Type    string `json:"type"`
			Bedrock struct {
				Model struct {
					ARN string `json:"modelArn"`
				} `json:"modelConfiguration"`
				Results *int `json:"numberOfResults,omitempty"`
			} `json:"bedrockRerankingConfiguration"`
		} `json:"rerankingConfiguration"`
	}

	wireQuery struct {
		Type string       `json:"type"`
		Text wireTextOnly `json:"textQuery"`
	}

	wireTextOnly struct {
		Text string `json:"text"`
	}

	wireRanked struct {
		Type   string `json:"type"`
		Inline struct {
			Type string          `json:"type"`
			Text *wireTextOnly   `json:"textDocument,omitempty"`
			JSON json.RawMessage `json:"jsonDocument,omitempty"`
		} `json:"inlineDocumentSource"`
	}
)

func (r *reranker) surface() native.Surface {
	return native.Surface{Encode: r.encode, Decode: decodeRerank}
}

func (r *reranker) encode(call *provider.Call) (*native.Request, error) {
	var c cohereRerank
	if err := json.Unmarshal(call.Body, &c); err != nil {
		return nil, refuse("", "query has to be a string, documents a list")
	}
	if len(c.Documents) == 0 {
		return nil, refuse("documents", "documents has to be a list of at least one document")
	}
	w := wireRerank{Queries: []wireQuery{{Type: "TEXT", Text: wireTextOnly{c.Query}}}}
	for _, d := range c.Documents {
		source, err := ranked(d)
		if err != nil {
			return nil, err
		}
		w.Sources = append(w.Sources, source)
	}
	w.Config.Type = "BEDROCK_RERANKING_MODEL"
	w.Config.Bedrock.Model.ARN = r.arn
	if n := c.TopN; n != nil && *n > 0 {
		w.Config.Bedrock.Results = new(min(*n, len(c.Documents)))
	}
	body, err := marshal(&w)
	if err != nil {
		return nil, fmt.Errorf("encode rerank: %w", err)
	}
	return &native.Request{Path: "/rerank", Base: r.base, Body: body}, nil
}

// ranked writes a document: a text, an object that is one text, or any object.
func ranked(document json.RawMessage) (wireRanked, error) {
	s := wireRanked{Type: "INLINE"}
	var text string
	if json.Unmarshal(document, &text) == nil {
		s.Inline.Type, s.Inline.Text = "TEXT", &wireTextOnly{text}
		return s, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(document, &members) != nil || len(members) == 0 {
		return s, refuse("documents", "a document has to be a string or an object")
	}
	if raw, ok := members["text"]; ok && len(members) == 1 && json.Unmarshal(raw, &text) == nil {
		s.Inline.Type, s.Inline.Text = "TEXT", &wireTextOnly{text}
		return s, nil
	}
	s.Inline.Type, s.Inline.JSON = "JSON", document
	return s, nil
}

// maxPerQuery is how many documents AWS counts as one query.
const maxPerQuery = 100

func decodeRerank(call *provider.Call, body []byte) ([]byte, error) {
	var answer struct {
		Results []struct {
			Index int     `json:"index"`
			Score float64 `json:"relevanceScore"` //nolint:tagliatelle // AWS's name
		} `json:"results"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	var c cohereRerank
	if err := json.Unmarshal(call.Body, &c); err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	type result struct {
		Index    int             `json:"index"`
		Score    float64         `json:"relevance_score"`
		Document json.RawMessage `json:"document,omitempty"`
	}
	results := make([]result, len(answer.Results))
	for i, r := range answer.Results {
		if r.Index < 0 || r.Index >= len(c.Documents) {
			return nil, errors.New("rerank: an index beyond the documents")
		}
		results[i] = result{Index: r.Index, Score: r.Score}
		if c.ReturnDocuments != nil && *c.ReturnDocuments {
			results[i].Document = asObject(c.Documents[r.Index])
		}
	}
	units := (len(c.Documents) + maxPerQuery - 1) / maxPerQuery
	return marshal(map[string]any{
		"id": call.CallID, "results": results, "meta": map[string]any{"billed_units": map[string]int{"search_units": units}},
	})
}

// asObject writes a document as Cohere does.
func asObject(document json.RawMessage) json.RawMessage {
	if object(document) {
		return document
	}
	return json.RawMessage(`{"text":` + string(document) + `}`)
}
