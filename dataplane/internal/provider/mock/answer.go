package mock

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

// answer is what the model says, before it has a shape. It holds nothing of
// the call, which ends before a stream is read.
type answer struct {
	surface            provider.Surface
	callID             string
	created            int64
	text               string
	calls              []toolCall
	prompt, completion int    // tokens
	usage              []byte // instead of them
}

func (b *backend) compose(req *request) answer {
	echo := b.echo && !req.hasText
	a := answer{surface: req.call.Surface, callID: req.call.CallID, created: time.Now().Unix(), text: fixedText, usage: req.usage}
	if req.hasText {
		a.text = req.text
	}
	var in asked
	if a.surface == provider.Completions {
		in = readPrompt(req.prompt)
	} else {
		in = readMessages(req.messages, echo)
		a.calls = req.calls
		if call, forced := forcedCall(req.tools, req.toolChoice); forced && len(a.calls) == 0 {
			a.calls = []toolCall{call}
		}
	}
	if echo {
		a.text = in.text
	}
	if req.call.Stream && len(a.calls) == 0 {
		a.text = stretch(a.text, req.chunks)
	}
	a.prompt, a.completion = in.tokens, a.completionTokens()
	return a
}

func (a *answer) completionTokens() int {
	if len(a.calls) == 0 {
		return tokens(len(a.text))
	}
	size := 0
	for i := range a.calls {
		size += len(a.calls[i].name) + len(a.calls[i].arguments)
	}
	return tokens(size)
}

// unpackObject takes out of a whole response what a stream of it would say.
func (r *request) unpackObject() {
	var object struct {
		Choices []struct {
			Text    *string `json:"text"`
			Message struct {
				Content   *string         `json:"content"`
				ToolCalls json.RawMessage `json:"tool_calls"`
			} `json:"message"`
		} `json:"choices"`
		Usage json.RawMessage `json:"usage"`
	}
	r.text, r.hasText = "", true
	if json.Unmarshal(r.object, &object) != nil || len(object.Choices) == 0 {
		return
	}
	choice := &object.Choices[0]
	if choice.Text != nil {
		r.text = *choice.Text
	}
	if choice.Message.Content != nil {
		r.text = *choice.Message.Content
	}
	if calls, err := parseToolCalls(choice.Message.ToolCalls); err == nil && len(calls) > 0 {
		r.calls = calls
	}
	if len(object.Usage) > 0 && object.Usage[0] == '{' {
		_ = r.setUsage(nil, object.Usage) // an object, and valid as a part of one
	}
}

// finishReason as JSON.
func (a *answer) finishReason() string {
	if len(a.calls) > 0 {
		return `"tool_calls"`
	}
	return `"stop"`
}

// appendHead opens a response object; kind is chat.completion and the like.
func (b *backend) appendHead(dst []byte, a *answer, prefix, kind string) []byte {
	dst = append(append(dst, `{"id":"`...), prefix...)
	dst = appendEscaped(dst, a.callID)
	dst = append(append(dst, `","object":"`...), kind...)
	dst = strconv.AppendInt(append(dst, `","created":`...), a.created, 10)
	return append(append(dst, `,"model":`...), b.model...)
}

// appendChat renders a whole chat completion:
// https://platform.openai.com/docs/api-reference/chat/object
func (b *backend) appendChat(dst []byte, a *answer) []byte {
	dst = b.appendHead(dst, a, "chatcmpl-", "chat.completion")
	dst = append(dst, `,"choices":[{"index":0,"message":{"role":"assistant","content":`...)
	if len(a.calls) == 0 {
		dst = appendString(dst, a.text)
	} else {
		dst = append(dst, `null,"tool_calls":[`...)
		for i := range a.calls {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCall(append(dst, '{'), &a.calls[i], a.callID, i)
			dst = append(appendString(dst, a.calls[i].arguments), `}}`...)
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `,"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":`...)
	dst = append(append(dst, a.finishReason()...), `}],"usage":`...)
	return append(appendUsage(dst, a), `,"service_tier":"default","system_fingerprint":"fp_mock"}`...)
}

// appendCompletion renders a whole text completion:
// https://platform.openai.com/docs/api-reference/completions/object
func (b *backend) appendCompletion(dst []byte, a *answer) []byte {
	dst = b.appendHead(dst, a, "cmpl-", "text_completion")
	dst = appendString(append(dst, `,"choices":[{"text":`...), a.text)
	dst = append(dst, `,"index":0,"logprobs":null,"finish_reason":"stop"}],"usage":`...)
	return append(appendUsage(dst, a), '}')
}

func appendUsage(dst []byte, a *answer) []byte {
	if a.usage != nil {
		return append(dst, a.usage...)
	}
	dst = strconv.AppendInt(append(dst, `{"prompt_tokens":`...), int64(a.prompt), 10)
	dst = strconv.AppendInt(append(dst, `,"completion_tokens":`...), int64(a.completion), 10)
	dst = strconv.AppendInt(append(dst, `,"total_tokens":`...), int64(a.prompt+a.completion), 10)
	if a.surface == provider.ChatCompletions {
		dst = append(dst, `,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},`+
			`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}`...)
	}
	return append(dst, '}')
}
