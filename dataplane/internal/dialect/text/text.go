// Package text is the dialect of OpenAI's older text completions, for
// providers that only chat: the prompt is one message of the user.
//
// Wire facts: https://platform.openai.com/docs/api-reference/completions
package text

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/openai"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Dialect implements dialect.Dialect. Errors, usage and the model stand where
// chat completions have them.
type Dialect struct{ openai.Dialect }

// Decode implements dialect.Dialect.
func (Dialect) Decode(body []byte, members []jsonx.Member) (*chat.Request, error) {
	var prompt []byte
	kept := make([]jsonx.Member, 0, len(members))
	for _, m := range members {
		switch string(m.Name) {
		case "prompt":
			prompt = m.Value.Of(body)
		case "best_of", "echo", "suffix", "logprobs": // nothing in a chat says the same
			if v := m.Value.Of(body); !jsonx.IsNull(v) && string(v) != "false" && string(v) != "1" {
				return nil, apierr.BadRequest("'%s' is not offered for this model: its provider only chats", m.Name)
			}
		default:
			kept = append(kept, m)
		}
	}
	said, err := messages(prompt)
	if err != nil {
		return nil, err
	}
	// The parameters are those of a chat; its one message is put in their front.
	scratch := slices.Concat([]byte(`{"messages":`), said, []byte(`}`))
	first, err := jsonx.Members(nil, scratch)
	if err != nil {
		return nil, fmt.Errorf("decode prompt: %w", err)
	}
	req, err := chat.DecodeMembers(scratch, first)
	if err != nil {
		return nil, err
	}
	return req, req.Merge(body, kept)
}

// messages makes the messages of a prompt: a text, or a list of one.
func messages(prompt []byte) ([]byte, error) {
	var one string
	var list []string
	switch {
	case len(prompt) > 0 && prompt[0] == '"' && json.Unmarshal(prompt, &one) == nil:
	case len(prompt) > 0 && prompt[0] == '[' && json.Unmarshal(prompt, &list) == nil && len(list) == 1:
		one = list[0]
	case len(prompt) > 0 && prompt[0] == '[':
		return nil, &apierr.Error{
			Status: http.StatusBadRequest, Type: apierr.TypeInvalidRequest, Param: "prompt",
			Message: "'prompt' must be one text for this model: its provider only chats",
		}
	default:
		return nil, &chat.ParamError{Param: "prompt", Want: "a string"}
	}
	return slices.Concat([]byte(`[{"role":"user","content":`), jsonx.Quote(one), []byte(`}]`)), nil
}

type answer struct {
	ID      string          `json:"id"`
	Object  string          `json:"object"`
	Created int64           `json:"created"`
	Model   string          `json:"model"`
	Choices []choice        `json:"choices"`
	Usage   json.RawMessage `json:"usage,omitempty"`
}

type choice struct {
	Text         string `json:"text"`
	Index        int    `json:"index"`
	Logprobs     any    `json:"logprobs"`
	FinishReason string `json:"finish_reason"`
}

// Whole implements dialect.Dialect.
func (Dialect) Whole(_ *chat.Request, a *chat.Response) ([]byte, error) {
	out := answer{ID: a.ID, Object: "text_completion", Created: a.Created, Model: a.Model, Choices: []choice{}}
	if out.Created == 0 {
		out.Created = time.Now().Unix()
	}
	for i := range a.Choices {
		c := &a.Choices[i]
		out.Choices = append(out.Choices, choice{Text: c.Message.Content.Text(), Index: c.Index, FinishReason: c.FinishReason})
	}
	if a.HasUsage {
		out.Usage = a.Usage.Append(nil)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode text completion: %w", err)
	}
	return b, nil
}

// Stream implements dialect.Dialect.
func (Dialect) Stream(req *chat.Request, stamp chat.Stamp) dialect.Encoder {
	if stamp.Created == 0 {
		stamp.Created = time.Now().Unix()
	}
	b := append([]byte(`data: {"id":`), jsonx.Quote(stamp.ID)...)
	b = strconv.AppendInt(append(b, `,"object":"text_completion","created":`...), stamp.Created, 10)
	b = append(append(b, `,"model":`...), jsonx.Quote(stamp.Model)...)
	return &encoder{head: append(b, `,"choices":[`...), usage: req.StreamOptions != nil && req.StreamOptions.IncludeUsage}
}

type encoder struct {
	head  []byte
	usage bool
}

// Chunk implements dialect.Encoder.
func (e *encoder) Chunk(b []byte, c *chat.Chunk) []byte {
	for i := range c.Deltas {
		d := &c.Deltas[i]
		if d.Content == "" && d.FinishReason == "" {
			continue
		}
		b = append(append(b, e.head...), `{"text":`...)
		b = jsonx.AppendQuote(b, d.Content)
		b = strconv.AppendInt(append(b, `,"index":`...), int64(d.Choice), 10)
		b = append(b, `,"logprobs":null,"finish_reason":`...)
		if d.FinishReason == "" {
			b = append(b, `null`...)
		} else {
			b = jsonx.AppendQuote(b, d.FinishReason)
		}
		b = append(b, "}]}\n\n"...)
	}
	return b
}

// End implements dialect.Encoder.
func (e *encoder) End(b []byte, usage *chat.Usage) []byte {
	if e.usage {
		b = append(append(b, e.head...), `],"usage":`...)
		b = append(usage.Append(b), "}\n\n"...)
	}
	return append(b, "data: [DONE]\n\n"...)
}
