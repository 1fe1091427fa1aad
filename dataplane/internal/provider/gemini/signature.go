package gemini

import (
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// separator stands between the id of a call and its thought signature, so that
// clients that keep nothing else bring the signature back. It is LiteLLM's.
const separator = "__thought__"

// splitID takes the signature out of an id.
func splitID(id string) (plain, signature string) {
	plain, signature, _ = strings.Cut(id, separator)
	return plain, signature
}

// signatureOf returns the id of a call without its signature, and the
// signature from wherever the client kept it.
func signatureOf(call *chat.ToolCall) (id, signature string) {
	id, signature = splitID(call.ID)
	if len(call.ProviderFields) == 0 {
		return id, signature
	}
	var fields struct {
		Signature string `json:"thought_signature"`
	}
	if json.Unmarshal(call.ProviderFields, &fields) == nil && fields.Signature != "" {
		signature = fields.Signature
	}
	return id, signature
}

// signatureFields are the provider_specific_fields of a signed call.
func signatureFields(signature string) json.RawMessage {
	return append(jsonx.AppendQuote([]byte(`{"thought_signature":`), signature), '}')
}

// fields are the provider_specific_fields of a message, by LiteLLM's names.
type fields struct {
	// Signatures are those of parts that are no calls.
	Signatures  []string     `json:"thought_signatures,omitempty"`
	Invocations []invocation `json:"server_side_tool_invocations,omitempty"`

	PromptFeedback json.RawMessage   `json:"prompt_feedback,omitempty"`
	Grounding      []json.RawMessage `json:"vertex_ai_grounding_metadata,omitempty"`
	URLContext     []json.RawMessage `json:"vertex_ai_url_context_metadata,omitempty"`
	Safety         []json.RawMessage `json:"vertex_ai_safety_results,omitempty"`
	Citations      []json.RawMessage `json:"vertex_ai_citation_metadata,omitempty"`
}

// invocation is a tool that ran at Google, whose call and result have to come
// back with the next request.
type invocation struct {
	ID        string          `json:"id,omitempty"`
	ToolType  string          `json:"tool_type,omitempty"`
	Args      json.RawMessage `json:"args,omitempty"`
	Response  json.RawMessage `json:"response,omitempty"`
	Signature string          `json:"thought_signature,omitempty"`
}

func readFields(raw json.RawMessage) (*fields, error) {
	f := &fields{}
	if len(raw) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(raw, f); err != nil {
		return nil, &chat.ParamError{Param: "messages.provider_specific_fields", Want: "the object of an earlier answer"}
	}
	return f, nil
}

// encode writes the fields, or nothing where there are none.
func (f *fields) encode() json.RawMessage {
	b, err := marshal(f)
	if err != nil || string(b) == "{}" { // raw values of a document that was read: it can not fail
		return nil
	}
	return b
}

// serverParts are the parts of what ran at Google.
func (f *fields) serverParts() []part {
	var parts []part
	for i := range f.Invocations {
		in := &f.Invocations[i]
		parts = append(parts, part{ToolCall: &serverCall{ID: in.ID, ToolType: in.ToolType, Args: in.Args}, ThoughtSignature: in.Signature})
		if len(in.Response) > 0 {
			parts = append(parts, part{ToolResponse: &serverCall{ID: in.ID, ToolType: in.ToolType, Response: in.Response}})
		}
	}
	return parts
}

// serverSide takes what ran at Google out of a part.
func (f *fields) serverSide(p *part) {
	if call := p.ToolCall; call != nil {
		f.Invocations = append(f.Invocations, invocation{ID: call.ID, ToolType: call.ToolType, Args: call.Args, Signature: p.ThoughtSignature})
	}
	if result := p.ToolResponse; result != nil {
		for i := range f.Invocations {
			if in := &f.Invocations[i]; in.ID == result.ID && in.Response == nil {
				in.Response = result.Response
				return
			}
		}
		f.Invocations = append(f.Invocations, invocation{ID: result.ID, ToolType: result.ToolType, Response: result.Response})
	}
}
