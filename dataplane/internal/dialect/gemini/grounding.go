package gemini

import (
	"encoding/json"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

type chunk struct {
	Web source `json:"web"`
}

type source struct {
	URI   string `json:"uri"`
	Title string `json:"title,omitempty"`
}

type support struct {
	Segment segment `json:"segment"`
	Chunks  []int   `json:"groundingChunkIndices"` //nolint:tagliatelle // Google's name
}

type segment struct {
	Start int64 `json:"startIndex,omitempty"` //nolint:tagliatelle // Google's name
	End   int64 `json:"endIndex"`             //nolint:tagliatelle // Google's name
}

type grounding struct {
	Chunks   []chunk   `json:"groundingChunks"`   //nolint:tagliatelle // Google's name
	Supports []support `json:"groundingSupports"` //nolint:tagliatelle // Google's name
}

// groundingOf returns what an answer is grounded on: as Gemini has said it, or
// made of OpenAI's annotations.
func groundingOf(said, annotations json.RawMessage) json.RawMessage {
	var all []json.RawMessage
	if len(said) > 0 && json.Unmarshal(said, &all) == nil && len(all) > 0 {
		return all[0]
	}
	var cited []struct {
		Citation struct {
			Start int64  `json:"start_index"`
			End   int64  `json:"end_index"`
			URL   string `json:"url"`
			Title string `json:"title"`
		} `json:"url_citation"`
	}
	if len(annotations) == 0 || jsonx.IsNull(annotations) || json.Unmarshal(annotations, &cited) != nil {
		return nil
	}
	var g grounding
	seen := map[string]int{}
	for i := range cited {
		c := &cited[i].Citation
		if c.URL == "" {
			continue
		}
		at, ok := seen[c.URL]
		if !ok {
			at = len(g.Chunks)
			seen[c.URL] = at
			g.Chunks = append(g.Chunks, chunk{source{c.URL, c.Title}})
		}
		g.Supports = append(g.Supports, support{segment{c.Start, c.End}, []int{at}})
	}
	if len(g.Chunks) == 0 {
		return nil
	}
	b, err := json.Marshal(&g)
	if err != nil { // strings and numbers: it can not fail
		return nil
	}
	return b
}

type logprob struct {
	Token       string  `json:"token"`
	Probability float64 `json:"logProbability"` //nolint:tagliatelle // Google's name
}

type topCandidates struct {
	Candidates []logprob `json:"candidates"`
}

type logprobsResult struct {
	Chosen []logprob       `json:"chosenCandidates"` //nolint:tagliatelle // Google's name
	Top    []topCandidates `json:"topCandidates"`    //nolint:tagliatelle // Google's name
}

// logprobs translates OpenAI's probabilities of the tokens.
func logprobs(raw json.RawMessage) json.RawMessage {
	var from struct {
		Content []struct {
			Token   string  `json:"token"`
			Logprob float64 `json:"logprob"`
			Top     []struct {
				Token   string  `json:"token"`
				Logprob float64 `json:"logprob"`
			} `json:"top_logprobs"`
		} `json:"content"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &from) != nil || len(from.Content) == 0 {
		return nil
	}
	var to logprobsResult
	for i := range from.Content {
		c := &from.Content[i]
		to.Chosen = append(to.Chosen, logprob{c.Token, c.Logprob})
		top := topCandidates{Candidates: []logprob{}}
		for _, t := range c.Top {
			top.Candidates = append(top.Candidates, logprob{t.Token, t.Logprob})
		}
		to.Top = append(to.Top, top)
	}
	b, err := json.Marshal(&to)
	if err != nil { // strings and finite numbers: it can not fail
		return nil
	}
	return b
}
