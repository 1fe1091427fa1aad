package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrAnswer says that an answer is not the one that the vendor gave, in the
// wire of the client.
var ErrAnswer = errors.New("not the right answer")

// Check reports whether body is the right answer to k: what the vendor said,
// with its usage, in the wire of the client. An answer that is wrong would be
// measured like one that is right.
func (k Kind) Check(body []byte) error {
	var a said
	if err := a.read(k, body); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	want := text(textBytes)
	if k.Stream {
		want = k.Vendor.streamText()
	}
	got := a.text.String()
	if stamped, ok := strings.CutPrefix(got, stampMark); ok {
		got = stamped[min(len(stamped), stampDigits):]
	}
	switch {
	case got != want:
		return fmt.Errorf("%w: its text has %d bytes, not these %d", ErrAnswer, len(got), len(want))
	case a.input != promptTokens || a.output != completionTokens:
		return fmt.Errorf("%w: it used %d and %d tokens, not %d and %d", ErrAnswer, a.input, a.output, promptTokens, completionTokens)
	case k.Stream && a.pieces < chatPieces:
		return fmt.Errorf("%w: its text came in %d pieces", ErrAnswer, a.pieces)
	case !a.ended:
		return fmt.Errorf("%w: it has no end", ErrAnswer)
	}
	return nil
}

// said is what an answer says.
type said struct {
	text          strings.Builder
	pieces        int
	input, output int
	ended         bool
}

func (a *said) read(k Kind, body []byte) error {
	take := a.chat
	if k.Wire == Anthropic {
		take = a.message
	}
	if !k.Stream {
		return take(body)
	}
	for event := range bytes.SplitSeq(body, []byte("\n\n")) {
		_, data, ok := bytes.Cut(event, []byte("data: "))
		switch {
		case !ok:
		case string(data) == "[DONE]":
			a.ended = true
		default:
			if err := take(data); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *said) say(text string) {
	if text != "" {
		a.text.WriteString(text)
		a.pieces++
	}
}

// chat takes an answer or an event of OpenAI's.
func (a *said) chat(b []byte) error {
	type message struct {
		Content string `json:"content"`
	}
	var in struct {
		Choices []struct {
			Message      message `json:"message"`
			Delta        message `json:"delta"`
			FinishReason string  `json:"finish_reason"`
		} `json:"choices"`
		Usage struct {
			Input  int `json:"prompt_tokens"`
			Output int `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	for i := range in.Choices {
		c := &in.Choices[i]
		a.say(c.Message.Content + c.Delta.Content)
		a.ended = a.ended || c.Message.Content != "" && c.FinishReason == "stop"
	}
	if in.Usage.Output > 0 {
		a.input, a.output = in.Usage.Input, in.Usage.Output
	}
	return nil
}

// message takes an answer or an event of Anthropic's.
func (a *said) message(b []byte) error {
	type usage struct {
		Input  int `json:"input_tokens"`
		Output int `json:"output_tokens"`
	}
	type block struct {
		Text string `json:"text"`
	}
	var in struct {
		Type    string  `json:"type"`
		Content []block `json:"content"`
		Delta   block   `json:"delta"`
		Message struct {
			Usage usage `json:"usage"`
		} `json:"message"`
		Usage usage `json:"usage"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	for i := range in.Content {
		a.say(in.Content[i].Text)
	}
	a.say(in.Delta.Text)
	for _, u := range []usage{in.Message.Usage, in.Usage} {
		a.input, a.output = max(a.input, u.Input), max(a.output, u.Output)
	}
	a.ended = a.ended || in.Type == "message" || in.Type == "message_stop"
	return nil
}
