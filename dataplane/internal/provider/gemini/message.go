package gemini

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// conversation becomes the contents of a request.
type conversation struct {
	codec    *Codec
	system   []part
	contents []content
	// names are the functions of the calls so far, by the id of the call.
	names map[string]string
	// results says that the last content holds nothing but results of
	// functions: what a user says stands in one of its own.
	results bool
}

// converse translates the messages of a request.
func (c *Codec) converse(messages []chat.Message) (*conversation, error) {
	v := &conversation{codec: c, contents: make([]content, 0, len(messages))}
	for i := range messages {
		if err := v.add(&messages[i]); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *conversation) add(m *chat.Message) error {
	switch m.Role {
	case chat.System, chat.Developer:
		if v.codec.traits.small {
			return v.user(m)
		}
		for i := range m.Content {
			if text := m.Content[i].Text; text != "" {
				v.system = append(v.system, part{Text: text})
			}
		}
		return nil
	case chat.Assistant:
		return v.model(m)
	case chat.ToolRole, "function":
		return v.result(m)
	default:
		return v.user(m)
	}
}

func (v *conversation) user(m *chat.Message) error {
	parts, err := v.codec.parts(m.Content)
	if err != nil {
		return err
	}
	v.say(userRole, false, parts...)
	return nil
}

// say adds parts to the last content where the role is the same.
func (v *conversation) say(role string, results bool, parts ...part) {
	if len(parts) == 0 {
		return
	}
	last := len(v.contents) - 1
	if last >= 0 && v.contents[last].Role == role && v.results == results {
		v.contents[last].Parts = append(v.contents[last].Parts, parts...)
		return
	}
	v.contents = append(v.contents, content{Role: role, Parts: parts})
	v.results = results
}

// model adds what the assistant said. Thoughts go back without their
// signatures: those may be another vendor's, and Gemini puts its own on calls
// and texts. https://ai.google.dev/gemini-api/docs/thought-signatures
func (v *conversation) model(m *chat.Message) error {
	var parts []part
	for i := range m.ThinkingBlocks {
		if text := m.ThinkingBlocks[i].Thinking; text != "" {
			parts = append(parts, part{Text: text, Thought: true})
		}
	}
	fields, err := readFields(m.ProviderFields)
	if err != nil {
		return err
	}
	parts = append(parts, fields.serverParts()...)
	said, err := v.codec.parts(m.Content)
	if err != nil {
		return err
	}
	parts = append(parts, said...)
	if n := len(fields.Signatures); n > 0 && len(said) > 0 && len(m.ToolCalls) == 0 {
		parts[len(parts)-1].ThoughtSignature = fields.Signatures[n-1]
	}
	for i := range m.Images {
		p, err := v.codec.part(&m.Images[i])
		if err != nil {
			return err
		}
		parts = append(parts, p)
	}
	parts, err = v.calls(parts, m)
	v.say(modelRole, false, parts...)
	return err
}

// unsigned tells Gemini 3 that a call is not its own, so that it does not miss
// its signature; "skip_thought_signature_validator" in base64.
// https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
const unsigned = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="

// calls adds the calls of functions.
func (v *conversation) calls(parts []part, m *chat.Message) ([]part, error) {
	calls := m.ToolCalls
	if len(calls) == 0 && m.FunctionCall != nil {
		calls = []chat.ToolCall{{ID: m.FunctionCall.Name, Function: *m.FunctionCall}}
	}
	first, signed := len(parts), false
	for i := range calls {
		call := &calls[i]
		id, signature := signatureOf(call)
		if v.names == nil {
			v.names = map[string]string{}
		}
		v.names[id] = call.Function.Name
		args, err := arguments(call.Function.Arguments)
		if err != nil {
			return parts, err
		}
		signed = signed || signature != ""
		parts = append(parts, part{
			FunctionCall: &functionCall{ID: v.codec.callID(id), Name: call.Function.Name, Args: args}, ThoughtSignature: signature,
		})
	}
	if len(calls) > 0 && !signed && v.codec.traits.third() {
		parts[first].ThoughtSignature = unsigned
	}
	return parts, nil
}

// callID is the id of a call as it is sent: Gemini 3 matches results by it,
// Vertex AI has refused it.
func (c *Codec) callID(id string) string {
	if c.traits.third() && !c.site.Vertex {
		return id
	}
	return ""
}

func arguments(text string) (json.RawMessage, error) {
	b := bytes.TrimSpace([]byte(text))
	switch {
	case len(b) == 0 || jsonx.IsNull(b):
		return json.RawMessage("{}"), nil
	case b[0] != '{' || !json.Valid(b):
		return nil, apierr.BadRequest("Invalid value for 'messages.tool_calls.function.arguments': expected a JSON object")
	}
	return b, nil
}

// result adds the result of a function.
func (v *conversation) result(m *chat.Message) error {
	id, _ := splitID(m.ToolCallID)
	name := v.names[id]
	if name == "" {
		name = m.Name
	}
	if name == "" {
		return apierr.BadRequest("Missing corresponding tool call for tool response message: tool_call_id %q is none of the calls before it", m.ToolCallID)
	}
	text, media := split(m.Content)
	parts, err := v.codec.parts(media)
	if err != nil {
		return err
	}
	r := &functionResponse{ID: v.codec.callID(id), Name: name, Response: response(text, m.IsError)}
	if v.codec.traits.third() {
		r.Parts, parts = parts, nil
	}
	v.say(userRole, true, append([]part{{FunctionResponse: r}}, parts...)...)
	return nil
}

// split tells the text of a result from what else is in it.
func split(c chat.Content) (text string, media chat.Content) {
	var texts []string
	for i := range c {
		if c[i].Type == chat.TextPart || c[i].Type == "" {
			texts = append(texts, c[i].Text)
		} else {
			media = append(media, c[i])
		}
	}
	return strings.Join(texts, ""), media
}

// response is the object that Gemini wants a result to be.
func response(text string, failed bool) json.RawMessage {
	b := bytes.TrimSpace([]byte(text))
	if !failed && len(b) > 0 && b[0] == '{' && json.Valid(b) {
		return b
	}
	name := `{"content":`
	if failed {
		name = `{"error":`
	}
	return append(jsonx.AppendQuote([]byte(name), text), '}')
}
