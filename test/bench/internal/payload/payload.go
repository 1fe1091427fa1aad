// Package payload holds what the client asks and the stand-in for a vendor
// answers: OpenAI chat completions of fixed size. Both sides of the benchmark
// take it from here. It owns no goroutine.
package payload

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// Model is the name a client asks for.
	Model = "bench"
	// UpstreamModel is the vendor's name of it.
	UpstreamModel = "bench-model"
	// Path is the only path that is called.
	Path = "/v1/chat/completions"
	// Events counts the events of a stream: 50 chunks and [DONE].
	Events = 51

	promptTokens     = 200
	completionTokens = 180

	// InputPrice is in US dollars a token of the prompt.
	InputPrice = 0.000001
	// OutputPrice is in US dollars a token of the answer.
	OutputPrice = 0.000002
	// Price is what an answer costs, in US dollars.
	Price = promptTokens*InputPrice + completionTokens*OutputPrice
)

// Kind is a way to ask.
type Kind struct {
	// PromptBytes is about the size of the request body.
	PromptBytes int
	Stream      bool
	// Pace is the time between two events of a stream; 0 sends them as fast as
	// they can be written.
	Pace time.Duration
}

const words = "the quick brown fox jumps over the lazy dog and runs on through the wide green fields "

func text(n int) string {
	return strings.Repeat(words, n/len(words)+1)[:n]
}

// Body returns the request body of k. The pace travels as "seed", which
// gateways pass on untouched.
func (k Kind) Body() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `{"model":%q,`, Model)
	if k.Stream {
		fmt.Fprintf(&b, `"stream":true,"stream_options":{"include_usage":true},"seed":%d,`, k.Pace.Milliseconds())
	}
	b.WriteString(`"temperature":0.7,"max_tokens":1024,"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"`)
	const tail = `"}]}`
	b.WriteString(text(max(0, k.PromptBytes-b.Len()-len(tail))))
	b.WriteString(tail)
	return []byte(b.String())
}

// Request returns all bytes of a call to a target.
func (k Kind) Request(host, key string) []byte {
	body := k.Body()
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nAccept: */*\r\n"+
		"User-Agent: bench\r\nContent-Length: %d\r\n\r\n", Path, host, key, len(body))
	b.Write(body)
	return b.Bytes()
}

// Asked reads from the first bytes of a request body what k.Body wrote there.
func Asked(body []byte) (stream bool, pace time.Duration) {
	rest, ok := value(body, `"stream"`)
	if !ok || !bytes.HasPrefix(rest, []byte("true")) {
		return false, 0
	}
	if rest, ok = value(body, `"seed"`); !ok {
		return true, 0
	}
	digits := 0
	for digits < len(rest) && digits < 6 && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	ms, err := strconv.Atoi(string(rest[:digits]))
	if err != nil {
		return true, 0
	}
	return true, time.Duration(ms) * time.Millisecond
}

// value returns what follows a member's name and colon.
func value(body []byte, name string) ([]byte, bool) {
	_, rest, ok := bytes.Cut(body, []byte(name))
	if !ok {
		return nil, false
	}
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if len(rest) == 0 || rest[0] != ':' {
		return nil, false
	}
	return bytes.TrimLeft(rest[1:], " \t\r\n"), true
}
