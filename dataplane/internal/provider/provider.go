// Package provider is the seam between the pipeline and the vendors: what the
// pipeline asks of a vendor and what it gets back.
//
// Each vendor with a wire of its own is a leaf package below; the many that
// speak OpenAI's wire are rows of one table, served by compat. A Backend
// serves one deployment, in two ways: Do takes a body in the wire of a surface
// that the deployment offers, and gives back that wire; Chat takes and gives
// the internal form. The pipeline uses Do where client and vendor speak the
// same, and Chat where they do not.
package provider

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Call is one request as the pipeline has understood it. Body is the client's
// own, already checked; a backend edits it by splicing and does not decode it
// unless it has to translate.
type Call struct {
	Surface Surface
	Body    []byte
	// Members are the spans of the top-level members of a JSON Body, in the
	// order in which they stand there.
	Members []Member
	// ContentType is that of a Body that is not JSON: a form with its boundary.
	ContentType string
	// Header are the client's headers that belong to the vendor, in canonical
	// form: Anthropic-Beta and its like. Nobody changes it.
	Header map[string][]string
	Stream bool
	// AddUsage asks for the usage of a stream although the client did not.
	AddUsage bool
	CallID   string
	// Timeout bounds the wait for the response head; zero leaves it to the
	// deployment.
	Timeout time.Duration
	// IdleTimeout bounds the wait between two reads of a stream; zero leaves it
	// to the backend.
	IdleTimeout time.Duration
	// DropParams cuts parameters that the vendor does not know instead of
	// refusing them; Allowed are those that are passed on regardless.
	DropParams bool
	Allowed    []string
}

// Member is a top-level member of a request body.
type Member = jsonx.Member

// Lookup returns the value of a member of the body, or nil.
func (c *Call) Lookup(name string) []byte {
	for i := range c.Members {
		if m := &c.Members[i]; string(m.Name) == name {
			return m.Value.Of(c.Body)
		}
	}
	return nil
}

// Reply is a backend's answer in the wire of the call's surface. Read returns
// what one read of the vendor's connection delivered; it does not wait to fill
// the buffer, because streams are forwarded as they come. Close must be called
// once.
type Reply interface {
	io.ReadCloser
	Status() int
	// Header returns a response header of the vendor, or "".
	Header(name string) string
	// ContentLength is the length of the body, or -1.
	ContentLength() int64
}

// Answer is a backend's answer in the internal form: Whole or Stream. Close
// must be called once.
type Answer struct {
	Whole  *chat.Response
	Stream Stream
	// Header returns a response header of the vendor, or "".
	Header func(name string) string
}

// Close releases what the answer holds.
func (a *Answer) Close() error {
	if a.Stream != nil {
		return a.Stream.Close()
	}
	return nil
}

// Stream is an answer in the making.
type Stream interface {
	// Next overwrites c with what comes next. It returns io.EOF behind the last
	// chunk, and any other error when the stream is broken: a *Failure where
	// the vendor has said why.
	Next(c *chat.Chunk) error
	// Ready reports whether Next will return without waiting for the vendor:
	// what is ready is sent in one write.
	Ready() bool
	Close() error
}

// Backend serves one deployment. It is safe for concurrent use.
type Backend interface {
	// Offers reports whether Do takes calls of the surface.
	Offers(Surface) bool
	// Do sends a call in the wire of its surface. The context ends the
	// exchange, body included, until the reply is closed. A status of 400 or
	// more is a Reply, not an error.
	Do(ctx context.Context, call *Call) (Reply, error)
	// Chat sends a chat in the internal form; call has no body then. What the
	// vendor refuses is a *Failure. It returns ErrUnsupported when the
	// deployment does not chat.
	Chat(ctx context.Context, call *Call, req *chat.Request) (*Answer, error)
}

// ErrUnsupported means that the vendor does not offer the surface.
var ErrUnsupported = errors.New("not offered by this provider")
