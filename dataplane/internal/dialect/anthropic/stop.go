package anthropic

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// stop is why a model stopped.
type stop struct {
	reason  string // in OpenAI's words
	called  bool   // tools
	refused bool

	// As Anthropic said it, where it did.
	own               string
	sequence, details []byte
}

// take takes what a codec of Anthropic's wire adds to an answer.
func (s *stop) take(fields []byte) {
	if len(fields) == 0 {
		return
	}
	var sc jsonx.Scanner
	for sc.Reset(fields); sc.Next(); {
		value := sc.Value().Of(fields)
		switch string(sc.Key()) {
		case "stop_reason":
			s.own, _ = jsonx.Unquote(value)
		case "stop_sequence":
			s.sequence = append([]byte(nil), value...)
		case "stop_details":
			s.details = append([]byte(nil), value...)
		}
	}
}

// word says it in Anthropic's words.
func (s *stop) word() string {
	switch {
	case s.own != "":
		return s.own
	case s.refused:
		return "refusal"
	}
	switch s.reason {
	case chat.FinishLength:
		return "max_tokens"
	case chat.FinishToolCalls, chat.FinishFunctionCall:
		return "tool_use"
	case chat.FinishContentFilter:
		return "refusal"
	}
	if s.called { // some vendors say "stop" there
		return "tool_use"
	}
	return "end_turn"
}

// append writes the members of a message that say why it ends.
func (s *stop) append(b []byte) []byte {
	b = jsonx.AppendQuote(append(b, `"stop_reason":`...), s.word())
	b = append(b, `,"stop_sequence":`...)
	if s.sequence == nil {
		b = append(b, `null`...)
	} else {
		b = append(b, s.sequence...)
	}
	if s.details != nil {
		b = append(append(b, `,"stop_details":`...), s.details...)
	}
	return b
}
