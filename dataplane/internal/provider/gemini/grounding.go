package gemini

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

type annotation struct {
	Type     string   `json:"type"`
	Citation citation `json:"url_citation"`
}

type citation struct {
	Start int64  `json:"start_index"`
	End   int64  `json:"end_index"`
	URL   string `json:"url"`
	Title string `json:"title"`
}

// annotations translates what an answer is grounded on. The positions are
// Gemini's, which counts bytes. It also returns how often the web was searched.
func annotations(raw json.RawMessage) (out json.RawMessage, queries int64) {
	if len(raw) == 0 || jsonx.IsNull(raw) {
		return nil, 0
	}
	var g grounding
	if json.Unmarshal(raw, &g) != nil { // it is in the answer as it came
		return nil, 0
	}
	for _, q := range g.Queries {
		if q != "" {
			queries++
		}
	}
	var all []annotation
	for i := range g.Supports {
		s := &g.Supports[i]
		if from := g.source(s.Chunks); from != nil {
			all = append(all, annotation{"url_citation", citation{Start: s.Segment.Start, End: s.Segment.End, URL: from.URI, Title: from.Title}})
		}
	}
	if len(all) == 0 {
		return nil, queries
	}
	out, err := marshal(all)
	if err != nil { // strings and numbers: it can not fail
		return nil, queries
	}
	return out, queries
}

// source is the first source that a text is supported by.
func (g *grounding) source(chunks []int) *source {
	if len(chunks) == 0 || chunks[0] < 0 || chunks[0] >= len(g.Chunks) {
		return nil
	}
	switch c := g.Chunks[chunks[0]]; {
	case c.Web != nil:
		return c.Web
	case c.Maps != nil:
		return c.Maps
	default:
		return c.Retrieved
	}
}

type tokenLogprob struct {
	Token   string         `json:"token"`
	Logprob float64        `json:"logprob"`
	Bytes   []int          `json:"bytes"` // OpenAI's; null here
	Top     []tokenLogprob `json:"top_logprobs,omitempty"`
}

// logprobs translates the probabilities of the tokens.
func logprobs(r *logprobsResult) json.RawMessage {
	if r == nil || len(r.Chosen) == 0 {
		return nil
	}
	all := make([]tokenLogprob, len(r.Chosen))
	for i, chosen := range r.Chosen {
		all[i] = tokenLogprob{Token: chosen.Token, Logprob: chosen.Probability}
		if i < len(r.Top) {
			for _, c := range r.Top[i].Candidates {
				all[i].Top = append(all[i].Top, tokenLogprob{Token: c.Token, Logprob: c.Probability})
			}
		}
	}
	b, err := marshal(struct {
		Content []tokenLogprob `json:"content"`
	}{all})
	if err != nil { // strings and finite numbers: it can not fail
		return nil
	}
	return b
}
