// Package provider is the seam between the pipeline and the vendors: what the
// pipeline asks of a vendor and what it gets back.
//
// Each vendor with a wire of its own is a leaf package below; the many that
// speak OpenAI's wire are rows of one table in compat. A Backend serves one
// deployment. It speaks the client's dialect at this seam: what comes back is
// already what the client may read, so the pipeline only meters and forwards.
package provider

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// Surface is one operation of the LLM API.
type Surface uint8

// The surfaces that exist so far.
const (
	ChatCompletions Surface = iota
	Completions
	Embeddings
)

// String returns LiteLLM's call type of the surface.
func (s Surface) String() string {
	switch s {
	case ChatCompletions:
		return "acompletion"
	case Completions:
		return "atext_completion"
	case Embeddings:
		return "aembedding"
	default:
		return "unknown"
	}
}

// Call is one request as the pipeline has understood it. Body is the client's
// own JSON, already checked; a backend edits it by splicing and does not
// decode it unless it has to translate.
type Call struct {
	Surface Surface
	Body    []byte
	// Members are the spans of the top-level members that the pipeline or a
	// backend may want to replace, in the order in which they stand in Body.
	Members []Member
	Stream  bool
	// AddUsage asks for the usage of a stream although the client did not.
	AddUsage bool
	CallID   string
	// Timeout bounds the wait for the response head; zero leaves it to the
	// deployment.
	Timeout time.Duration
}

// Member is a top-level member of a request body.
type Member = jsonx.Member

// Lookup returns the value of a member of the body, or nil.
func (c *Call) Lookup(name string) []byte {
	for _, m := range c.Members {
		if string(m.Name) == name {
			return m.Value.Of(c.Body)
		}
	}
	return nil
}

// Reply is a backend's answer. Read returns what one read of the vendor's
// connection delivered; it does not wait to fill the buffer, because streams
// are forwarded as they come. Close must be called once.
type Reply interface {
	io.ReadCloser
	Status() int
	// Header returns a response header of the vendor, or "".
	Header(name string) string
	// ContentLength is the length of the body, or -1.
	ContentLength() int64
}

// Backend serves one deployment.
type Backend interface {
	// Do sends the call. The context ends the exchange, body included, until
	// the reply is closed. A status of 400 or more is a Reply, not an error.
	Do(ctx context.Context, call *Call) (Reply, error)
}

// ErrUnsupported means that the vendor does not offer the surface.
var ErrUnsupported = errors.New("not offered by this provider")
