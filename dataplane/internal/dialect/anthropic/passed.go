package anthropic

import (
	"bytes"
	"strconv"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// What is read of answers that pass through as they came.

//nolint:gochecknoglobals // read-only
var (
	blockEvent  = []byte(`{"type":"content_block_`)
	startOfIt   = []byte(`"message_start"`)
	usageMember = []byte(`"usage"`)
)

// Usage implements dialect.Dialect. Almost all events are of blocks, and say
// nothing of usage.
func (Dialect) Usage(data []byte, u *chat.Usage) bool {
	if bytes.HasPrefix(data, blockEvent) || !bytes.Contains(data, usageMember) {
		return false
	}
	var s jsonx.Scanner
	found := false
	for s.Reset(data); s.Next(); {
		value := s.Value().Of(data)
		switch string(s.Key()) {
		case "usage":
			found = u.ReadAnthropic(value) || found
		case "message": // of the event that starts a stream
			found = u.ReadAnthropic(jsonx.Lookup(value, "usage").Of(value)) || found
		}
	}
	return found
}

// Model implements dialect.Dialect: it stands in a whole message, and in the
// one that starts a stream.
func (Dialect) Model(data []byte) jsonx.Span {
	if bytes.HasPrefix(data, blockEvent) {
		return jsonx.Span{}
	}
	if !bytes.Contains(data, startOfIt) {
		return jsonx.Lookup(data, "model")
	}
	message := jsonx.Lookup(data, "message")
	model := jsonx.Lookup(message.Of(data), "model")
	if model.Empty() {
		return jsonx.Lookup(data, "model")
	}
	return jsonx.Span{Start: message.Start + model.Start, End: message.Start + model.End}
}

// Count writes the answer to a request whose tokens were counted.
func Count(tokens int64) []byte {
	return append(strconv.AppendInt([]byte(`{"input_tokens":`), tokens, 10), '}')
}
