package gemini

import (
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
)

// maxCandidates bounds what is remembered of the candidates of a stream;
// Gemini gives eight at most.
const maxCandidates = 128

// decoder reads one stream: each event is an answer that adds to the ones
// before. It implements native.Decoder.
type decoder struct {
	candidates []progress
	searches   int64
	over       bool
}

// progress is how far a candidate is.
type progress struct {
	seen, ended bool
	calls       int
	audio       string // id
}

// Frame implements native.Decoder.
func (d *decoder) Frame(f *frame.Frame, c *chat.Chunk) error {
	a, err := decode(f.Data)
	if err != nil {
		return err
	}
	c.ID, c.Model, c.Created = a.ResponseID, a.ModelVersion, a.created()
	for i := range a.Candidates {
		d.candidate(&a.Candidates[i], i, c)
	}
	if len(a.Candidates) == 0 && a.blocked() {
		delta := c.Add(0)
		delta.FinishReason, delta.ProviderFields = chat.FinishContentFilter, a.feedback()
		d.over = true
	}
	c.HasUsage, c.ServiceTier = c.Usage.ReadGemini(a.Usage), a.tier()
	c.Usage.WebSearches = d.searches
	return nil
}

// Done implements native.Decoder.
func (d *decoder) Done() bool {
	for i := range d.candidates {
		if p := &d.candidates[i]; p.seen && !p.ended {
			return false
		}
	}
	return d.over
}

func (d *decoder) candidate(from *candidate, position int, c *chat.Chunk) {
	index := from.index(position)
	if index < 0 || index >= maxCandidates {
		return
	}
	for len(d.candidates) <= index {
		d.candidates = append(d.candidates, progress{})
	}
	p := &d.candidates[index]
	p.seen = true
	delta := c.Add(index)
	var f fields
	for i := range from.Content.Parts {
		p.add(&from.Content.Parts[i], delta, &f)
	}
	if from.Grounding != nil {
		var queries int64
		delta.Annotations, queries = annotations(from.Grounding)
		d.searches = max(d.searches, queries) // each event repeats what was known
	}
	if from.FinishReason == "" {
		from.Safety = nil // each event repeats the ratings
	}
	f.take(from)
	delta.ProviderFields, delta.Logprobs = f.encodeSome(), logprobs(from.Logprobs)
	if from.FinishReason != "" && from.FinishReason != "FINISH_REASON_UNSPECIFIED" {
		p.ended, d.over = true, true
		delta.FinishReason = finish(from.FinishReason, p.calls > 0)
	}
	if delta.Empty() {
		c.Deltas = c.Deltas[:len(c.Deltas)-1]
	}
}

// encodeSome is encode for the many events that have nothing.
func (f *fields) encodeSome() []byte {
	if len(f.Signatures)+len(f.Invocations)+len(f.Grounding)+len(f.URLContext)+len(f.Safety)+len(f.Citations) == 0 {
		return nil
	}
	return f.encode()
}

// add adds a part to what a chunk says.
func (p *progress) add(from *part, d *chat.Delta, f *fields) {
	switch {
	case from.FunctionCall != nil:
		t := toolCall(from)
		d.ToolCalls = append(d.ToolCalls, chat.ToolCallDelta{
			Index: p.calls, ID: t.ID, Name: t.Function.Name, Arguments: t.Function.Arguments, ProviderFields: t.ProviderFields,
		})
		p.calls++
		return
	case from.ToolCall != nil || from.ToolResponse != nil:
		f.serverSide(from)
		return
	case from.Thought:
		d.Reasoning += from.Text
		if from.ThoughtSignature != "" {
			d.Thinking = &chat.ThinkingBlock{Type: chat.ThinkingType, Signature: from.ThoughtSignature}
		}
		return
	case from.InlineData != nil && strings.HasPrefix(from.InlineData.MimeType, "image/"):
		d.Images = append(d.Images, from.InlineData.image())
	case from.InlineData != nil && strings.HasPrefix(from.InlineData.MimeType, "audio/"):
		if p.audio == "" {
			p.audio = newAudioID()
		}
		d.Audio = from.InlineData.audio(p.audio)
	case from.InlineData != nil:
		d.Content += from.InlineData.uri()
	default:
		d.Content += from.shown()
	}
	if from.ThoughtSignature != "" {
		f.Signatures = append(f.Signatures, from.ThoughtSignature)
	}
}
