package payload

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// Events counts the events of a stream in OpenAI's wire: 49 pieces of text,
	// usage and [DONE].
	Events = 51
	// MessageEvents counts those in Anthropic's: 50 pieces of text, and six
	// around them.
	MessageEvents = 56

	chatPieces    = Events - 2
	messagePieces = MessageEvents - 6
)

// stampMark precedes, in the first event of a stream of OpenAI's, the time at
// which it was sent, in nanoseconds since 1970 with 19 digits.
const (
	stampMark   = "sent-at="
	stampDigits = 19
	noStamp     = stampMark + "1700000000000000000"
)

// Stream is the answer in events. The first may be stamped anew for each
// answer.
type Stream struct {
	first []byte
	stamp int // where the digits stand, 0 for nowhere
	rest  [][]byte
}

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n" + commonHead + "Transfer-Encoding: chunked\r\n\r\n"

// NewStream prepares the events of a stream, each in a chunk of its own.
func (w Wire) NewStream() *Stream {
	events := chatEvents()
	if w == Anthropic {
		events = messageEvents()
	}
	s := &Stream{first: append([]byte(streamHead), events[0]...), rest: events[1:]}
	if at := bytes.Index(s.first, []byte(stampMark)); at >= 0 {
		s.stamp = at + len(stampMark)
	}
	last := &s.rest[len(s.rest)-1]
	*last = append(*last, "0\r\n\r\n"...)
	return s
}

// piece is one of the texts of a stream, as long as a token or two.
func piece(i int) string { return fmt.Sprintf("word%d ", i) }

func chatEvents() [][]byte {
	events := [][]byte{dataChunk(chatDelta(noStamp, "null"))}
	for i := range chatPieces - 2 {
		events = append(events, dataChunk(chatDelta(piece(i), "null")))
	}
	events = append(events, dataChunk(chatDelta(piece(chatPieces-2), `"stop"`)))
	usage := fmt.Sprintf(`{"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1793534400,"model":%q,"choices":[],"usage":%s}`,
		UpstreamModel, chatUsage())
	return append(events, dataChunk(usage), dataChunk("[DONE]"))
}

func chatDelta(content, finish string) string {
	return fmt.Sprintf(`{"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1793534400,"model":%q,"choices":[{"index":0,`+
		`"delta":{"content":%q},"logprobs":null,"finish_reason":%s}],"usage":null}`, UpstreamModel, content, finish)
}

func messageEvents() [][]byte {
	start := fmt.Sprintf(`{"type":"message_start","message":{"id":"msg_0123456789abcdef01234567","type":"message","role":"assistant","model":%q,`+
		`"content":[],"stop_reason":null,"stop_sequence":null,"usage":%s}}`, UpstreamClaude, messageUsage(1))
	events := [][]byte{
		eventChunk("message_start", start),
		eventChunk("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
		eventChunk("ping", `{"type":"ping"}`),
	}
	for i := range messagePieces {
		delta := fmt.Sprintf(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%q}}`, piece(i))
		events = append(events, eventChunk("content_block_delta", delta))
	}
	end := fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":%s}`, messageUsage(completionTokens))
	return append(events,
		eventChunk("content_block_stop", `{"type":"content_block_stop","index":0}`),
		eventChunk("message_delta", end),
		eventChunk("message_stop", `{"type":"message_stop"}`),
	)
}

func dataChunk(data string) []byte { return chunk("data: " + data + "\n\n") }

func eventChunk(name, data string) []byte {
	return chunk("event: " + name + "\ndata: " + data + "\n\n")
}

func chunk(event string) []byte { return fmt.Appendf(nil, "%x\r\n%s\r\n", len(event), event) }

// First appends the head and the first event, sent now.
func (s *Stream) First(dst []byte, now time.Time) []byte {
	at := len(dst) + s.stamp
	dst = append(dst, s.first...)
	if s.stamp > 0 {
		strconv.AppendInt(dst[at:at], now.UnixNano(), 10)
	}
	return dst
}

// Rest returns the other events, the last with the end of the body. It must
// not be written to.
func (s *Stream) Rest() [][]byte { return s.rest }

// Stamp finds when the first event, some bytes of which are b, was sent.
func Stamp(b []byte) (time.Time, bool) {
	_, after, ok := bytes.Cut(b, []byte(stampMark))
	if !ok || len(after) < stampDigits {
		return time.Time{}, false
	}
	ns, err := strconv.ParseInt(string(after[:stampDigits]), 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(0, ns), true
}

// streamText is what the pieces of a stream say together, but for a stamp.
func (w Wire) streamText() string {
	n := chatPieces - 1
	if w == Anthropic {
		n = messagePieces
	}
	var b strings.Builder
	for i := range n {
		b.WriteString(piece(i))
	}
	return b.String()
}
