package anthropic

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

const idPrefix = "msg_"

// messageID makes an id of Anthropic's form of another vendor's.
func messageID(id string) string {
	if strings.HasPrefix(id, idPrefix) {
		return id
	}
	return idPrefix + strings.TrimPrefix(id, "chatcmpl-")
}

// toolID returns the id of a call; some vendors give none.
func toolID(id string) string {
	if id != "" {
		return id
	}
	return "toolu_" + strings.ReplaceAll(ident.NewUUID(time.Now()).String(), "-", "")
}

// Whole implements dialect.Dialect.
func (Dialect) Whole(_ *chat.Request, answer *chat.Response) ([]byte, error) {
	var first chat.Choice
	if len(answer.Choices) > 0 {
		first = answer.Choices[0] // a message has one
	}
	m := &first.Message
	b := appendHead(nil, answer.ID, answer.Model)
	b = append(b, `"content":[`...)
	start := len(b)
	b = appendThoughts(b, m)
	b = appendText(b, m)
	for i := range m.Images {
		b = append(appendImage(b, &m.Images[i]), ',')
	}
	b = appendCalls(b, m)
	if len(b) > start {
		b = b[:len(b)-1] // each block ends with a comma
	}
	s := stop{reason: first.FinishReason, called: len(m.ToolCalls) > 0 || m.FunctionCall != nil, refused: m.Refusal != ""}
	s.take(m.ProviderFields)
	b = s.append(append(b, `],`...))
	b = append(b, `,"usage":`...)
	b = answer.Usage.AppendAnthropic(b)
	if tier := serviceTier(answer.ServiceTier); tier != "" {
		b = jsonx.AppendQuote(append(b[:len(b)-1], `,"service_tier":`...), tier)
		b = append(b, '}')
	}
	return append(b, '}'), nil
}

// serviceTier says in Anthropic's words who served.
func serviceTier(tier string) string {
	if tier == "default" {
		return "standard"
	}
	return tier
}

// appendHead begins a message.
func appendHead(b []byte, id, model string) []byte {
	b = jsonx.AppendQuote(append(b, `{"id":`...), messageID(id))
	b = jsonx.AppendQuote(append(b, `,"type":"message","role":"assistant","model":`...), model)
	return append(b, ',')
}

func appendThoughts(b []byte, m *chat.Message) []byte {
	for i := range m.ThinkingBlocks {
		t := &m.ThinkingBlocks[i]
		if t.Type == chat.RedactedThinkingType {
			b = jsonx.AppendQuote(append(b, `{"type":"redacted_thinking","data":`...), t.Data)
			b = append(b, `},`...)
			continue
		}
		b = appendThought(b, t.Thinking, t.Signature)
	}
	if len(m.ThinkingBlocks) == 0 && m.ReasoningContent != "" {
		b = appendThought(b, m.ReasoningContent, "")
	}
	return b
}

func appendThought(b []byte, text, signature string) []byte {
	b = jsonx.AppendQuote(append(b, `{"type":"thinking","thinking":`...), text)
	b = jsonx.AppendQuote(append(b, `,"signature":`...), signature)
	return append(b, `},`...)
}

func appendText(b []byte, m *chat.Message) []byte {
	text := m.Content.Text()
	if text == "" {
		text = m.Refusal
	}
	if text == "" {
		return b
	}
	b = jsonx.AppendQuote(append(b, `{"type":"text","text":`...), text)
	if all := citations(m.ProviderFields, m.Annotations); len(all) > 0 {
		b = append(b, `,"citations":[`...)
		for i, c := range all {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, c...)
		}
		b = append(b, ']')
	}
	return append(b, `},`...)
}

func appendCalls(b []byte, m *chat.Message) []byte {
	calls := m.ToolCalls
	if f := m.FunctionCall; f != nil && len(calls) == 0 {
		calls = []chat.ToolCall{{Function: *f}}
	}
	for i := range calls {
		b = append(appendCall(b, calls[i].ID, calls[i].Function.Name, arguments(calls[i].Function.Arguments)), ',')
	}
	return b
}

// appendCall writes the block of a tool call.
func appendCall(b []byte, id, name, input string) []byte {
	b = jsonx.AppendQuote(append(b, `{"type":"tool_use","id":`...), toolID(id))
	b = jsonx.AppendQuote(append(b, `,"name":`...), name)
	b = append(append(b, `,"input":`...), input...)
	return append(b, '}')
}

// arguments returns what a tool is called with, which is an object in this
// wire, also where the model got it wrong.
func arguments(text string) string {
	var s jsonx.Scanner
	for s.Reset([]byte(text)); s.Next(); { //nolint:revive // to its end: it is checked as a whole
	}
	if s.Err() != nil {
		return "{}"
	}
	return text
}

// appendImage writes a picture that the model made. Anthropic's models make
// none; the block has the shape that pictures have in requests.
func appendImage(b []byte, p *chat.Part) []byte {
	url := ""
	if p.Image != nil {
		url = p.Image.URL
	}
	rest, ok := strings.CutPrefix(url, "data:")
	head, data, found := strings.Cut(rest, ",")
	if !ok || !found {
		b = jsonx.AppendQuote(append(b, `{"type":"image","source":{"type":"url","url":`...), url)
		return append(b, `}}`...)
	}
	mediaType, _, _ := strings.Cut(head, ";")
	b = jsonx.AppendQuote(append(b, `{"type":"image","source":{"type":"base64","media_type":`...), mediaType)
	b = jsonx.AppendQuote(append(b, `,"data":`...), data)
	return append(b, `}}`...)
}

// citations returns what the text rests on: as Anthropic said it, or made of
// OpenAI's annotations.
func citations(fields, annotations json.RawMessage) []json.RawMessage {
	var lists [][]json.RawMessage
	if raw := jsonx.Lookup(fields, "citations"); !raw.Empty() && json.Unmarshal(raw.Of(fields), &lists) == nil {
		var all []json.RawMessage
		for _, list := range lists {
			all = append(all, list...)
		}
		return all
	}
	return fromAnnotations(annotations)
}

// fromAnnotations makes citations of annotations that lead to pages.
func fromAnnotations(annotations json.RawMessage) []json.RawMessage {
	var list []struct {
		URL struct {
			URL   string `json:"url"`
			Title string `json:"title"`
		} `json:"url_citation"`
	}
	if len(annotations) == 0 || json.Unmarshal(annotations, &list) != nil {
		return nil
	}
	var all []json.RawMessage
	for i := range list {
		if c := &list[i].URL; c.URL != "" {
			b := jsonx.AppendQuote([]byte(`{"type":"web_search_result_location","cited_text":"","encrypted_index":"","title":`), c.Title)
			b = jsonx.AppendQuote(append(b, `,"url":`...), c.URL)
			all = append(all, append(b, '}'))
		}
	}
	return all
}
