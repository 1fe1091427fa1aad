package payload

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// date and the other fields are those that a vendor sends with every answer.
const commonHead = "Date: Sun, 01 Nov 2026 12:00:00 GMT\r\nX-Request-Id: req_0123456789abcdef\r\nOpenai-Processing-Ms: 12\r\nServer: bench\r\n"

// Answer returns all bytes of a plain answer: a body of about 1 KB with usage.
func Answer() []byte {
	body := fmt.Sprintf(`{"id":"chatcmpl-0123456789","object":"chat.completion","created":1793534400,"model":%q,"choices":[{"index":0,`+
		`"message":{"role":"assistant","content":%q,"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,`+
		`"completion_tokens":%d,"total_tokens":%d}}`, UpstreamModel, text(720), promptTokens, completionTokens, promptTokens+completionTokens)
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", commonHead, len(body), body)
}

// stampMark precedes, in the first event of a stream, the time at which it was
// sent, in nanoseconds since 1970 with 19 digits.
const (
	stampMark   = "sent-at="
	stampDigits = 19
)

// Stream is the answer in events. The first is stamped anew for each answer.
type Stream struct {
	first []byte
	stamp int // where the digits stand
	rest  [][]byte
}

// NewStream prepares the events of a stream, each in a chunk of its own.
func NewStream() *Stream {
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n" + commonHead + "Transfer-Encoding: chunked\r\n\r\n"
	first := append([]byte(head), chunk(delta(stampMark+"1700000000000000000"))...)
	s := &Stream{first: first, stamp: bytes.Index(first, []byte(stampMark)) + len(stampMark)}
	for i := range Events - 3 {
		s.rest = append(s.rest, chunk(delta(fmt.Sprintf("word%d ", i))))
	}
	usage := fmt.Sprintf(`{"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1793534400,"model":%q,"choices":[],`+
		`"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`, UpstreamModel, promptTokens, completionTokens, promptTokens+completionTokens)
	s.rest = append(s.rest, chunk(usage), append(chunk("[DONE]"), "0\r\n\r\n"...))
	return s
}

func delta(content string) string {
	return fmt.Sprintf(`{"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1793534400,"model":%q,"choices":[{"index":0,`+
		`"delta":{"content":%q},"logprobs":null,"finish_reason":null}],"usage":null}`, UpstreamModel, content)
}

func chunk(data string) []byte {
	event := "data: " + data + "\n\n"
	return fmt.Appendf(nil, "%x\r\n%s\r\n", len(event), event)
}

// First appends the head and the first event, sent now.
func (s *Stream) First(dst []byte, now time.Time) []byte {
	at := len(dst) + s.stamp
	dst = append(dst, s.first...)
	strconv.AppendInt(dst[at:at], now.UnixNano(), 10)
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
