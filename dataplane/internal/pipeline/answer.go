package pipeline

import (
	"bytes"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// tokens is what a request used.
type tokens struct {
	input, output, cached, reasoning int64
	known                            bool
	chunks                           int64 // of a stream
}

// take reads a usage object. Counts that are not there stay as they are.
func (t *tokens) take(usage []byte) {
	var s, details jsonx.Scanner
	s.Reset(usage)
	for s.Next() {
		value := s.Value().Of(usage)
		switch string(s.Key()) {
		case "prompt_tokens", "input_tokens":
			t.input, t.known = jsonx.Int(value), true
		case "completion_tokens", "output_tokens":
			t.output, t.known = jsonx.Int(value), true
		case "prompt_tokens_details":
			details.Reset(value)
			for details.Next() {
				if string(details.Key()) == "cached_tokens" {
					t.cached = jsonx.Int(details.Value().Of(value))
				}
			}
		case "completion_tokens_details":
			details.Reset(value)
			for details.Next() {
				if string(details.Key()) == "reasoning_tokens" {
					t.reasoning = jsonx.Int(details.Value().Of(value))
				}
			}
		}
	}
}

// bytesPerToken is how many bytes of English make a token of most
// vocabularies, about.
const bytesPerToken = 4

// estimate fills in what the vendor did not report.
func (t *tokens) estimate(request []byte, answerBytes int64) {
	t.input = int64(len(request)+bytesPerToken-1) / bytesPerToken
	if t.chunks > 0 {
		t.output = t.chunks // vendors send about a token in each
		return
	}
	t.output = (answerBytes + bytesPerToken - 1) / bytesPerToken
}

// readAnswer checks an answer, takes its usage, and returns the edit that puts
// the model name that the client asked for in place of the vendor's.
func (x *exchange) readAnswer(body []byte) (jsonx.Edit, error) {
	var s jsonx.Scanner
	var edit jsonx.Edit
	s.Reset(body)
	for s.Next() {
		switch string(s.Key()) {
		case "model":
			edit = x.restamp(body, s.Value())
		case "usage":
			x.tokens.take(s.Value().Of(body))
		}
	}
	if s.Err() != nil {
		return edit, x.badAnswer("the answer is not a JSON object")
	}
	if !x.tokens.known {
		answer := int64(len(body))
		if x.endpoint.Surface == provider.Embeddings {
			answer = 0
		}
		x.tokens.estimate(*x.body, answer)
		x.usage.Estimated = true
	}
	return edit, nil
}

func (x *exchange) restamp(body []byte, at jsonx.Span) jsonx.Edit {
	if x.modelJSON == nil || bytes.Equal(at.Of(body), x.modelJSON) {
		return jsonx.Edit{}
	}
	return jsonx.Edit{At: at, New: x.modelJSON}
}

// writeEdited sends a body with one edit. Small bodies are put together first:
// one write costs less than three.
func (x *exchange) writeEdited(body []byte, edit jsonx.Edit) error {
	if len(body) > pooledBuffer {
		for _, part := range [...][]byte{body[:edit.At.Start], edit.New, body[edit.At.End:]} {
			if _, err := x.w.Write(part); err != nil {
				return errClientGone
			}
		}
		return nil
	}
	out := getBuffer()
	defer putBuffer(out)
	*out = append(append(append(*out, body[:edit.At.Start]...), edit.New...), body[edit.At.End:]...)
	_, err := x.w.Write(*out)
	return x.clientError(err)
}
