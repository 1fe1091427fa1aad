package pipeline

import (
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/dialect/openai"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/sse"
)

// tap listens to a stream that passes, for its usage. Nil listens to nothing.
type tap struct {
	x *exchange
	// events says that it is a stream of events, else of JSON in pieces.
	events  bool
	rest    []byte // what could not be understood yet
	scanned int    // of rest: what has been searched for the end of an event
}

// hear takes what was read.
func (t *tap) hear(b []byte) {
	if t == nil {
		return
	}
	x := t.x
	if x.heard != nil {
		x.heard.Answer(b, t.events)
	}
	if x.usage.FirstMS == 0 {
		now := time.Now()
		x.usage.FirstMS = now.UnixMilli()
		x.p.metrics.firstByte.Observe(now.Sub(x.start).Seconds())
	}
	if x.passage.Wire == nil {
		return
	}
	t.rest = append(t.rest, b...)
	if t.events {
		t.take()
	}
	if limit := t.limit(); len(t.rest) > limit { // its end may be understood again
		t.rest = t.rest[:copy(t.rest, t.rest[len(t.rest)-3:])]
		t.scanned = 0
	}
}

func (t *tap) limit() int {
	if t.events {
		return maxEvent
	}
	return maxLook
}

// take looks at the events that are complete.
func (t *tap) take() {
	rest := t.rest
	for {
		end := sse.End(rest, t.scanned)
		if end == 0 {
			break
		}
		t.scanned = 0
		data, _ := sse.Data(rest[:end])
		t.event(data)
		rest = rest[end:]
	}
	t.scanned = max(0, len(rest)-3)
	t.rest = t.rest[:copy(t.rest, rest)]
}

func (t *tap) event(data []byte) {
	x := t.x
	x.look(data)
	if _, ok := x.endpoint.Dialect.(openai.Dialect); ok && len(x.members) > 0 && strings.Contains(x.passage.Path, "/completions") {
		x.tokens.chunks++ // where no usage comes, what was said is counted
		x.hear(data)
	}
}

// end looks at what the stream was as a whole: Gemini's without events is a
// list.
func (t *tap) end() {
	if t == nil || t.events || t.x.passage.Wire == nil {
		return
	}
	pieces, ok := splice.Elements(t.rest)
	if !ok {
		t.x.look(t.rest)
	}
	for _, piece := range pieces {
		t.x.look(piece)
	}
}
