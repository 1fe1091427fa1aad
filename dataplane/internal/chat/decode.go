package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// ParamError is a parameter that is not what it has to be.
type ParamError struct {
	Param string
	Want  string
}

func (e *ParamError) Error() string {
	if e.Want == "" {
		return fmt.Sprintf("Invalid value for '%s'", e.Param)
	}
	return fmt.Sprintf("Invalid type for '%s': expected %s", e.Param, e.Want)
}

// field returns where a member of a request's body goes, and what it has to
// be; nil for a member without a field.
//
//nolint:gocyclo,cyclop,funlen // a table
func (r *Request) field(name string) (to any, want string) {
	switch name {
	case "model":
		return &r.Model, "a string"
	case "messages":
		return &r.Messages, "a list of messages"
	case "tools":
		return &r.Tools, "a list of tools"
	case "tool_choice":
		return &r.ToolChoice, "a string or an object"
	case "parallel_tool_calls":
		return &r.ParallelToolCalls, "a boolean"
	case "max_tokens":
		return &looseInt{&r.MaxTokens}, "an integer"
	case "max_completion_tokens":
		return &looseInt{&r.MaxCompletionTokens}, "an integer"
	case "temperature":
		return &r.Temperature, "a number"
	case "top_p":
		return &r.TopP, "a number"
	case "top_k":
		return &looseInt{&r.TopK}, "an integer"
	case "n":
		return &looseInt{&r.N}, "an integer"
	case "stop":
		return &r.Stop, "a string or a list of strings"
	case "seed":
		return &looseInt{&r.Seed}, "an integer"
	case "frequency_penalty":
		return &r.FrequencyPenalty, "a number"
	case "presence_penalty":
		return &r.PresencePenalty, "a number"
	case "logit_bias":
		return &r.LogitBias, "an object"
	case "logprobs":
		return &r.Logprobs, "a boolean"
	case "top_logprobs":
		return &looseInt{&r.TopLogprobs}, "an integer"
	case "response_format":
		return &r.ResponseFormat, "an object with a type"
	case "reasoning_effort":
		return &r.ReasoningEffort, "a string"
	case "thinking":
		return &r.Thinking, "an object with a type"
	case "modalities":
		return &r.Modalities, "a list of strings"
	case "audio":
		return &r.Audio, "an object"
	case "web_search_options":
		return &r.WebSearchOptions, "an object"
	case "service_tier":
		return &r.ServiceTier, "a string"
	case "user":
		return &r.User, "a string"
	case "stream":
		return &r.Stream, "a boolean"
	case "stream_options":
		return &r.StreamOptions, "an object"
	}
	return nil, ""
}

// Decode reads the body of an OpenAI chat request. An error is the client's
// and says which parameter is wrong.
func Decode(body []byte) (*Request, error) {
	members, err := jsonx.Members(nil, body)
	if err != nil {
		return nil, fmt.Errorf("decode chat request: %w", err)
	}
	return DecodeMembers(body, members)
}

// DecodeMembers is Decode for a body whose members are known.
func DecodeMembers(body []byte, members []jsonx.Member) (*Request, error) {
	r := &Request{}
	if err := r.Merge(body, members); err != nil {
		return nil, err
	}
	if len(r.Messages) == 0 {
		return nil, &ParamError{Param: "messages", Want: "a list of at least one message"}
	}
	return r, nil
}

// Merge takes the members of a body over what is there.
func (r *Request) Merge(body []byte, members []jsonx.Member) error {
	for i := range members {
		m := &members[i]
		value := m.Value.Of(body)
		to, want := r.field(string(m.Name))
		switch {
		case jsonx.IsNull(value):
		case to == nil:
			if r.Extra == nil {
				r.Extra = map[string]json.RawMessage{}
			}
			r.Extra[string(m.Name)] = value
		default:
			if err := json.Unmarshal(value, to); err != nil {
				return paramError(string(m.Name), want, err)
			}
		}
	}
	return nil
}

func paramError(name, want string, err error) error {
	if inner, ok := errors.AsType[*ParamError](err); ok {
		return inner
	}
	return &ParamError{Param: name, Want: want}
}

// looseInt takes whole numbers that are written as floats, as some clients do.
type looseInt struct{ to **int64 }

// UnmarshalJSON implements json.Unmarshaler.
func (l *looseInt) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return errors.New("not a whole number")
	}
	*l.to = new(int64(f))
	return nil
}
