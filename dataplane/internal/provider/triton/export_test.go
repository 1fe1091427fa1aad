package triton

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/native"
)

// ReadAnswer reads a whole answer.
func ReadAnswer(body []byte) (*chat.Response, error) { return readGenerated(body) }

// NewDecoder returns the decoder of a stream.
func NewDecoder() native.Decoder { return &decoder{} }
