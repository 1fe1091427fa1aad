package ollama

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/shared/ident"
)

func (a *answer) failure() *provider.Failure {
	f := &provider.Failure{Status: a.Status, Text: a.Error}
	if f.Status < http.StatusBadRequest {
		f.Status = http.StatusInternalServerError
	}
	return f
}

func readAnswer(body []byte) (*chat.Response, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	if a.Error != "" {
		return nil, a.failure()
	}
	if !a.Done && a.Message.Role == "" && a.Response == "" {
		return nil, errors.New("decode answer: no message")
	}
	m := chat.Message{Role: chat.Assistant, ReasoningContent: a.Message.Thinking + a.Thinking}
	text := a.Message.Content + a.Response
	if m.ReasoningContent == "" {
		var t thought
		reasoning, rest := t.add(text)
		more, last := t.end()
		m.ReasoningContent, text = reasoning+more, rest+last
	}
	m.Content = chat.Text(text)
	for i := range a.Message.ToolCalls {
		t := &a.Message.ToolCalls[i]
		m.ToolCalls = append(m.ToolCalls, chat.ToolCall{ID: callID(t.ID), Type: chat.FunctionTool, Function: chat.Function{Name: t.Function.Name, Arguments: arguments(t)}})
	}
	r := &chat.Response{
		Model: a.Model, Created: created(a.CreatedAt), Choices: []chat.Choice{{Message: m, FinishReason: finish(a.DoneReason, len(m.ToolCalls) > 0)}},
	}
	r.HasUsage = a.usage(&r.Usage)
	return r, nil
}

// callID is the server's id of a call; older ones have none.
func callID(id string) string {
	if id != "" {
		return id
	}
	return "call_" + ident.NewUUID(time.Now()).String()
}

func arguments(t *toolCall) string {
	if len(t.Function.Arguments) == 0 {
		return "{}"
	}
	return string(t.Function.Arguments)
}

func created(at string) int64 {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return 0
	}
	return t.Unix()
}

func finish(reason string, calledTools bool) string {
	switch {
	case reason == "length":
		return chat.FinishLength
	case calledTools:
		return chat.FinishToolCalls
	}
	return chat.FinishStop // stop, load, unload
}

// usage takes the counts. A prompt that was cached may have none.
func (a *answer) usage(u *chat.Usage) bool {
	if a.Eval == nil {
		return false
	}
	u.Output = *a.Eval
	if a.PromptEval != nil {
		u.Input = *a.PromptEval
	}
	return a.PromptEval != nil
}

// decoder reads the lines of a stream.
type decoder struct {
	thought thought
	calls   int
	done    bool
}

func (d *decoder) Done() bool { return d.done }

func (d *decoder) Frame(f *frame.Frame, c *chat.Chunk) error {
	var a answer
	if err := json.Unmarshal(f.Data, &a); err != nil {
		return fmt.Errorf("decode line: %w", err)
	}
	if a.Error != "" {
		return a.failure()
	}
	c.Model, c.Created = a.Model, created(a.CreatedAt)
	reasoning, text := a.Message.Thinking+a.Thinking, a.Message.Content+a.Response
	if reasoning == "" {
		reasoning, text = d.thought.add(text)
	}
	if a.Done {
		more, last := d.thought.end()
		reasoning, text = reasoning+more, text+last
	}
	if reasoning != "" || text != "" || len(a.Message.ToolCalls) > 0 || a.Done {
		d.add(&a, reasoning, text, c.Add(0))
	}
	if a.Done {
		d.done = true
		c.HasUsage = a.usage(&c.Usage)
	}
	return nil
}

func (d *decoder) add(a *answer, reasoning, text string, delta *chat.Delta) {
	delta.Reasoning, delta.Content = reasoning, text
	for i := range a.Message.ToolCalls {
		t := &a.Message.ToolCalls[i]
		delta.ToolCalls = append(delta.ToolCalls, chat.ToolCallDelta{Index: d.calls, ID: callID(t.ID), Name: t.Function.Name, Arguments: arguments(t)})
		d.calls++
	}
	if a.Done {
		delta.FinishReason = finish(a.DoneReason, d.calls > 0)
	}
}
