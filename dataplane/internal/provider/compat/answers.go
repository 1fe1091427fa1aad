package compat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// answers brings what a vendor answers to what OpenAI would. Whole answers and
// the events of streams are edited in the same way; an event that has nothing
// to edit passes as it came.
type answers struct {
	q      *catalog.AnswerQuirks
	prefix string // in front of the model's name
	// signs are what an event must have to be looked into.
	signs signs
}

func newAnswers(q *catalog.AnswerQuirks, prefix string) *answers {
	a := &answers{q: q, prefix: prefix}
	if q.Reasoning != "" {
		a.signs.add(q.Reasoning)
	}
	if q.ThinkingParts {
		a.signs.plain = append(a.signs.plain, []byte(`"content":[`), []byte(`"content": [`))
	}
	if len(q.FinishReasons) > 0 || q.ToolCallsEndWithStop {
		a.signs.add("finish_reason", "tool_calls")
	}
	if q.ReasoningBesideCompletion || q.TotalTokensOnly {
		a.signs.add("usage")
	}
	if q.ChatForText {
		a.signs.add("choices")
	}
	if prefix != "" {
		a.signs.add("model")
	}
	if a.signs.empty() && !q.Citations {
		return nil
	}
	return a
}

// concerns reports whether answers of a surface may need edits.
func (a *answers) concerns(s provider.Surface) bool {
	switch s {
	case provider.ChatCompletions, provider.Completions:
		return true
	case provider.Embeddings:
		return a.q.TotalTokensOnly
	default:
		return false
	}
}

// progress is what has been seen of one answer.
type progress struct{ calledTools bool }

// event edits the data of an event.
func (a *answers) event(data []byte, p *progress) []byte {
	if !a.signs.in(data) {
		return data
	}
	return a.edit(data, p, "delta")
}

// whole edits an answer that is not a stream.
func (a *answers) whole(data []byte) []byte {
	if a.signs.in(data) {
		data = a.edit(data, &progress{}, "message")
	}
	if a.q.Citations {
		data = annotated(data)
	}
	return data
}

// edit goes through an answer; said is what the parts of its choices are called.
func (a *answers) edit(data []byte, p *progress, said string) []byte {
	return splice.Object(data, func(name string, value []byte) splice.Edit {
		switch name {
		case "model":
			if text := splice.Text(value); a.prefix != "" && text != "" {
				return splice.Edit{Value: jsonx.Quote(a.prefix + text)}
			}
		case "object":
			if a.q.ChatForText {
				return splice.Edit{Value: []byte(`"text_completion"`)}
			}
		case "usage":
			return splice.Edit{Value: a.usage(value)}
		case "choices":
			return splice.Edit{Value: splice.List(value, func(c []byte) []byte { return a.choice(c, p, said) })}
		}
		return splice.Edit{}
	})
}

func (a *answers) choice(choice []byte, p *progress, said string) []byte {
	choice = splice.Member(choice, said, func(message []byte) splice.Edit { return splice.Edit{Value: a.message(message, p)} })
	choice = splice.Member(choice, "finish_reason", func(reason []byte) splice.Edit { return splice.Edit{Value: a.finish(reason, p)} })
	if a.q.ChatForText {
		return asText(choice, said)
	}
	return choice
}

// message edits what a choice says: a message or a delta.
func (a *answers) message(message []byte, p *progress) []byte {
	if a.q.ThinkingParts {
		message = withoutParts(message)
	}
	if a.q.ToolCallsEndWithStop {
		calls := jsonx.Lookup(message, "tool_calls").Of(message)
		p.calledTools = p.calledTools || len(calls) > 2 && calls[0] == '['
	}
	if a.q.Reasoning == "" {
		return message
	}
	if has := jsonx.Lookup(message, "reasoning_content").Of(message); len(has) > 0 && !jsonx.IsNull(has) {
		return message
	}
	return splice.Object(message, func(name string, value []byte) splice.Edit {
		switch {
		case name == "reasoning_content", name == a.q.Reasoning && jsonx.IsNull(value):
			return splice.Edit{Cut: true}
		case name == a.q.Reasoning && value[0] == '"':
			return splice.Edit{Name: "reasoning_content"}
		}
		return splice.Edit{}
	})
}

func (a *answers) finish(reason []byte, p *progress) []byte {
	word := splice.Text(reason)
	for _, r := range a.q.FinishReasons {
		if r.From == word {
			return jsonx.Quote(r.To)
		}
	}
	if p.calledTools && word == chat.FinishStop {
		return jsonx.Quote(chat.FinishToolCalls)
	}
	return nil
}

func (a *answers) usage(usage []byte) []byte {
	count := func(name string) int64 { return jsonx.Int(jsonx.Lookup(usage, name).Of(usage)) }
	if a.q.TotalTokensOnly && jsonx.Lookup(usage, "prompt_tokens").Empty() && !jsonx.Lookup(usage, "total_tokens").Empty() {
		return splice.Object(usage, func(string, []byte) splice.Edit { return splice.Edit{} },
			strconv.AppendInt([]byte(`"prompt_tokens":`), count("total_tokens"), 10))
	}
	if !a.q.ReasoningBesideCompletion {
		return nil
	}
	details := jsonx.Lookup(usage, "completion_tokens_details").Of(usage)
	reasoning := jsonx.Int(jsonx.Lookup(details, "reasoning_tokens").Of(details))
	input, output, total := count("prompt_tokens"), count("completion_tokens"), count("total_tokens")
	if reasoning == 0 || input+output+reasoning != total {
		return nil
	}
	return splice.Member(usage, "completion_tokens", func([]byte) splice.Edit {
		return splice.Edit{Value: strconv.AppendInt(nil, output+reasoning, 10)}
	})
}

// contentPart is a part of what Mistral's and others' models say.
type contentPart struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Thinking json.RawMessage `json:"thinking"` // Mistral: a list of texts
	Summary  []contentPart   `json:"summary"`  // Databricks: a list of summary_text
}

// withoutParts makes one text and one thought of content that is a list.
func withoutParts(message []byte) []byte {
	content := jsonx.Lookup(message, "content").Of(message)
	var parts []contentPart
	if len(content) == 0 || content[0] != '[' || json.Unmarshal(content, &parts) != nil {
		return message
	}
	var text, thought []byte
	for i := range parts {
		p := &parts[i]
		switch p.Type {
		case "text":
			text = append(text, p.Text...)
		case "thinking":
			thought = append(thought, thoughtOf(p.Thinking)...)
		case "reasoning":
			for j := range p.Summary {
				thought = append(thought, p.Summary[j].Text...)
			}
		}
	}
	var extra [][]byte
	if len(thought) > 0 {
		extra = [][]byte{splice.NewMember("reasoning_content", jsonx.Quote(string(thought)))}
	}
	return splice.Object(message, func(name string, _ []byte) splice.Edit {
		if name == "content" {
			return splice.Edit{Value: jsonx.Quote(string(text))}
		}
		return splice.Edit{}
	}, extra...)
}

// thoughtOf reads a thought: a text, or a list of texts.
func thoughtOf(raw json.RawMessage) string {
	if s := splice.Text(raw); s != "" {
		return s
	}
	var parts []contentPart
	if len(raw) == 0 || json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	var all []byte
	for i := range parts {
		all = append(all, parts[i].Text...)
	}
	return string(all)
}

// asText makes a choice of a text completion from one of a chat.
func asText(choice []byte, said string) []byte {
	message := jsonx.Lookup(choice, said).Of(choice)
	content := jsonx.Lookup(message, "content").Of(message)
	if len(content) == 0 || content[0] != '"' {
		content = []byte(`""`)
	}
	return splice.Object(choice, func(name string, _ []byte) splice.Edit { return splice.Edit{Cut: name == said} }, splice.NewMember("text", content))
}

// maxCitations bounds how many marks in a text are followed.
const maxCitations = 200

var citationMark = regexp.MustCompile(`\[(\d{1,3})\]`)

// annotation is OpenAI's way to cite.
type annotation struct {
	Type string      `json:"type"`
	URL  urlCitation `json:"url_citation"`
}

type urlCitation struct {
	StartIndex int    `json:"start_index"`
	EndIndex   int    `json:"end_index"`
	URL        string `json:"url"`
	Title      string `json:"title"`
}

// annotated adds to each message the annotations that the marks [1], [2], … in
// it stand for, from the lists of sources beside the choices.
func annotated(data []byte) []byte {
	var sources struct {
		Citations     []string `json:"citations"`
		SearchResults []struct {
			Title string `json:"title"`
			URL   string `json:"url"`
		} `json:"search_results"`
	}
	if json.Unmarshal(data, &sources) != nil || len(sources.Citations)+len(sources.SearchResults) == 0 {
		return data
	}
	find := func(n int) (url, title string) {
		if n < len(sources.SearchResults) {
			title, url = sources.SearchResults[n].Title, sources.SearchResults[n].URL
		}
		if n < len(sources.Citations) {
			url = sources.Citations[n]
		}
		return url, title
	}
	return splice.Member(data, "choices", func(choices []byte) splice.Edit {
		return splice.Edit{Value: splice.List(choices, func(choice []byte) []byte {
			return splice.Member(choice, "message", func(message []byte) splice.Edit {
				return splice.Edit{Value: cite(message, find)}
			})
		})}
	})
}

func cite(message []byte, find func(n int) (url, title string)) []byte {
	text := splice.Text(jsonx.Lookup(message, "content").Of(message))
	if text == "" || !jsonx.Lookup(message, "annotations").Empty() {
		return message
	}
	var all []annotation
	for _, at := range citationMark.FindAllStringSubmatchIndex(text, maxCitations) {
		n, err := strconv.Atoi(text[at[2]:at[3]])
		if err != nil || n == 0 {
			continue
		}
		if url, title := find(n - 1); url != "" {
			all = append(all, annotation{Type: "url_citation", URL: urlCitation{StartIndex: at[0], EndIndex: at[1], URL: url, Title: title}})
		}
	}
	if len(all) == 0 {
		return message
	}
	list, err := json.Marshal(all)
	if err != nil {
		return message
	}
	return splice.Object(message, func(string, []byte) splice.Edit { return splice.Edit{} }, splice.NewMember("annotations", list))
}

// fromTool makes the content of an answer from the arguments of the tool that
// stood for its schema.
func fromTool(data []byte) ([]byte, error) {
	r, err := chat.DecodeResponse(data)
	if err != nil {
		return nil, fmt.Errorf("structured output: %w", err)
	}
	for i := range r.Choices {
		c := &r.Choices[i]
		at := slices.IndexFunc(c.Message.ToolCalls, func(t chat.ToolCall) bool { return t.Function.Name == toolName })
		if at < 0 {
			continue
		}
		c.Message.Content, c.Message.ToolCalls, c.FinishReason = chat.Text(c.Message.ToolCalls[at].Function.Arguments), nil, chat.FinishStop
	}
	encoded, err := r.Encode()
	return bytes.TrimSpace(encoded), err
}
