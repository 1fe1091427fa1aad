package ollama

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// ReadAnswer reads a whole answer.
func ReadAnswer(body []byte) (*chat.Response, error) { return readAnswer(body) }

// NewDecoder returns the decoder of a stream.
func NewDecoder() native.Decoder { return &decoder{} }

// NewCodec returns the codec.
func NewCodec(model string) native.Chatter { return &codec{model: model} }

// Split tells the thoughts of a text that comes in pieces from the rest.
func Split(pieces []string) (reasoning, text string) {
	var t thought
	for _, p := range pieces {
		r, s := t.add(p)
		reasoning, text = reasoning+r, text+s
	}
	r, s := t.end()
	return reasoning + r, text + s
}
