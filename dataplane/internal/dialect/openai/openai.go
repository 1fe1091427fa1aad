// Package openai is the dialect of OpenAI's chat completions, which is the
// internal form itself, written down.
package openai

import (
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/dialect"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Dialect implements dialect.Dialect.
type Dialect struct{}

// Decode implements dialect.Dialect.
func (Dialect) Decode(body []byte, members []jsonx.Member) (*chat.Request, error) {
	return chat.DecodeMembers(body, members)
}

// Whole implements dialect.Dialect.
func (Dialect) Whole(_ *chat.Request, answer *chat.Response) ([]byte, error) {
	if answer.Created == 0 {
		answer.Created = time.Now().Unix()
	}
	return answer.Encode()
}

// Stream implements dialect.Dialect.
func (Dialect) Stream(req *chat.Request, stamp chat.Stamp) dialect.Encoder {
	if stamp.Created == 0 {
		stamp.Created = time.Now().Unix()
	}
	return &encoder{head: stamp.Head(), usage: req.StreamOptions != nil && req.StreamOptions.IncludeUsage}
}

// Error implements dialect.Dialect.
func (Dialect) Error(e *apierr.Error) []byte { return e.JSON() }

// FailStream implements dialect.Dialect.
func (Dialect) FailStream(b []byte, e *apierr.Error) []byte {
	b = append(b, "data: "...)
	b = append(b, e.JSON()...)
	return append(b, "\n\n"...)
}

// Usage implements dialect.Dialect.
func (Dialect) Usage(data []byte, u *chat.Usage) bool {
	return u.Read(jsonx.Lookup(data, "usage").Of(data))
}

// Model implements dialect.Dialect.
func (Dialect) Model(data []byte) jsonx.Span { return jsonx.Lookup(data, "model") }

// encoder writes chunks.
type encoder struct {
	head  []byte
	usage bool
	begun []bool // by choice
}

// Chunk implements dialect.Encoder.
func (e *encoder) Chunk(b []byte, c *chat.Chunk) []byte {
	for i := range c.Deltas {
		d := &c.Deltas[i]
		b = append(b, "data: "...)
		b = chat.AppendDelta(b, e.head, d, e.first(d.Choice))
		b = append(b, "\n\n"...)
	}
	return b
}

// maxChoices bounds what is remembered of which choices have begun.
const maxChoices = 128

func (e *encoder) first(choice int) bool {
	if choice < 0 || choice >= maxChoices {
		return false
	}
	for len(e.begun) <= choice {
		e.begun = append(e.begun, false)
	}
	first := !e.begun[choice]
	e.begun[choice] = true
	return first
}

// End implements dialect.Encoder.
func (e *encoder) End(b []byte, usage *chat.Usage) []byte {
	if e.usage {
		b = append(b, "data: "...)
		b = chat.AppendUsage(b, e.head, usage)
		b = append(b, "\n\n"...)
	}
	return append(b, "data: [DONE]\n\n"...)
}
