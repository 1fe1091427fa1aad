// Package petals speaks to a Petals swarm's HTTP endpoint: a form goes in, a
// text comes out. There are no streams; whole answers are replayed.
//
// Wire facts: https://github.com/petals-infra/chat.petals.dev
package petals

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/prompt"
)

// New makes the backend of a deployment. There is no default base: LiteLLM runs
// the model in its own process then.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	base := cfg.APIBase
	if base == "" {
		base = cfg.Env("PETALS_API_BASE")
	}
	if base == "" {
		return nil, errors.New("no api base for petals: set api_base or PETALS_API_BASE, such as https://chat.petals.dev/api/v1/generate")
	}
	template, _, err := prompt.Of(cfg.Model, cfg.Params)
	if err != nil {
		return nil, fmt.Errorf("petals: %w", err)
	}
	headers := maps.Clone(cfg.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	headers["Content-Type"] = "application/x-www-form-urlencoded"
	cfg.Headers = headers
	b, err := native.New(native.Options{Config: cfg, Base: base, Doer: doer, Fetcher: fetch, Chatter: &codec{template}})
	if err != nil {
		return nil, fmt.Errorf("petals: %w", err)
	}
	return b, nil
}

// codec translates chats.
type codec struct{ template prompt.Template }

// Params implements native.Chatter.
func (*codec) Params() []string {
	return []string{"max_tokens", "max_completion_tokens", "temperature", "top_p", "user"}
}

// defaultLimit is LiteLLM's; the endpoint wants some.
const defaultLimit = 256

// Chat implements native.Chatter.
func (c *codec) Chat(req *chat.Request) (*native.Exchange, error) {
	n, ok := req.Limit()
	if !ok {
		n = defaultLimit
	}
	form := url.Values{
		"model": {req.Model}, "inputs": {c.template.Render(req.Messages)}, "max_new_tokens": {strconv.FormatInt(n, 10)},
	}
	number := func(name string, f *float64) {
		if f != nil && *f > 0 { // a temperature of 0 is no sampling
			form.Set(name, strconv.FormatFloat(*f, 'g', -1, 64))
			form.Set("do_sample", "1")
		}
	}
	number("temperature", req.Temperature)
	number("top_p", req.TopP)
	if req.TopK != nil {
		form.Set("top_k", strconv.FormatInt(*req.TopK, 10))
	}
	for _, name := range []string{"do_sample", "repetition_penalty", "max_length", "stop_sequence", "extra_stop_sequences"} {
		var text string
		raw, ok := req.Extra[name]
		if !ok {
			continue
		}
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		form.Set(name, text)
	}
	return &native.Exchange{Request: native.Request{Body: []byte(form.Encode())}, Whole: read}, nil
}

func read(body []byte) (*chat.Response, error) {
	var a struct {
		OK        *bool   `json:"ok"`
		Outputs   *string `json:"outputs"`
		Traceback string  `json:"traceback"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	if a.OK != nil && !*a.OK {
		return nil, &provider.Failure{Status: http.StatusInternalServerError, Text: "the swarm could not generate"}
	}
	if a.Outputs == nil {
		return nil, errors.New("decode answer: no outputs")
	}
	return &chat.Response{Choices: []chat.Choice{{
		Message: chat.Message{Role: chat.Assistant, Content: chat.Text(*a.Outputs)}, FinishReason: chat.FinishStop,
	}}}, nil
}
