package cohere

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// ReadAnswer reads a whole answer.
func ReadAnswer(body []byte) (*chat.Response, error) { return readAnswer(body) }

// NewDecoder returns the decoder of a stream.
func NewDecoder() native.Decoder { return &decoder{} }

// NewCodec returns the codec.
func NewCodec(model string) native.Chatter { return codec{slug: "cohere", model: model} }
