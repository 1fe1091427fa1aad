package chat

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Encode writes the request as the body of an OpenAI chat request.
func (r *Request) Encode() ([]byte, error) {
	b, err := Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode chat request: %w", err)
	}
	return appendExtra(b, r.Extra), nil
}

// appendExtra adds members to a JSON object that has some.
func appendExtra(b []byte, extra map[string]json.RawMessage) []byte {
	if len(extra) == 0 {
		return b
	}
	b = b[:len(b)-1]
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		b = append(b, ',')
		b = append(b, jsonx.Quote(name)...)
		b = append(b, ':')
		b = append(b, extra[name]...)
	}
	return append(b, '}')
}

// wireResponse is the order and the names of an answer's members.
type wireResponse struct {
	ID                string          `json:"id"`
	Object            string          `json:"object"`
	Created           int64           `json:"created"`
	Model             string          `json:"model"`
	Choices           []Choice        `json:"choices"`
	Usage             json.RawMessage `json:"usage,omitempty"`
	ServiceTier       string          `json:"service_tier,omitempty"`
	SystemFingerprint string          `json:"system_fingerprint,omitempty"`
}

// usualUsage is how long the usage of an answer is, rarely more.
const usualUsage = 256

// Encode writes the answer as OpenAI's.
func (r *Response) Encode() ([]byte, error) {
	w := wireResponse{
		ID: r.ID, Object: "chat.completion", Created: r.Created, Model: r.Model, Choices: r.Choices, ServiceTier: r.ServiceTier, SystemFingerprint: r.SystemFingerprint,
	}
	if w.Choices == nil {
		w.Choices = []Choice{}
	}
	if r.HasUsage {
		w.Usage = r.Usage.Append(make([]byte, 0, usualUsage))
	}
	b, err := Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("encode chat answer: %w", err)
	}
	return appendExtra(b, r.Extra), nil
}

// DecodeResponse reads OpenAI's answer.
func DecodeResponse(body []byte) (*Response, error) {
	members, err := jsonx.Members(nil, body)
	if err != nil {
		return nil, fmt.Errorf("decode chat answer: %w", err)
	}
	r := &Response{}
	for i := range members {
		m := &members[i]
		value := m.Value.Of(body)
		if jsonx.IsNull(value) {
			continue
		}
		var to any
		switch string(m.Name) {
		case "id":
			to = &r.ID
		case "created":
			r.Created = jsonx.Int(value)
			continue
		case "model":
			to = &r.Model
		case "choices":
			to = &r.Choices
		case "service_tier":
			to = &r.ServiceTier
		case "system_fingerprint":
			to = &r.SystemFingerprint
		case "usage":
			r.HasUsage = r.Usage.Read(value)
			continue
		case "object":
			continue
		default:
			if r.Extra == nil {
				r.Extra = map[string]json.RawMessage{}
			}
			r.Extra[string(m.Name)] = value
			continue
		}
		if err := json.Unmarshal(value, to); err != nil {
			return nil, fmt.Errorf("decode chat answer: member %s: %w", m.Name, err)
		}
	}
	for i := range r.Choices {
		r.Choices[i].Message.normalise()
	}
	return r, nil
}

// normalise brings the ways in which vendors say the same into one.
func (m *Message) normalise() {
	if m.FunctionCall != nil && len(m.ToolCalls) == 0 {
		return
	}
	for i := range m.ToolCalls {
		if m.ToolCalls[i].Type == "" {
			m.ToolCalls[i].Type = FunctionTool
		}
	}
}
