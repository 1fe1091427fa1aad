// Package dialect is the seam between the pipeline and the dialects in which
// clients speak: what the pipeline asks of a dialect when client and vendor do
// not speak the same. Each dialect is a leaf package below.
package dialect

import (
	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Dialect translates one client API to and from the internal form. It is pure
// and safe for concurrent use.
type Dialect interface {
	// Decode reads a client's request. Its error is a *chat.ParamError or a
	// *apierr.Error, for the client to read. The model is the pipeline's to
	// know: it may stand in the path.
	Decode(body []byte, members []jsonx.Member) (*chat.Request, error)
	// Whole writes an answer that is not a stream.
	Whole(req *chat.Request, answer *chat.Response) ([]byte, error)
	// Stream returns the encoder of one stream.
	Stream(req *chat.Request, stamp chat.Stamp) Encoder
	// Error writes the body of an error that comes instead of an answer.
	Error(e *apierr.Error) []byte
	// FailStream writes the event that ends a stream that failed midway; it
	// serves streams that were passed through as well.
	FailStream(b []byte, e *apierr.Error) []byte
	// Usage takes what a whole answer or the data of an event, in the wire of
	// the dialect, says of usage. It reports whether it said anything. Counts
	// that are not there stay as they are.
	Usage(data []byte, u *chat.Usage) bool
	// Model returns where the model stands in a whole answer or in the data of
	// an event, so that the client reads the name that it asked for.
	Model(data []byte) jsonx.Span
}

// Encoder writes one stream. It is used by one goroutine and appends whole
// events to b, so that any prefix of calls leaves a stream a client can read.
type Encoder interface {
	Chunk(b []byte, c *chat.Chunk) []byte
	// End writes what closes the stream; usage is known by then.
	End(b []byte, usage *chat.Usage) []byte
}

// Numbering is a Dialect whose events are numbered, from 0.
type Numbering interface {
	Dialect
	// FailStreamAt is FailStream behind a number of events.
	FailStreamAt(b []byte, e *apierr.Error, events int64) []byte
}

// Numberer is an Encoder of a Numbering dialect.
type Numberer interface {
	// Events is how many events the encoder has written.
	Events() int64
}
