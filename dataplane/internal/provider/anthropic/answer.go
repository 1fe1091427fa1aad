package anthropic

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// reading is what has to be known of a request to read its answer.
type reading struct {
	names  map[string]string // the client's names of tools by Anthropic's
	format bool              // the answer comes as the arguments of formatTool
	prefix string            // the beginning of the answer, which the client wrote
}

// name returns the client's name of a tool.
func (r *reading) name(tool string) string {
	if name, ok := r.names[tool]; ok {
		return name
	}
	return tool
}

// wireAnswer is an answer that is not a stream.
type wireAnswer struct {
	Type         string            `json:"type"`
	ID           string            `json:"id"`
	Model        string            `json:"model"`
	Content      []json.RawMessage `json:"content"`
	StopReason   string            `json:"stop_reason"`
	StopSequence json.RawMessage   `json:"stop_sequence"`
	StopDetails  json.RawMessage   `json:"stop_details"`
	Container    json.RawMessage   `json:"container"`
	Management   json.RawMessage   `json:"context_management"`
	Usage        json.RawMessage   `json:"usage"`
}

// answerBlock is a block of an answer.
type answerBlock struct {
	Type      string            `json:"type"`
	Text      string            `json:"text"`
	Thinking  string            `json:"thinking"`
	Signature string            `json:"signature"`
	Data      string            `json:"data"`
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Input     json.RawMessage   `json:"input"`
	Citations []json.RawMessage `json:"citations"`
}

// whole reads an answer that is not a stream.
func (r *reading) whole(body []byte) (*chat.Response, error) {
	var in wireAnswer
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("decode message: %w", err)
	}
	switch in.Type {
	case "message":
	case "error":
		return nil, failure(body)
	default:
		return nil, fmt.Errorf("decode message: its type is %.32q", in.Type)
	}
	a := answer{reading: r}
	for _, raw := range in.Content {
		if err := a.block(raw); err != nil {
			return nil, err
		}
	}
	a.fields.stop(in.StopReason, in.StopSequence, in.StopDetails)
	a.fields.add(fieldContainer, in.Container)
	a.fields.add(fieldManagement, in.Management)
	out := &chat.Response{ID: in.ID, Model: in.Model, Choices: []chat.Choice{{Message: a.message(), FinishReason: a.finish(in.StopReason)}}}
	out.HasUsage = out.Usage.ReadAnthropic(in.Usage)
	out.ServiceTier = serviceTier(in.Usage)
	return out, nil
}

// answer is a message in the making.
type answer struct {
	*reading

	text      strings.Builder
	length    int // of text, in characters
	thoughts  strings.Builder
	thinking  []chat.ThinkingBlock
	calls     []chat.ToolCall
	formatted bool

	fields      fields
	vendor      map[string][]json.RawMessage // blocks of tools that ran at the vendor, by field
	citations   [][]json.RawMessage
	annotations annotations
}

func (a *answer) block(raw json.RawMessage) error {
	var b answerBlock
	if err := json.Unmarshal(raw, &b); err != nil {
		return fmt.Errorf("decode block: %w", err)
	}
	switch b.Type {
	case blockText:
		a.say(b.Text, b.Citations)
	case blockThinking:
		a.thoughts.WriteString(b.Thinking)
		a.thinking = append(a.thinking, chat.ThinkingBlock{Type: chat.ThinkingType, Thinking: b.Thinking, Signature: b.Signature})
	case blockRedactedThinking:
		a.thinking = append(a.thinking, chat.ThinkingBlock{Type: chat.RedactedThinkingType, Data: b.Data})
	case blockToolUse:
		a.call(&b)
	default:
		if a.vendor == nil {
			a.vendor = map[string][]json.RawMessage{}
		}
		field := fieldOf(b.Type)
		a.vendor[field] = append(a.vendor[field], raw)
	}
	return nil
}

func (a *answer) say(text string, citations []json.RawMessage) {
	start := a.length
	a.text.WriteString(text)
	a.length += utf8.RuneCountInString(text)
	if len(citations) == 0 {
		return
	}
	a.citations = append(a.citations, citations)
	for _, c := range citations {
		a.annotations.add(c, start, a.length)
	}
}

func (a *answer) call(b *answerBlock) {
	input := string(b.Input)
	if input == "" {
		input = "{}"
	}
	if a.format && b.Name == formatTool {
		a.formatted = true
		a.text.WriteString(input)
		return
	}
	a.calls = append(a.calls, chat.ToolCall{ID: b.ID, Type: chat.FunctionTool, Function: chat.Function{Name: a.name(b.Name), Arguments: input}})
}

func (a *answer) finish(stop string) string {
	if stop == stopToolUse && a.formatted && len(a.calls) == 0 {
		return chat.FinishStop
	}
	return finishReason(stop)
}

func (a *answer) message() chat.Message {
	m := chat.Message{
		Role: chat.Assistant, ToolCalls: a.calls, ReasoningContent: a.thoughts.String(), ThinkingBlocks: a.thinking, Annotations: a.annotations.json(),
	}
	if text := a.prefix + a.text.String(); text != "" {
		m.Content = chat.Text(text)
	}
	if len(a.citations) > 0 {
		if b, err := marshal(a.citations); err == nil {
			a.fields.add(fieldCitations, b)
		}
	}
	for _, name := range []string{fieldServerTools, fieldSearches, fieldResults, fieldCompactions} {
		a.fields.list(name, a.vendor[name])
	}
	m.ProviderFields = a.fields.json()
	return m
}

// failure reads an error that comes with a success: in a stream, or where an
// answer should be.
func failure(body []byte) *provider.Failure {
	f := &provider.Failure{}
	f.Explain(body)
	f.Status = statusOf(errorType(body))
	return f
}

// statusOverloaded is Anthropic's own.
const statusOverloaded = 529

// statusOf returns the status that goes with a type of error:
// https://platform.claude.com/docs/en/api/errors
func statusOf(kind string) int {
	switch kind {
	case "invalid_request_error":
		return http.StatusBadRequest
	case "authentication_error":
		return http.StatusUnauthorized
	case "billing_error":
		return http.StatusPaymentRequired
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error":
		return http.StatusNotFound
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_limit_error":
		return http.StatusTooManyRequests
	case "timeout_error":
		return http.StatusGatewayTimeout
	case "overloaded_error":
		return statusOverloaded
	}
	return http.StatusInternalServerError
}
