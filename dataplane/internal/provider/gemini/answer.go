package gemini

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/ident"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// readAnswer translates an answer that is not a stream.
func readAnswer(body []byte) (*chat.Response, error) {
	a, err := decode(body)
	if err != nil {
		return nil, err
	}
	w := &chat.Response{ID: a.ResponseID, Model: a.ModelVersion, Created: a.created()}
	var extra fields
	for i := range a.Candidates {
		w.Choices = append(w.Choices, readCandidate(&a.Candidates[i], i, &extra, &w.Usage))
	}
	if len(a.Candidates) == 0 {
		choice := chat.Choice{Message: chat.Message{Role: chat.Assistant}, FinishReason: chat.FinishStop}
		if a.blocked() {
			choice.FinishReason, choice.Message.ProviderFields = chat.FinishContentFilter, a.feedback()
		}
		w.Choices = []chat.Choice{choice}
	}
	w.HasUsage, w.ServiceTier = w.Usage.ReadGemini(a.Usage), a.tier()
	w.Extra = extra.members()
	return w, nil
}

// decode reads an answer or an event. An error that came as one is a Failure.
func decode(data []byte) (*answer, error) {
	a := &answer{}
	if err := json.Unmarshal(data, a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	switch {
	case len(a.Error) > 0 && !jsonx.IsNull(a.Error):
		return nil, failure(a.Error, data)
	case len(a.Candidates) == 0 && a.PromptFeedback == nil && len(a.Usage) == 0:
		return nil, errors.New("no candidates")
	}
	return a, nil
}

// failure is an error in the body of a success.
func failure(e json.RawMessage, data []byte) error {
	f := &provider.Failure{Status: http.StatusInternalServerError}
	f.Explain(data)
	if code := jsonx.Int(jsonx.Lookup(e, "code").Of(e)); code >= http.StatusBadRequest && code < 600 {
		f.Status = int(code)
	}
	return f
}

func (a *answer) created() int64 {
	if a.CreateTime == "" {
		return 0
	}
	if t, err := time.Parse(time.RFC3339Nano, a.CreateTime); err == nil {
		return t.Unix()
	}
	return 0
}

// tier returns OpenAI's name of the tier that served the request, or "".
func (a *answer) tier() string {
	if !bytes.Contains(a.Usage, []byte(`"trafficType"`)) && !bytes.Contains(a.Usage, []byte(`"serviceTier"`)) {
		return ""
	}
	var u struct {
		Traffic string `json:"trafficType"` //nolint:tagliatelle // Google's name; Vertex AI's
		Tier    string `json:"serviceTier"` //nolint:tagliatelle // Google's name
	}
	_ = json.Unmarshal(a.Usage, &u) // what is not understood is not said
	switch {
	case u.Traffic == "ON_DEMAND" || u.Tier == "standard":
		return "default"
	case u.Traffic == "ON_DEMAND_PRIORITY":
		return "priority"
	case u.Traffic == "ON_DEMAND_FLEX" || u.Traffic == "ON_DEMAND_OFFPEAK":
		return "flex"
	case u.Tier == "flex" || u.Tier == "priority":
		return u.Tier
	}
	return ""
}

// blocked reports whether the prompt was refused.
func (a *answer) blocked() bool { return a.PromptFeedback != nil && a.PromptFeedback.BlockReason != "" }

// feedback says why.
func (a *answer) feedback() json.RawMessage {
	b, err := marshal(a.PromptFeedback)
	if err != nil { // raw values of a document that was read: it can not fail
		return nil
	}
	return (&fields{PromptFeedback: b}).encode()
}

// members are the fields that stand at the top of an answer.
func (f *fields) members() map[string]json.RawMessage {
	if len(f.Grounding)+len(f.URLContext)+len(f.Safety)+len(f.Citations) == 0 {
		return nil
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(f.encode(), &m) != nil {
		return nil
	}
	return m
}

// take keeps what a candidate says about itself.
func (f *fields) take(c *candidate) {
	keep := func(to *[]json.RawMessage, raw json.RawMessage) {
		if len(raw) > 0 && !jsonx.IsNull(raw) {
			*to = append(*to, raw)
		}
	}
	keep(&f.Grounding, c.Grounding)
	keep(&f.URLContext, c.URLContext)
	keep(&f.Safety, c.Safety)
	keep(&f.Citations, c.Citations)
}

// said is what the parts of a candidate say.
type said struct {
	text, thoughts strings.Builder
	blocks         []chat.ThinkingBlock
	calls          []chat.ToolCall
	images         []chat.Part
	audio          json.RawMessage
	fields         fields
}

// index is the number of a candidate; a single one often has none.
func (c *candidate) index(position int) int {
	if c.Index == nil {
		return position
	}
	return *c.Index
}

func readCandidate(c *candidate, position int, extra *fields, usage *chat.Usage) chat.Choice {
	var s said
	for i := range c.Content.Parts {
		s.add(&c.Content.Parts[i])
	}
	m := chat.Message{
		Role: chat.Assistant, ReasoningContent: s.thoughts.String(), ThinkingBlocks: s.blocks, ToolCalls: s.calls, Images: s.images, Audio: s.audio,
		ProviderFields: s.fields.encode(),
	}
	if s.text.Len() > 0 {
		m.Content = chat.Text(s.text.String())
	}
	var queries int64
	m.Annotations, queries = annotations(c.Grounding)
	usage.WebSearches += queries
	extra.take(c)
	return chat.Choice{Index: c.index(position), Message: m, FinishReason: finish(c.FinishReason, len(s.calls) > 0), Logprobs: logprobs(c.Logprobs)}
}

func (s *said) add(p *part) {
	switch {
	case p.FunctionCall != nil:
		s.calls = append(s.calls, toolCall(p))
		return
	case p.ToolCall != nil || p.ToolResponse != nil:
		s.fields.serverSide(p)
		return
	case p.Thought:
		s.thoughts.WriteString(p.Text)
		s.blocks = append(s.blocks, chat.ThinkingBlock{Type: chat.ThinkingType, Thinking: p.Text, Signature: p.ThoughtSignature})
		return
	case p.InlineData != nil:
		s.media(p.InlineData)
	default:
		s.text.WriteString(p.shown())
	}
	if p.ThoughtSignature != "" {
		s.fields.Signatures = append(s.fields.Signatures, p.ThoughtSignature)
	}
}

// shown is what a part says as text.
func (p *part) shown() string {
	switch {
	case p.ExecutableCode != nil:
		return "\n```" + strings.ToLower(p.ExecutableCode.Language) + "\n" + strings.TrimSuffix(p.ExecutableCode.Code, "\n") + "\n```\n"
	case p.CodeExecutionResult != nil:
		return "\n```\n" + strings.TrimSuffix(p.CodeExecutionResult.Output, "\n") + "\n```\n"
	}
	return p.Text
}

func (b *blob) uri() string { return "data:" + b.MimeType + ";base64," + b.Data }

func (b *blob) image() chat.Part {
	return chat.Part{Type: chat.ImagePart, Image: &chat.Image{URL: b.uri(), Detail: "auto"}}
}

func (s *said) media(b *blob) {
	switch {
	case strings.HasPrefix(b.MimeType, "image/"):
		s.images = append(s.images, b.image())
	case strings.HasPrefix(b.MimeType, "audio/"):
		s.audio = b.audio(newAudioID())
	default:
		s.text.WriteString(b.uri())
	}
}

// audioLife is how long OpenAI keeps audio; Gemini keeps none at all.
const audioLife = 24 * time.Hour

func newAudioID() string { return "audio_" + ident.NewUUID(time.Now()).String() }

// audio writes OpenAI's object.
func (b *blob) audio(id string) json.RawMessage {
	out, err := marshal(struct {
		ID         string `json:"id"`
		Data       string `json:"data"`
		ExpiresAt  int64  `json:"expires_at"`
		Transcript string `json:"transcript"`
	}{id, b.Data, time.Now().Add(audioLife).Unix(), ""})
	if err != nil { // strings and a number: it can not fail
		return nil
	}
	return out
}

// toolCall translates the call of a function.
func toolCall(p *part) chat.ToolCall {
	f := p.FunctionCall
	t := chat.ToolCall{ID: f.ID, Type: chat.FunctionTool, Function: chat.Function{Name: f.Name, Arguments: "{}"}}
	if len(f.Args) > 0 && !jsonx.IsNull(f.Args) {
		t.Function.Arguments = compact(f.Args)
	}
	if t.ID == "" {
		t.ID = "call_" + ident.NewUUID(time.Now()).String()
	}
	if p.ThoughtSignature != "" {
		t.ID += separator + p.ThoughtSignature
		t.ProviderFields = signatureFields(p.ThoughtSignature)
	}
	return t
}

// compact takes out the space that the Gemini API indents its answers with.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	b.Grow(len(raw))
	if json.Compact(&b, raw) != nil { // a part of a document that was read: it can not fail
		return string(raw)
	}
	return b.String()
}

// finish translates the reason why an answer ended.
func finish(reason string, calls bool) string {
	switch reason {
	case "MAX_TOKENS":
		return chat.FinishLength
	case "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
		"NO_IMAGE", "IMAGE_RECITATION", "IMAGE_OTHER", "ESCALATION":
		return chat.FinishContentFilter
	}
	if calls {
		return chat.FinishToolCalls
	}
	return chat.FinishStop
}
