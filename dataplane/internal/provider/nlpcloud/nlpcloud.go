// Package nlpcloud speaks NLP Cloud's text generation.
//
// Wire facts: https://docs.nlpcloud.com/#generation
package nlpcloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

const defaultBase = "https://api.nlpcloud.io/v1/gpu"

// New makes the backend of a deployment.
func New(cfg provider.Config, doer native.Doer, fetch native.Fetcher) (provider.Backend, error) {
	key, base := cfg.APIKey, cfg.APIBase
	if key == "" {
		key = cfg.Text("api_key", "NLP_CLOUD_API_KEY")
	}
	if key == "" {
		return nil, errors.New("no api key for nlp_cloud: set api_key or NLP_CLOUD_API_KEY")
	}
	if base == "" {
		base = cfg.Env("NLP_CLOUD_API_BASE")
	}
	if base == "" {
		base = defaultBase
	}
	b, err := native.New(native.Options{
		Config: cfg, Base: base, Doer: doer, Fetcher: fetch, Chatter: codec{cfg.Model},
		Header: []upstream.Field{{Name: "Authorization", Value: "Token " + key}},
	})
	if err != nil {
		return nil, fmt.Errorf("nlp_cloud: %w", err)
	}
	return b, nil
}

// codec translates chats.
type codec struct{ model string }

// Params implements native.Chatter.
func (codec) Params() []string {
	return []string{
		"max_tokens", "max_completion_tokens", "temperature", "top_p", "presence_penalty", "frequency_penalty", "n", "stop", "user",
	}
}

type request struct {
	Text               string   `json:"text"`
	MaxLength          *int64   `json:"max_length,omitempty"`
	Temperature        *float64 `json:"temperature,omitempty"`
	TopP               *float64 `json:"top_p,omitempty"`
	TopK               *int64   `json:"top_k,omitempty"`
	PresencePenalty    *float64 `json:"presence_penalty,omitempty"`
	FrequencyPenalty   *float64 `json:"frequency_penalty,omitempty"`
	NumReturnSequences *int64   `json:"num_return_sequences,omitempty"`
	StopSequences      []string `json:"stop_sequences,omitempty"`
}

// ownParams are the vendor's own parameters that a client may add.
func ownParams() []string {
	return []string{
		"bad_words", "end_sequence", "length_no_input", "min_length", "num_beams", "remove_end_sequence", "remove_input", "repetition_penalty", "top_k",
	}
}

// Chat implements native.Chatter. The texts of the conversation become one.
func (c codec) Chat(req *chat.Request) (*native.Exchange, error) {
	texts := make([]string, len(req.Messages))
	for i := range req.Messages {
		texts[i] = req.Messages[i].Content.Text()
	}
	r := request{
		Text: strings.Join(texts, " "), Temperature: req.Temperature, TopP: req.TopP, TopK: req.TopK, PresencePenalty: req.PresencePenalty,
		FrequencyPenalty: req.FrequencyPenalty, NumReturnSequences: req.N, StopSequences: req.Stop,
	}
	if n, ok := req.Limit(); ok {
		r.MaxLength = &n
	}
	body, err := splice.Encode(r)
	if err != nil {
		return nil, err
	}
	var extra [][]byte
	for _, name := range slices.Sorted(maps.Keys(req.Extra)) {
		if slices.Contains(ownParams(), name) {
			extra = append(extra, splice.NewMember(name, req.Extra[name]))
		}
	}
	body = splice.Object(body, func(string, []byte) splice.Edit { return splice.Edit{} }, extra...)
	return &native.Exchange{Request: native.Request{Path: "/" + url.PathEscape(c.model) + "/generation", Body: body}, Whole: read}, nil
}

func read(body []byte) (*chat.Response, error) {
	var a struct {
		GeneratedText *string         `json:"generated_text"`
		Input         *int64          `json:"nb_input_tokens"`
		Output        *int64          `json:"nb_generated_tokens"`
		Error         json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	if len(a.Error) > 0 && string(a.Error) != "null" {
		f := &provider.Failure{Status: http.StatusInternalServerError}
		f.Explain(body)
		return nil, f
	}
	if a.GeneratedText == nil {
		return nil, errors.New("decode answer: no generated_text")
	}
	r := &chat.Response{Choices: []chat.Choice{{
		Message: chat.Message{Role: chat.Assistant, Content: chat.Text(*a.GeneratedText)}, FinishReason: chat.FinishStop,
	}}}
	if a.Input != nil && a.Output != nil {
		r.Usage.Input, r.Usage.Output, r.HasUsage = *a.Input, *a.Output, true
	}
	return r, nil
}
