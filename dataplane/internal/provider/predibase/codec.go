package predibase

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/prompt"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
)

// codec translates chats.
type codec struct {
	path     string
	template prompt.Template
}

// Params implements native.Chatter.
func (*codec) Params() []string {
	return []string{"max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed", "response_format", "user"}
}

type request struct {
	Inputs     string     `json:"inputs"`
	Parameters parameters `json:"parameters"`
}

type parameters struct {
	Details        bool            `json:"details"`
	MaxNewTokens   int64           `json:"max_new_tokens"`
	Temperature    *float64        `json:"temperature,omitempty"`
	TopP           *float64        `json:"top_p,omitempty"`
	TopK           *int64          `json:"top_k,omitempty"`
	Stop           []string        `json:"stop,omitempty"`
	Seed           *int64          `json:"seed,omitempty"`
	BestOf         *int64          `json:"best_of,omitempty"`
	DoSample       bool            `json:"do_sample,omitempty"`
	ReturnFullText bool            `json:"return_full_text"`
	ResponseFormat json.RawMessage `json:"response_format,omitempty"`

	AdapterID         json.RawMessage `json:"adapter_id,omitempty"`
	AdapterSource     json.RawMessage `json:"adapter_source,omitempty"`
	APIToken          json.RawMessage `json:"api_token,omitempty"`
	MergedAdapters    json.RawMessage `json:"merged_adapters,omitempty"`
	RepetitionPenalty json.RawMessage `json:"repetition_penalty,omitempty"`
	TypicalP          json.RawMessage `json:"typical_p,omitempty"`
	Watermark         json.RawMessage `json:"watermark,omitempty"`
}

const (
	// defaultLimit is LiteLLM's, since the server's own is 20.
	defaultLimit = 4096
	// coldest is what a temperature of 0 becomes, which is refused.
	coldest = 0.01
)

// Chat implements native.Chatter.
func (c *codec) Chat(req *chat.Request) (*native.Exchange, error) {
	p := parameters{
		Details: true, MaxNewTokens: defaultLimit, TopP: req.TopP, TopK: req.TopK, Stop: req.Stop, Seed: req.Seed, Temperature: req.Temperature,
		AdapterID: req.Extra["adapter_id"], AdapterSource: req.Extra["adapter_source"], APIToken: req.Extra["api_token"],
		MergedAdapters: req.Extra["merged_adapters"], RepetitionPenalty: req.Extra["repetition_penalty"], TypicalP: req.Extra["typical_p"],
		Watermark: req.Extra["watermark"],
	}
	if n, ok := req.Limit(); ok {
		p.MaxNewTokens = max(n, 1)
	}
	if p.Temperature != nil && *p.Temperature == 0 {
		p.Temperature = new(coldest)
	}
	if req.N != nil && *req.N > 1 {
		p.BestOf, p.DoSample = req.N, true
	}
	if f := req.ResponseFormat; f != nil && f.Type != chat.FormatText {
		p.ResponseFormat = json.RawMessage(`{"type":"json_object"}`)
		if schema := req.OutputSchema(); len(schema) > 0 {
			p.ResponseFormat = slices.Concat([]byte(`{"type":"json_object","schema":`), schema, []byte("}"))
		}
	}
	body, err := splice.Encode(request{c.template.Render(req.Messages), p})
	if err != nil {
		return nil, err
	}
	x := &native.Exchange{Request: native.Request{Path: c.path, Body: body}, Whole: read, Stream: &decoder{}, Framing: frame.SSE()}
	if req.Stream {
		x.Request.Path += "_stream"
	}
	return x, nil
}

type answer struct {
	GeneratedText *string  `json:"generated_text"`
	Details       *details `json:"details"`
	Token         struct {
		Text    string `json:"text"`
		Special bool   `json:"special"`
	} `json:"token"`
	Error     string `json:"error"`
	ErrorType string `json:"error_type"`
}

type details struct {
	FinishReason    string `json:"finish_reason"`
	PromptTokens    int64  `json:"prompt_tokens"`
	GeneratedTokens int64  `json:"generated_tokens"`
	Best            []struct {
		GeneratedText string `json:"generated_text"`
		FinishReason  string `json:"finish_reason"`
	} `json:"best_of_sequences"`
}

func (a *answer) failure() *provider.Failure {
	return &provider.Failure{Status: http.StatusInternalServerError, Text: a.Error, Code: a.ErrorType}
}

func read(body []byte) (*chat.Response, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	switch {
	case a.Error != "":
		return nil, a.failure()
	case a.GeneratedText == nil:
		return nil, errors.New("decode answer: no generated_text")
	}
	r := &chat.Response{Choices: []chat.Choice{choice(0, *a.GeneratedText, "")}}
	if d := a.Details; d != nil {
		r.Choices[0].FinishReason = finish(d.FinishReason)
		for i, b := range d.Best {
			r.Choices = append(r.Choices, choice(i+1, b.GeneratedText, b.FinishReason))
		}
		r.HasUsage = d.usage(&r.Usage)
	}
	return r, nil
}

func choice(index int, text, reason string) chat.Choice {
	return chat.Choice{Index: index, Message: chat.Message{Role: chat.Assistant, Content: chat.Text(trim(text))}, FinishReason: finish(reason)}
}

// trim cuts the marks of turns that models write at both ends of a text.
func trim(text string) string {
	for _, mark := range []string{"<|assistant|>", "<|system|>", "<|user|>", "<s>", "</s>"} {
		text = strings.TrimSuffix(strings.TrimPrefix(text, mark), mark)
	}
	return text
}

func finish(reason string) string {
	if reason == "length" {
		return chat.FinishLength
	}
	return chat.FinishStop // eos_token, stop_sequence
}

// usage takes the counts where both are there.
func (d *details) usage(u *chat.Usage) bool {
	if d.PromptTokens == 0 || d.GeneratedTokens == 0 {
		return false
	}
	u.Input, u.Output = d.PromptTokens, d.GeneratedTokens
	return true
}

// decoder reads the tokens of a stream; the last one comes with the whole text.
type decoder struct{ done bool }

func (d *decoder) Done() bool { return d.done }

func (d *decoder) Frame(f *frame.Frame, c *chat.Chunk) error {
	if string(f.Data) == "[DONE]" {
		return nil
	}
	var a answer
	if err := json.Unmarshal(f.Data, &a); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	if a.Error != "" {
		return a.failure()
	}
	delta := c.Add(0)
	if !a.Token.Special {
		delta.Content = a.Token.Text
	}
	if a.GeneratedText != nil {
		d.done = true
		delta.FinishReason = chat.FinishStop
		if a.Details != nil {
			delta.FinishReason = finish(a.Details.FinishReason)
			c.HasUsage = a.Details.usage(&c.Usage)
		}
	}
	return nil
}
