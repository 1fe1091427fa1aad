package fakeanthropic

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// Endpoint is one of those that take messages.
type Endpoint uint8

// The endpoints of the API itself, and those of a cloud that has the model in
// the path and the version in the body.
const (
	Messages Endpoint = iota
	Count
	Predict
	StreamPredict
	// CountPredict has the model in the body after all.
	CountPredict
)

func (e Endpoint) modelInPath() bool { return e == Predict || e == StreamPredict }

func (e Endpoint) counts() bool { return e == Count || e == CountPredict }

// cloud: the version stands in the body.
func (e Endpoint) cloud() bool { return e >= Predict }

// request is one for an answer or for a count.
type request struct {
	endpoint Endpoint
	asked    fakevendor.Asked
	model    string
	stop     []string
	// omit thoughts: only their signature is told.
	omit bool
}

// ReadPredict understands a call of a cloud's endpoint, which wants its own
// name of the API version in the body.
func ReadPredict(c *fakevendor.Call, e Endpoint, version string) (*fakevendor.Request, *fakevendor.Failure) {
	var b struct {
		AnthropicVersion string `json:"anthropic_version"`
	}
	if err := c.Decode(&b); err == nil && b.AnthropicVersion != version {
		return nil, fakevendor.Refuse("anthropic_version: Input should be '" + version + "'")
	}
	return ReadMessages(c, e)
}

// ReadMessages understands a call of an endpoint. The model may be known from
// the path.
func ReadMessages(c *fakevendor.Call, e Endpoint) (*fakevendor.Request, *fakevendor.Failure) {
	var b body
	if err := c.Decode(&b); err != nil {
		return nil, fakevendor.Refuse("The request body is not valid JSON: " + err.Error())
	}
	allowed := params()
	if e.modelInPath() {
		if b.Model != "" {
			return nil, fakevendor.Refuse("model: Extra inputs are not permitted")
		}
		b.Model = c.Model
	}
	if e.cloud() {
		allowed = append(allowed, "anthropic_version", "anthropic_beta")
	}
	if strings.Contains(c.Header.Get("Anthropic-Beta"), "structured-outputs-") {
		allowed = append(allowed, "output_format")
	}
	c.Model, c.Stream = b.Model, b.Stream && e == Messages || e == StreamPredict
	b.newer = c.Header.Get("Anthropic-Version") == Newer
	if b.newer {
		allowed = slices.DeleteFunc(allowed, func(name string) bool { return slices.Contains(sampling(), name) })
	}
	return b.read(e, allowed, c.Body)
}

// sampling are the members that the newer version refuses.
func sampling() []string { return []string{"temperature", "top_p", "top_k"} }

func (b *body) read(e Endpoint, allowed []string, raw []byte) (*fakevendor.Request, *fakevendor.Failure) {
	q := &request{endpoint: e, model: b.Model, stop: b.StopSequences, omit: b.Thinking.Display == "omitted"}
	if f := unknown(raw, "", allowed); f != nil {
		return nil, f
	}
	if f := b.check(e); f != nil {
		return nil, f
	}
	system, f := systemText(b.System)
	if f != nil {
		return nil, f
	}
	q.asked.System = system
	if f := b.turns(&q.asked); f != nil {
		return nil, f
	}
	b.fill(&q.asked)
	return &fakevendor.Request{Asked: q.asked, Answer: q.answer, Stream: q.stream}, nil
}

func (b *body) fill(a *fakevendor.Asked) {
	for _, t := range b.Tools {
		if t.Type == "" || t.Type == "custom" {
			a.Tools = append(a.Tools, fakevendor.Tool{Name: t.Name, Description: t.Description, Schema: t.InputSchema})
		}
	}
	if c := b.ToolChoice; c != nil {
		a.Choice = fakevendor.Choice{Mode: strings.TrimPrefix(c.Type, "auto"), Name: c.Name, Single: c.DisableParallelToolUse}
	}
	if f := b.format(); f != nil {
		a.Schema = f.Schema
	}
	if b.MaxTokens != nil {
		a.MaxTokens = *b.MaxTokens
	}
	a.Thinking, a.Temperature, a.TopP, a.Stop, a.User = b.Thinking.on(), b.Temperature, b.TopP, b.StopSequences, b.Metadata.UserID
}

func systemText(raw json.RawMessage) (string, *fakevendor.Failure) {
	if len(raw) == 0 {
		return "", nil
	}
	all, f := blocks(raw, "system")
	if f != nil {
		return "", f
	}
	texts := make([]string, len(all))
	for i, b := range all {
		if b.Type != "text" || b.Text == "" {
			return "", fakevendor.Refuse("system: text content blocks must be non-empty")
		}
		texts[i] = b.Text
	}
	return strings.Join(texts, "\n"), nil
}

// turns reads the messages. Those of one role that follow each other are one turn.
func (b *body) turns(a *fakevendor.Asked) *fakevendor.Failure {
	if len(b.Messages) == 0 {
		return fakevendor.Refuse("messages: at least one message is required")
	}
	for i, m := range b.Messages {
		switch {
		case m.Role == "system" && i > 0:
			m.Role = "user" // told in the middle of a conversation
		case i == 0 && m.Role == "system":
			return fakevendor.Refuse("messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \"system\" as an input message role.")
		case m.Role != "user" && m.Role != "assistant":
			return fakevendor.Refuse(fmt.Sprintf("messages.%d.role: Input should be 'user' or 'assistant'", i))
		}
		t, f := turn(m, i, b.newer)
		if f != nil {
			return f
		}
		if f := follows(a, t, i); f != nil {
			return f
		}
		if emptyTurn(t) && (i < len(b.Messages)-1 || t.Role == "user") {
			return fakevendor.Refuse(fmt.Sprintf("messages.%d: all messages must have non-empty content except for the optional final assistant message", i))
		}
		a.Turns = append(a.Turns, t)
	}
	return b.endsWell(a)
}

func emptyTurn(t fakevendor.Turn) bool {
	return t.Text == "" && !t.Signed && len(t.Calls)+len(t.Results)+len(t.Files) == 0
}

// follows checks that results and calls stand next to each other.
func follows(a *fakevendor.Asked, t fakevendor.Turn, at int) *fakevendor.Failure {
	if len(a.Turns) == 0 && t.Role != "user" {
		return fakevendor.Refuse("messages: first message must use the \"user\" role")
	}
	due := calls(a.Last())
	for _, r := range t.Results {
		n := slices.Index(due, r.ID)
		if n < 0 {
			return fakevendor.Refuse(fmt.Sprintf("messages.%d.content.0: unexpected `tool_use_id` found in `tool_result` blocks: %s. "+
				"Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", at, r.ID))
		}
		due = slices.Delete(due, n, n+1)
	}
	if len(due) > 0 {
		return withoutResult(at-1, due)
	}
	return nil
}

func calls(t fakevendor.Turn) []string {
	var ids []string
	for _, c := range t.Calls {
		ids = append(ids, c.ID)
	}
	return ids
}

func withoutResult(at int, ids []string) *fakevendor.Failure {
	return fakevendor.Refuse(fmt.Sprintf("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. "+
		"Each `tool_use` block must have a corresponding `tool_result` block in the next message.", at, strings.Join(ids, ", ")))
}

func (b *body) endsWell(a *fakevendor.Asked) *fakevendor.Failure {
	last := a.Last()
	if due := calls(last); len(due) > 0 {
		return withoutResult(len(a.Turns)-1, due)
	}
	if last.Role == "assistant" && strings.TrimRight(last.Text, " \n\t") != last.Text {
		return fakevendor.Refuse("messages: final assistant content cannot end with trailing whitespace")
	}
	var used bool
	for _, t := range a.Turns {
		used = used || len(t.Calls) > 0
	}
	if used && len(b.Tools) == 0 {
		return fakevendor.Refuse("Requests which have `tool_use` or `tool_result` blocks in messages must define tools")
	}
	if n := len(a.Turns); b.Thinking.Type == "enabled" && n > 1 && len(last.Results) > 0 && !a.Turns[n-2].Signed {
		return fakevendor.Refuse(fmt.Sprintf("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. "+
			"When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).", n-2)) //nolint:misspell // the vendor's
	}
	return nil
}
