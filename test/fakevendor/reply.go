package fakevendor

import (
	"strconv"
	"strings"
)

// What vendors report for every answer, unless told otherwise.
const (
	PromptTokens     = 11
	CompletionTokens = 7
	// ReasoningTokens are those of the completion that a model spends when it
	// was asked to think.
	ReasoningTokens = 3
	// Snapshot is put behind the model's name in answers, as OpenAI does with
	// the date of a release.
	Snapshot = "-2026-01-31"
	// Arguments are those of the tool calls it makes, and its answer when a
	// JSON object is asked for.
	Arguments = `{"city":"Paris","unit":"celsius"}`
	// Thought is what it thinks when it is asked to, and Signature is how the
	// vendor signs that.
	Thought   = "The user greets. I greet back."
	Signature = "dmVuZG9yLXNpZ25hdHVyZS0wMQ=="
)

// Pieces is what a model says, a chunk each.
func Pieces() []string { return []string{"Hello", " from", " the", " vendor", "."} }

// Text is the whole of it.
func Text() string { return strings.Join(Pieces(), "") }

// Options change an answer.
type Options struct {
	// Pieces are the content, a chunk each; nil means that the answer follows
	// the request.
	Pieces []string
	// Thoughts are what the model thinks; nil means [Thought] when it is asked
	// to think.
	Thoughts []string
	// Calls are the tools that it calls; nil means every tool it has.
	Calls []ToolCall
	// Finish is why it ends.
	Finish Finish
	// Usage is what it reports; nil means the usual numbers.
	Usage *Usage
	// OmitUsage leaves usage out.
	OmitUsage bool

	// Gate, when set, is waited on before each chunk of content but the first.
	Gate <-chan struct{}
	// CutAfter, when positive, breaks a stream off after so many chunks of content.
	CutAfter int
	// BreakAfter, when positive, ends a stream with the vendor's own error
	// after so many chunks of content.
	BreakAfter int
	// StallAfter, when positive, lets a stream hang after so many chunks of
	// content, until the caller leaves.
	StallAfter int
	// Dribble, when positive, sends a stream so many bytes at a time.
	Dribble int
}

// Finish is why a model ends its answer.
type Finish string

// The reasons, in nobody's words.
const (
	Stopped      Finish = "stopped"
	OutOfTokens  Finish = "out of tokens"
	StopSequence Finish = "stop sequence"
	CalledTools  Finish = "called tools"
	Filtered     Finish = "filtered"
)

// Usage is what an answer took. Prompt holds the tokens that were read from and
// written to a cache, Completion those of the reasoning.
type Usage struct {
	Prompt, Completion, Cached, CacheWritten, Reasoning int
}

// Total is the sum.
func (u Usage) Total() int { return u.Prompt + u.Completion }

// Reply is an answer, in nobody's words.
type Reply struct {
	Thoughts  []string
	Signature string
	Pieces    []string
	Calls     []ToolCall
	Finish    Finish
	// Usage is nil when the vendor does not tell.
	Usage *Usage
}

// Text is what it says.
func (r *Reply) Text() string { return strings.Join(r.Pieces, "") }

// Thought is what it thinks.
func (r *Reply) Thought() string { return strings.Join(r.Thoughts, "") }

// reply makes the answer to a request.
func (o *Options) reply(a *Asked) Reply {
	r := Reply{Thoughts: o.Thoughts, Pieces: o.Pieces, Calls: o.Calls, Finish: o.Finish, Signature: Signature}
	usage := Usage{Prompt: PromptTokens, Completion: CompletionTokens}
	if r.Calls == nil && r.Pieces == nil {
		for i, name := range a.uses() {
			r.Calls = append(r.Calls, ToolCall{ID: "vendor" + strconv.Itoa(i+1), Name: name, Arguments: Arguments})
		}
	}
	if r.Pieces == nil && len(r.Calls) == 0 {
		r.Pieces = a.says()
	}
	if r.Thoughts == nil && a.Thinking {
		r.Thoughts = cut(Thought, 2)
		usage.Reasoning = ReasoningTokens
	}
	switch {
	case r.Finish != "":
	case len(r.Calls) > 0:
		r.Finish = CalledTools
	default:
		r.Finish = Stopped
	}
	switch {
	case o.OmitUsage:
	case o.Usage != nil:
		r.Usage = o.Usage
	default:
		r.Usage = &usage
	}
	return r
}

// ArgumentPieces are the arguments of a call as a stream sends them.
func (c ToolCall) ArgumentPieces() []string { return cut(c.Arguments, 3) }

// Vector is the embedding of every input.
func Vector() []float64 { return []float64{0.5, -0.25, 0.125, 1} }

// DefaultReply is the answer to a request when nothing is scripted.
func DefaultReply(a *Asked) Reply {
	var o Options
	return o.reply(a)
}
