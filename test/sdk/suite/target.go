// Package suite is what the official Go SDKs do with a vendor, written once per
// SDK: chat, streams, tools, pictures, structured output, thoughts, counts,
// lists and errors. It runs against the scripted vendors themselves, which
// shows that these are faithful, and against the gateway in front of each of
// them, which shows that nothing is lost in translation.
//
// It has the cases only; who runs them brings the server.
package suite

import (
	"net/http"
	"testing"

	"github.com/tianjillm/tianjillm/test/fakevendor"
)

// The kinds of models that a case asks for.
const (
	Good = ""
	// Thinks is a model that can be asked to.
	Thinks = "thinks"
	// Embeds makes embeddings.
	Embeds = "embeds"
	// Busy answers 429 and a Retry-After of 7 seconds.
	Busy = "busy"
	// Refuses answers 400.
	Refuses = "refuses"
	// Cuts closes the connection in the middle of a stream, Breaks sends the
	// vendor's own error there.
	Cuts   = "cuts"
	Breaks = "breaks"
)

// Why the models that fail do so.
const (
	BusyMessage    = "Slow down."
	RefusesMessage = "This cannot be asked."
	// RetryAfter is in seconds.
	RetryAfter = "7"
)

// Kinds are all of them.
func Kinds() []string { return []string{Good, Thinks, Embeds, Busy, Refuses, Cuts, Breaks} }

// Script gives the models that fail their scripts; name is what the vendor
// calls the model of a kind.
func Script(v *fakevendor.Vendor, name func(kind string) string) {
	v.Script(name(Busy), fakevendor.FailLater(http.StatusTooManyRequests, BusyMessage, RetryAfter))
	v.Script(name(Refuses), fakevendor.Fail(http.StatusBadRequest, RefusesMessage))
	v.Script(name(Cuts), fakevendor.Answer(fakevendor.Options{CutAfter: 2}))
	v.Script(name(Breaks), fakevendor.Answer(fakevendor.Options{BreakAfter: 2}))
}

// Target is a server to run the cases against.
type Target struct {
	// Base is its address, without a path.
	Base string
	Key  string
	// Model is what clients call the model of a kind.
	Model func(kind string) string
	// Abilities are those of the vendor that answers in the end.
	Abilities Abilities
}

// Abilities are what not every vendor has.
type Abilities struct {
	// Thoughts are told as text.
	Thoughts bool
	// Reasoning is only counted.
	Reasoning bool
	// Embeddings are made.
	Embeddings bool
}

// test is one case of a suite.
type test struct {
	name string
	run  func(t *testing.T)
	skip bool
}

func run(t *testing.T, cases []test) {
	t.Helper()
	for _, c := range cases {
		if c.skip {
			continue // the vendor cannot do it
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// client is an HTTP client that leaves no connection behind.
func client(tb testing.TB) *http.Client {
	tb.Helper()
	hc := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(hc.CloseIdleConnections)
	return hc
}

// The tools of the cases, and what they give.
const (
	weather       = "get_weather"
	clock         = "get_time"
	weatherResult = "21 degrees"
	clockResult   = "noon"
	instructions  = "Be brief."
)

// places is the schema of what tools take and of the structured answer.
func places() map[string]any {
	return map[string]any{"city": map[string]any{"type": "string"}, "unit": map[string]any{"type": "string"}}
}

// report is what the model was asked, as a report tells.
type report struct {
	System string `json:"system"`
	Turns  []struct {
		Role string `json:"role"`
		Text string `json:"text"`
	} `json:"turns"`
	Tools []struct {
		Name        string         `json:"name"`
		Description string         `json:"description"`
		Schema      map[string]any `json:"schema"`
	} `json:"tools"`
	MaxTokens   int      `json:"max_tokens"`
	Temperature float64  `json:"temperature"`
	TopP        float64  `json:"top_p"`
	Stop        []string `json:"stop"`
}
