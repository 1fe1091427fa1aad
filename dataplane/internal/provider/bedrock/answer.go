package bedrock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

// reader reads the answers to one request.
type reader struct {
	names      *toolNames
	formatTool string
}

// The parts of an answer that are read.
//
//nolint:tagliatelle // AWS's names
type (
	wireAnswer struct {
		Output struct {
			Message struct {
				Content []answerBlock `json:"content"`
			} `json:"message"`
		} `json:"output"`
		StopReason  string          `json:"stopReason"`
		Usage       *wireUsage      `json:"usage"`
		Trace       json.RawMessage `json:"trace"`
		Additional  json.RawMessage `json:"additionalModelResponseFields"`
		ServiceTier wireTier        `json:"serviceTier"`
	}

	wireTier struct {
		Type string `json:"type"`
	}

	answerBlock struct {
		Text      string         `json:"text"`
		ToolUse   *wireToolUse   `json:"toolUse"`
		Reasoning *wireReasoning `json:"reasoningContent"`
		Image     *wireMedia     `json:"image"`
		Citations *struct {
			Content []struct {
				Text string `json:"text"`
			} `json:"content"`
			Citations json.RawMessage `json:"citations"`
		} `json:"citationsContent"`
	}

	wireUsage struct {
		Input        int64 `json:"inputTokens"`
		Output       int64 `json:"outputTokens"`
		CacheRead    int64 `json:"cacheReadInputTokens"`
		CacheWrite   int64 `json:"cacheWriteInputTokens"`
		CacheDetails []struct {
			Input int64  `json:"inputTokens"`
			TTL   string `json:"ttl"`
		} `json:"cacheDetails"`
	}
)

// into adds up as OpenAI does: the prompt is all that was read.
func (w *wireUsage) into(u *chat.Usage) {
	*u = chat.Usage{
		Input: w.Input + w.CacheRead + w.CacheWrite, Output: w.Output, CachedInput: w.CacheRead, CacheWrite: w.CacheWrite,
	}
	for _, d := range w.CacheDetails {
		if d.TTL == hour {
			u.CacheWrite1h += d.Input
		}
	}
}

// finish translates a stop reason.
func finish(reason string) string {
	switch reason {
	case "max_tokens", "model_context_window_exceeded":
		return chat.FinishLength
	case "tool_use":
		return chat.FinishToolCalls
	case "guardrail_intervened", "content_filtered":
		return chat.FinishContentFilter
	}
	return chat.FinishStop // end_turn, stop_sequence, malformed_model_output, malformed_tool_use
}

// whole reads an answer that is not a stream.
func (r *reader) whole(body []byte) (*chat.Response, error) {
	var w wireAnswer
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, fmt.Errorf("converse: %w", err)
	}
	if w.StopReason == "" && len(w.Output.Message.Content) == 0 {
		return nil, errors.New("converse: neither a message nor a reason why there is none")
	}
	a := &chat.Response{ServiceTier: w.ServiceTier.Type}
	choice := chat.Choice{FinishReason: finish(w.StopReason), Message: chat.Message{Role: chat.Assistant}}
	r.message(w.Output.Message.Content, &choice.Message)
	if choice.FinishReason == chat.FinishToolCalls && len(choice.Message.ToolCalls) == 0 {
		choice.FinishReason = chat.FinishStop // the tool was ours
	}
	a.Choices = []chat.Choice{choice}
	if w.Usage != nil {
		w.Usage.into(&a.Usage)
		a.HasUsage = true
	}
	for name, value := range map[string]json.RawMessage{"trace": w.Trace, "additionalModelResponseFields": w.Additional} {
		if object(value) {
			if a.Extra == nil {
				a.Extra = map[string]json.RawMessage{}
			}
			a.Extra[name] = value
		}
	}
	return a, nil
}

func (r *reader) message(blocks []answerBlock, m *chat.Message) {
	var text, thoughts strings.Builder
	var citations []json.RawMessage
	for i := range blocks {
		b := &blocks[i]
		text.WriteString(b.Text)
		switch {
		case b.ToolUse != nil && b.ToolUse.Name == r.formatTool:
			text.WriteString(arguments(b.ToolUse.Input))
		case b.ToolUse != nil:
			m.ToolCalls = append(m.ToolCalls, chat.ToolCall{
				ID: b.ToolUse.ID, Type: chat.FunctionTool, Function: chat.Function{Name: r.names.toClient(b.ToolUse.Name), Arguments: arguments(b.ToolUse.Input)},
			})
		case b.Reasoning != nil:
			t := thought(b.Reasoning)
			thoughts.WriteString(t.Thinking)
			m.ThinkingBlocks = append(m.ThinkingBlocks, t)
		case b.Image != nil:
			m.Images = append(m.Images, picture(b.Image))
		case b.Citations != nil:
			for _, c := range b.Citations.Content {
				text.WriteString(c.Text)
			}
			citations = append(citations, b.Citations.Citations)
		}
	}
	if text.Len() > 0 || len(m.ToolCalls) == 0 {
		m.Content = chat.Text(text.String())
	}
	m.ReasoningContent = thoughts.String()
	if len(citations) > 0 {
		if raw, err := json.Marshal(map[string]any{"citationsContent": citations}); err == nil {
			m.ProviderFields = raw
		}
	}
}

// arguments writes the input of a tool as OpenAI has it: as text.
func arguments(input json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, input) != nil || b.Len() == 0 {
		return "{}"
	}
	return b.String()
}

func thought(r *wireReasoning) chat.ThinkingBlock {
	if r.Text == nil {
		return chat.ThinkingBlock{Type: chat.RedactedThinkingType, Data: r.Redacted}
	}
	return chat.ThinkingBlock{Type: chat.ThinkingType, Thinking: r.Text.Text, Signature: r.Text.Signature}
}

func picture(m *wireMedia) chat.Part {
	return chat.Part{Type: chat.ImagePart, Image: &chat.Image{URL: "data:image/" + m.Format + ";base64," + m.Source.Bytes}}
}
