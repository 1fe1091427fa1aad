package anthropic

import (
	"encoding/json"
	"strconv"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// annotations are OpenAI's form of the citations that lead to a page of the
// web. Start and end are positions in the text, in characters.
type annotations []byte

func (a *annotations) add(citation json.RawMessage, start, end int) {
	var c struct {
		Type  string `json:"type"`
		URL   string `json:"url"`
		Title string `json:"title"`
	}
	if json.Unmarshal(citation, &c) != nil || c.URL == "" {
		return
	}
	b := append(*a, ',')
	b = strconv.AppendInt(append(b, `{"type":"url_citation","url_citation":{"start_index":`...), int64(start), 10)
	b = strconv.AppendInt(append(b, `,"end_index":`...), int64(end), 10)
	b = jsonx.AppendQuote(append(b, `,"title":`...), c.Title)
	b = jsonx.AppendQuote(append(b, `,"url":`...), c.URL)
	b = append(b, "}}"...)
	*a = b
}

// json returns the list, or nil when it is empty, and begins anew.
func (a *annotations) json() json.RawMessage {
	if len(*a) == 0 {
		return nil
	}
	b := *a
	b[0] = '['
	*a = nil
	return json.RawMessage(append(b, ']'))
}
