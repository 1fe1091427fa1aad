// Package bytez speaks Bytez' chat models, which take texts, pictures, sounds
// and films. Streams are pieces of plain text there, without a word on how they
// end, so a whole answer is asked for and replayed.
//
// Wire facts: https://docs.bytez.com/http-reference/overview
package bytez

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const defaultBase = "https://api.bytez.com/models/v2"

// New makes the backend of a deployment.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	key, base := cfg.APIKey, cfg.APIBase
	if key == "" {
		key = cfg.Text("api_key", "BYTEZ_API_KEY")
	}
	if key == "" {
		return nil, errors.New("no api key for bytez: set api_key or BYTEZ_API_KEY")
	}
	if base == "" {
		base = defaultBase
	}
	b, err := native.New(native.Options{
		Config: cfg, Base: base, Doer: doer, Fetcher: fetch, Chatter: codec{cfg.Model},
		Header: []upstream.Field{{Name: "Authorization", Value: "Key " + key}},
	})
	if err != nil {
		return nil, fmt.Errorf("bytez: %w", err)
	}
	return b, nil
}

// codec translates chats.
type codec struct{ model string }

// Params implements native.Chatter.
func (codec) Params() []string {
	return []string{"max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "user"}
}

type request struct {
	Messages []message `json:"messages"`
	Stream   bool      `json:"stream"`
	Params   params    `json:"params"`
}

type message struct {
	Role    string `json:"role"`
	Content []part `json:"content"`
}

type part struct {
	Type string `json:"type"` // text, image, audio or video
	Text string `json:"text,omitempty"`
	URL  string `json:"url,omitempty"`
}

type params struct {
	MaxNewTokens       *int64   `json:"max_new_tokens,omitempty"`
	Temperature        *float64 `json:"temperature,omitempty"`
	TopP               *float64 `json:"top_p,omitempty"`
	TopK               *int64   `json:"top_k,omitempty"`
	NumReturnSequences *int64   `json:"num_return_sequences,omitempty"`
}

// Chat implements native.Chatter.
func (c codec) Chat(req *chat.Request) (*native.Exchange, error) {
	r := request{Params: params{Temperature: req.Temperature, TopP: req.TopP, TopK: req.TopK, NumReturnSequences: req.N}}
	if n, ok := req.Limit(); ok {
		r.Params.MaxNewTokens = &n
	}
	for i := range req.Messages {
		m, err := messageOf(&req.Messages[i])
		if err != nil {
			return nil, err
		}
		r.Messages = append(r.Messages, m)
	}
	body, err := splice.Encode(r)
	if err != nil {
		return nil, err
	}
	return &native.Exchange{Request: native.Request{Path: modelPath(c.model), Body: body}, Whole: read}, nil
}

// modelPath is the path of a model, whose name has a slash.
func modelPath(model string) string {
	var b strings.Builder
	for segment := range strings.SplitSeq(model, "/") {
		b.WriteString("/" + url.PathEscape(segment))
	}
	return b.String()
}

func messageOf(m *chat.Message) (message, error) {
	out := message{Role: m.Role, Content: []part{}}
	if out.Role == chat.Developer {
		out.Role = chat.System
	}
	for i := range m.Content {
		p := &m.Content[i]
		switch {
		case p.Type == chat.TextPart:
			out.Content = append(out.Content, part{Type: "text", Text: p.Text})
		case p.Image != nil:
			out.Content = append(out.Content, part{Type: "image", URL: p.Image.URL})
		case p.Video != nil:
			out.Content = append(out.Content, part{Type: "video", URL: p.Video.URL})
		case p.Audio != nil:
			out.Content = append(out.Content, part{Type: "audio", URL: "data:audio/" + p.Audio.Format + ";base64," + p.Audio.Data})
		default:
			return out, apierr.BadRequest("Invalid value for 'messages.content': bytez does not take %.64s", p.Type)
		}
	}
	return out, nil
}

func read(body []byte) (*chat.Response, error) {
	var a struct {
		Error  json.RawMessage `json:"error"`
		Output *message        `json:"output"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	if len(a.Error) > 0 && string(a.Error) != "null" {
		f := &provider.Failure{Status: http.StatusInternalServerError}
		f.Explain(body)
		return nil, f
	}
	if a.Output == nil {
		return nil, errors.New("decode answer: no output")
	}
	var text []byte
	for _, p := range a.Output.Content {
		text = append(text, p.Text...)
	}
	return &chat.Response{Choices: []chat.Choice{{
		Message: chat.Message{Role: chat.Assistant, Content: chat.Text(string(text))}, FinishReason: chat.FinishStop,
	}}}, nil
}
