package gemini

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// separator stands in the id of a call in front of its thought signature.
const separator = "__thought__"

// The reasons why an answer ends, of those that the API has.
const (
	stopped  = "STOP"
	cut      = "MAX_TOKENS"
	filtered = "SAFETY"
)

func finishReason(reason string) string {
	switch reason {
	case chat.FinishLength:
		return cut
	case chat.FinishContentFilter:
		return filtered
	}
	return stopped // Gemini has no word for calls
}

// appendAnswer writes a whole answer.
func appendAnswer(b []byte, a *chat.Response) []byte {
	b = append(b, '{')
	if feedback := refused(a); feedback != nil {
		b = append(append(b, `"promptFeedback":`...), feedback...)
	} else {
		b = append(b, `"candidates":[`...)
		for i := range a.Choices {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendChoice(b, &a.Choices[i], a.Extra)
		}
		b = append(b, ']')
	}
	if a.HasUsage {
		b = a.Usage.AppendGemini(append(b, `,"usageMetadata":`...))
	}
	b = jsonx.AppendQuote(append(b, `,"modelVersion":`...), a.Model)
	b = jsonx.AppendQuote(append(b, `,"responseId":`...), a.ID)
	return append(b, '}')
}

// refused returns why Gemini has refused the prompt, or nil.
func refused(a *chat.Response) []byte {
	if len(a.Choices) != 1 || a.Choices[0].FinishReason != chat.FinishContentFilter {
		return nil
	}
	return field(a.Choices[0].Message.ProviderFields, "prompt_feedback")
}

// field returns a member of an object, or nil.
func field(object json.RawMessage, name string) []byte {
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	if at := jsonx.Lookup(object, name); !at.Empty() {
		return at.Of(object)
	}
	return nil
}

func appendChoice(b []byte, c *chat.Choice, extra map[string]json.RawMessage) []byte {
	var w writer
	w.message(&c.Message)
	b = w.candidate(b, c.Index, finishReason(c.FinishReason))
	b = b[:len(b)-1]
	if grounding := groundingOf(extra["vertex_ai_grounding_metadata"], c.Message.Annotations); grounding != nil {
		b = append(append(b, `,"groundingMetadata":`...), grounding...)
	}
	if probabilities := logprobs(c.Logprobs); probabilities != nil {
		b = append(append(b, `,"logprobsResult":`...), probabilities...)
	}
	return append(b, '}')
}

// writer gathers the parts of a candidate.
type writer struct{ parts []byte }

// open begins a part.
func (w *writer) open() {
	if len(w.parts) > 0 {
		w.parts = append(w.parts, ',')
	}
	w.parts = append(w.parts, '{')
}

func (w *writer) text(s string, thought bool, signature string) {
	w.open()
	w.parts = jsonx.AppendQuote(append(w.parts, `"text":`...), s)
	if thought {
		w.parts = append(w.parts, `,"thought":true`...)
	}
	w.sign(signature)
	w.parts = append(w.parts, '}')
}

func (w *writer) sign(signature string) {
	if signature != "" {
		w.parts = jsonx.AppendQuote(append(w.parts, `,"thoughtSignature":`...), signature)
	}
}

// message writes a whole message.
func (w *writer) message(m *chat.Message) {
	for i := range m.ThinkingBlocks {
		w.text(m.ThinkingBlocks[i].Thinking, true, m.ThinkingBlocks[i].Signature)
	}
	if len(m.ThinkingBlocks) == 0 && m.ReasoningContent != "" {
		w.text(m.ReasoningContent, true, "")
	}
	signature := lastSignature(m.ProviderFields)
	if said := m.Content.Text() + m.Refusal; said != "" || signature != "" && len(m.ToolCalls) == 0 {
		w.text(said, false, signature)
	}
	for i := range m.Images {
		w.image(&m.Images[i])
	}
	w.audio(m.Audio)
	for i := range m.ToolCalls {
		t := &m.ToolCalls[i]
		w.call(t.ID, t.Function.Name, t.Function.Arguments, t.ProviderFields)
	}
	if f := m.FunctionCall; f != nil && len(m.ToolCalls) == 0 {
		w.call("", f.Name, f.Arguments, nil)
	}
}

// lastSignature returns the signature of a text, of which a message of the
// internal form has one.
func lastSignature(fields json.RawMessage) string {
	var all []string
	if raw := field(fields, "thought_signatures"); raw == nil || json.Unmarshal(raw, &all) != nil || len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

func (w *writer) image(p *chat.Part) {
	if p.Image == nil {
		return
	}
	head, data, ok := strings.Cut(p.Image.URL, ";base64,")
	w.open()
	if mediaType, isData := strings.CutPrefix(head, "data:"); ok && isData {
		w.blob(mediaType, data)
	} else {
		w.parts = jsonx.AppendQuote(append(w.parts, `"fileData":{"fileUri":`...), p.Image.URL)
		w.parts = append(w.parts, `}}`...)
	}
}

func (w *writer) blob(mediaType, data string) {
	w.parts = jsonx.AppendQuote(append(w.parts, `"inlineData":{"mimeType":`...), mediaType)
	w.parts = jsonx.AppendQuote(append(w.parts, `,"data":`...), data)
	w.parts = append(w.parts, `}}`...)
}

// audio writes sound, which Gemini gives as PCM, and its transcript.
func (w *writer) audio(object json.RawMessage) {
	if len(object) == 0 || object[0] != '{' {
		return
	}
	var sound struct {
		Data       string `json:"data"`
		Transcript string `json:"transcript"`
	}
	if json.Unmarshal(object, &sound) != nil {
		return
	}
	if sound.Transcript != "" {
		w.text(sound.Transcript, false, "")
	}
	if sound.Data != "" {
		w.open()
		w.blob("audio/L16;codec=pcm;rate=24000", sound.Data)
	}
}

// call writes the call of a function.
func (w *writer) call(id, name, arguments string, fields json.RawMessage) {
	id, signature, _ := strings.Cut(id, separator)
	if s, err := jsonx.Unquote(field(fields, "thought_signature")); err == nil && s != "" {
		signature = s
	}
	w.open()
	w.parts = append(w.parts, `"functionCall":{`...)
	if id != "" {
		w.parts = append(jsonx.AppendQuote(append(w.parts, `"id":`...), id), ',')
	}
	w.parts = jsonx.AppendQuote(append(w.parts, `"name":`...), name)
	w.parts = append(w.parts, `,"args":`...)
	switch raw := strings.TrimSpace(arguments); {
	case raw == "" || raw == "null":
		w.parts = append(w.parts, `{}`...)
	case raw[0] == '{' && json.Valid([]byte(raw)):
		w.parts = append(w.parts, raw...)
	default: // the model got them wrong; the client can see how
		w.parts = append(jsonx.AppendQuote(append(w.parts, `{"arguments":`...), raw), '}')
	}
	w.parts = append(w.parts, '}')
	w.sign(signature)
	w.parts = append(w.parts, '}')
}

// candidate writes the parts as those of a candidate, and forgets them.
func (w *writer) candidate(b []byte, index int, finish string) []byte {
	b = append(append(b, `{"content":{"parts":[`...), w.parts...)
	w.parts = w.parts[:0]
	b = append(b, `],"role":"model"}`...)
	if finish != "" {
		b = append(append(append(b, `,"finishReason":"`...), finish...), '"')
	}
	return append(strconv.AppendInt(append(b, `,"index":`...), int64(index), 10), '}')
}
