package triton

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/prompt"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
)

// generate is the generate extension.
type generate struct {
	template prompt.Template
	limit    int64
}

// defaultLimit is LiteLLM's, since the server's own is a few tokens.
const defaultLimit = 2000

func limit(cfg *provider.Config) int64 {
	if n, err := strconv.ParseInt(cfg.Env("DEFAULT_MAX_TOKENS_FOR_TRITON"), 10, 64); err == nil && n > 0 {
		return n
	}
	return defaultLimit
}

// Params implements native.Chatter.
func (*generate) Params() []string { return params() }

type generateRequest struct {
	TextInput  string                     `json:"text_input"`
	Parameters map[string]json.RawMessage `json:"parameters"`
	Stream     bool                       `json:"stream"`
}

type generateAnswer struct {
	TextOutput *string `json:"text_output"`
	ModelName  string  `json:"model_name"`
	StopReason string  `json:"stop_reason"`
	IsFinished bool    `json:"is_finished"`
	Error      string  `json:"error"`
}

// Chat implements native.Chatter.
func (g *generate) Chat(req *chat.Request) (*native.Exchange, error) {
	if err := one(req); err != nil {
		return nil, err
	}
	n, ok := req.Limit()
	if !ok {
		n = g.limit
	}
	none := json.RawMessage(`[""]`)
	r := generateRequest{TextInput: g.template.Render(req.Messages), Stream: req.Stream, Parameters: map[string]json.RawMessage{
		"max_tokens": strconv.AppendInt(nil, n, 10), "bad_words": none, "stop_words": none,
	}}
	for name, value := range req.Extra {
		if own(name) {
			r.Parameters[name] = value
		}
	}
	body, err := splice.Encode(r)
	if err != nil {
		return nil, err
	}
	x := &native.Exchange{Request: native.Request{Body: body}, Whole: readGenerated, Stream: &decoder{}, Framing: frame.SSE()}
	if req.Stream {
		x.Request.Path = "_stream" // behind /generate
	}
	return x, nil
}

func readGenerated(body []byte) (*chat.Response, error) {
	var a generateAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	if a.TextOutput == nil {
		return nil, errors.New("decode answer: no text_output")
	}
	return answer(a.ModelName, *a.TextOutput, finish(a.StopReason)), nil
}

func answer(model, text, reason string) *chat.Response {
	return &chat.Response{Model: model, Choices: []chat.Choice{{
		Message: chat.Message{Role: chat.Assistant, Content: chat.Text(text)}, FinishReason: reason,
	}}}
}

func finish(reason string) string {
	if reason == "length" || reason == "max_tokens" {
		return chat.FinishLength
	}
	return chat.FinishStop
}

// decoder reads a stream of texts, which ends without a word unless the model
// says that it is finished.
type decoder struct{ begun, finished bool }

func (d *decoder) Done() bool { return d.begun }

func (d *decoder) Frame(f *frame.Frame, c *chat.Chunk) error {
	if string(f.Data) == "[DONE]" {
		return nil
	}
	var a generateAnswer
	if err := json.Unmarshal(f.Data, &a); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	if a.Error != "" {
		return &provider.Failure{Status: http.StatusInternalServerError, Text: a.Error}
	}
	d.begun = true
	c.Model = a.ModelName
	if a.TextOutput == nil && !a.IsFinished {
		return nil
	}
	delta := c.Add(0)
	if a.TextOutput != nil {
		delta.Content = *a.TextOutput
	}
	if a.IsFinished && !d.finished {
		d.finished = true
		delta.FinishReason = finish(a.StopReason)
	}
	return nil
}

// End implements native.Ender.
func (d *decoder) End(c *chat.Chunk) {
	if !d.finished {
		c.Add(0).FinishReason = chat.FinishStop
	}
}
