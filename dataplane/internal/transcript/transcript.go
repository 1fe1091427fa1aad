// Package transcript keeps what requests and their answers said, where the
// settings ask for it: bounded, without what is secret, on a stream of its own
// that the ledger does not wait for.
//
// A Capture listens to one answer, on the goroutine of its request. A Keeper owns
// one goroutine, which brings texts to the bus until Close. What it can not bring
// there in time is dropped and counted: a text is worth less than the memory that
// a bus that is away would cost. Whether texts are wanted is for others to say.
package transcript

import (
	"encoding/json"
	"time"

	"github.com/tianjillm/tianjillm/shared/contract"
)

const (
	// maxPart bounds a request, and again its answer, as they are kept.
	maxPart = 32 << 10
	// maxRaw bounds what is remembered of an answer until it is shortened.
	maxRaw = 1 << 20
)

// Capture listens to one answer. The zero value is ready.
type Capture struct {
	whole  []byte // of an answer that is not a stream
	stream assembler
}

// Answer takes a part of what the client is sent. stream says that it is of
// events.
func (c *Capture) Answer(part []byte, stream bool) {
	if stream {
		c.stream.take(part)
		return
	}
	c.whole = append(c.whole, part[:min(len(part), maxRaw-len(c.whole))]...)
}

// Line is a transcript as it is stored: of a request, which may be nothing, and
// of what was captured of its answer.
func (c *Capture) Line(id string, start time.Time, request []byte) []byte {
	t := contract.Transcript{V: contract.SchemaVersion, ID: id, StartMS: start.UnixMilli(), Request: Shorten(request, true)}
	if answer := c.stream.answer(); answer != nil {
		t.Response = Shorten(answer, false)
	} else {
		t.Response = Shorten(c.whole, false)
	}
	b, err := json.Marshal(&t)
	if err != nil { // all of it is JSON
		return nil
	}
	return append(b, '\n')
}
