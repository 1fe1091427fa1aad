// Package payload holds what the client asks and the stand-in for a vendor
// answers, of fixed size, in the wires of OpenAI and Anthropic. Both sides of
// the benchmark take it from here, and what must come of it. It owns no
// goroutine.
package payload

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Names of models that a client asks for.
const (
	// Model is one deployment that speaks OpenAI's wire.
	Model = "bench"
	// ClaudeModel is one deployment that speaks Anthropic's.
	ClaudeModel = "bench-claude"
	// CrowdModel is as many deployments as Crowd, which speak OpenAI's.
	CrowdModel = "bench-crowd"
	// Crowd is how many deployments CrowdModel has.
	Crowd = 100
)

// Names of the models at the vendor.
const (
	UpstreamModel  = "bench-model"
	UpstreamClaude = "claude-sonnet-4-5"
)

const (
	promptTokens     = 200
	completionTokens = 180

	// InputPrice is in US dollars a token of the prompt.
	InputPrice = 0.000001
	// OutputPrice is in US dollars a token of the answer.
	OutputPrice = 0.000002
	// Price is what an answer costs, in US dollars.
	Price = promptTokens*InputPrice + completionTokens*OutputPrice
)

// Wire is a vendor's way to ask for a chat.
type Wire uint8

// The wires.
const (
	OpenAI Wire = iota
	Anthropic
)

// Path is where the vendor is asked.
func (w Wire) Path() string {
	if w == Anthropic {
		return "/v1/messages"
	}
	return "/v1/chat/completions"
}

// Kind is a way to ask.
type Kind struct {
	// Model is the name that the client asks for, Model when it is empty.
	Model string
	// Wire is the client's, and Vendor that of the model's deployments. What
	// passes the bytes on is asked in the vendor's.
	Wire, Vendor Wire
	// PromptBytes is about the size of the request body.
	PromptBytes int
	Stream      bool
	// Pace is the time between two events of a stream; 0 sends them as fast as
	// they can be written. Only OpenAI's wire on both sides carries it.
	Pace time.Duration
	// Cached asks for an answer out of the gateway's cache.
	Cached bool
}

// Untranslated is the same call in the wire of the vendor: what comes in is
// what the vendor is to get.
func (k Kind) Untranslated() Kind {
	k.Wire = k.Vendor
	return k
}

const words = "the quick brown fox jumps over the lazy dog and runs on through the wide green fields "

func text(n int) string {
	return strings.Repeat(words, n/len(words)+1)[:n]
}

// Asked reads from the first bytes of a request body what k.Body wrote there,
// or what a gateway made of it.
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
