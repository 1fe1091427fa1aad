package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// Backend is one deployment. It remembers for a while what the model can not
// do, so that the server is not asked in vain each time. It is safe for
// concurrent use.
type Backend struct {
	*native.Backend

	noTools, noThoughts memory
}

// remembered is how long a refusal is believed: a model may be replaced.
const remembered = 10 * time.Minute

// memory is a thing that holds for a while.
type memory struct{ until atomic.Int64 }

func (m *memory) set()      { m.until.Store(time.Now().Add(remembered).Unix()) }
func (m *memory) has() bool { return time.Now().Unix() < m.until.Load() }

// Chat implements provider.Backend. What the model turns out not to be able to
// do is left out, or done otherwise, in a second try.
func (b *Backend) Chat(ctx context.Context, call *provider.Call, req *chat.Request) (*provider.Answer, error) {
	for {
		own, emulated := b.adapt(req)
		answer, err := b.Backend.Chat(ctx, call, own)
		if err == nil && emulated {
			return called(answer, req), nil
		}
		if err == nil || !b.learn(err, own) {
			return answer, err
		}
	}
}

// learn reports whether the server refused something that is now known, and
// that a second try goes without.
func (b *Backend) learn(err error, req *chat.Request) bool {
	f, ok := errors.AsType[*provider.Failure](err)
	if !ok || f.Status != http.StatusBadRequest {
		return false
	}
	switch {
	case len(req.Tools) > 0 && strings.Contains(f.Text, "does not support tools"):
		b.noTools.set()
	case thinks(req) && strings.Contains(f.Text, "does not support thinking"):
		b.noThoughts.set()
	default:
		return false
	}
	return true
}

func thinks(req *chat.Request) bool { return req.Thinking != nil || req.ReasoningEffort != "" }

// adapt leaves out what the model is known not to be able to do. Tools are
// described instead, and the answer has to be read then.
func (b *Backend) adapt(req *chat.Request) (own *chat.Request, emulated bool) {
	copied := *req
	own = &copied
	if thinks(own) && b.noThoughts.has() {
		own.Thinking, own.ReasoningEffort = nil, ""
	}
	if len(own.Tools) == 0 || !b.noTools.has() {
		return own, false
	}
	return describe(own), true
}

// describe puts the tools into the prompt, and the calls and results of the
// conversation into texts.
func describe(req *chat.Request) *chat.Request {
	functions := make([]*chat.FunctionDef, 0, len(req.Tools))
	for i := range req.Tools {
		if f := req.Tools[i].Function; f != nil {
			functions = append(functions, f)
		}
	}
	list, err := json.Marshal(functions)
	if err != nil {
		return req
	}
	own := *req
	own.Tools, own.ToolChoice, own.Stream = nil, nil, false
	own.ResponseFormat = &chat.ResponseFormat{Type: chat.FormatJSONObject}
	own.Messages = make([]chat.Message, 0, len(req.Messages)+1)
	for i := range req.Messages {
		own.Messages = append(own.Messages, told(&req.Messages[i]))
	}
	own.Messages = append(own.Messages, chat.Message{Role: chat.System, Content: chat.Text(
		"Answer with one JSON object and nothing else. To call a function, answer {\"name\": its name, \"arguments\": {…}}; " +
			"to say something to the user, answer {\"content\": \"…\"}. These functions can be called: " + string(list))})
	return &own
}

// told is a message with its calls and results as texts.
func told(m *chat.Message) chat.Message {
	own := *m
	switch {
	case m.Role == chat.ToolRole:
		own = chat.Message{Role: chat.User, Content: chat.Text("The function returned: " + m.Content.Text())}
	case len(m.ToolCalls) > 0:
		t := &m.ToolCalls[0].Function
		if said, err := json.Marshal(spoken{Name: t.Name, Arguments: object(t.Arguments)}); err == nil {
			own.Content, own.ToolCalls = chat.Text(string(said)), nil
		}
	}
	return own
}

// spoken is what the model is asked to answer.
type spoken struct {
	Name      string          `json:"name,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Content   *string         `json:"content,omitempty"`
}

// called reads the call, or the text, out of an answer.
func called(a *provider.Answer, req *chat.Request) *provider.Answer {
	for i := range a.Whole.Choices {
		c := &a.Whole.Choices[i]
		var s spoken
		if json.Unmarshal([]byte(c.Message.Content.Text()), &s) != nil {
			continue
		}
		known := slices.ContainsFunc(req.Tools, func(t chat.Tool) bool { return t.Function != nil && t.Function.Name == s.Name })
		switch {
		case known:
			c.Message.Content = nil
			c.Message.ToolCalls = []chat.ToolCall{{ID: callID(""), Type: chat.FunctionTool, Function: chat.Function{Name: s.Name, Arguments: string(object(string(s.Arguments)))}}}
			c.FinishReason = chat.FinishToolCalls
		case s.Content != nil:
			c.Message.Content = chat.Text(*s.Content)
		}
	}
	if req.Stream {
		return &provider.Answer{Stream: provider.Replay(a.Whole), Header: a.Header}
	}
	return a
}
