package fakevendor

import (
	"fmt"
	"strings"
)

// stream sends the answer as events.
// https://platform.openai.com/docs/api-reference/chat-streaming
func (x *exchange) stream(o Options) {
	h := x.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Request-Id", "req_vendor")
	chat := strings.HasSuffix(x.call.Path, "/chat/completions")
	s := &sender{exchange: x, options: o, chat: chat}
	if chat {
		s.opening()
	}
	if !s.content() {
		return
	}
	s.ending()
}

// sender sends the events of one stream.
type sender struct {
	*exchange

	options Options
	chat    bool
}

func (s *sender) opening() {
	if s.callsTool() {
		s.choice(fmt.Sprintf(`"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_vendor1","type":"function","function":{"name":%s,"arguments":""}}],"refusal":null}`, quote(s.toolName())), "null")
		return
	}
	s.choice(`"delta":{"role":"assistant","content":"","refusal":null}`, "null")
}

// content reports whether the stream goes on.
func (s *sender) content() bool {
	pieces, form := s.options.pieces(), `"text":%s`
	switch {
	case s.chat && s.callsTool():
		pieces, form = []string{Arguments[:7], Arguments[7:20], Arguments[20:]}, `"delta":{"tool_calls":[{"index":0,"function":{"arguments":%s}}]}`
	case s.chat:
		form = `"delta":{"content":%s}`
	}
	for i, piece := range pieces {
		if i > 0 && s.options.Gate != nil {
			select {
			case <-s.options.Gate:
			case <-s.r.Context().Done():
				return false
			case <-s.done:
				return false
			}
		}
		if s.options.CutAfter > 0 && i == s.options.CutAfter {
			s.abort()
		}
		s.choice(fmt.Sprintf(form, quote(piece)), "null")
	}
	return true
}

func (s *sender) ending() {
	switch {
	case s.chat && s.callsTool():
		s.choice(`"delta":{}`, `"tool_calls"`)
	case s.chat:
		s.choice(`"delta":{}`, `"stop"`)
	default:
		s.choice(`"text":""`, `"stop"`)
	}
	if s.call.includeUsage && !s.options.OmitUsage {
		s.event(s.chunk("", s.options.usage()))
	}
	s.event("[DONE]")
}

func (s *sender) choice(what, reason string) {
	usage := ""
	if s.call.includeUsage {
		usage = "null"
	}
	s.event(s.chunk(fmt.Sprintf(`{"index":0,%s,"logprobs":null,"finish_reason":%s}`, what, reason), usage))
}

func (s *sender) chunk(choice, usage string) string {
	id, object := "cmpl-vendor", "text_completion"
	if s.chat {
		id, object = "chatcmpl-vendor", "chat.completion.chunk"
	}
	if usage != "" {
		usage = `,"usage":` + usage
	}
	return fmt.Sprintf(`{"id":%q,"object":%q,"created":1760000000,"model":%s,"service_tier":"default","system_fingerprint":"fp_vendor","choices":[%s]%s,"obfuscation":"x"}`,
		id, object, s.model(), choice, usage)
}

func (s *sender) event(data string) {
	text := "data: " + data + "\n\n"
	step := s.options.Dribble
	if step <= 0 {
		step = len(text)
	}
	for len(text) > 0 {
		n := min(step, len(text))
		s.write(text[:n])
		s.flush()
		text = text[n:]
	}
}
