// Package native runs the codecs of vendors that have a wire of their own. A
// vendor is one package of pure translation with its golden files; what they
// all need stands here once: sending, timeouts, authorisation, reading whole
// answers and streams, fetching of pictures that the vendor wants inline, the
// check of parameters, and answers replayed as streams.
package native

import (
	"context"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/provider/frame"
	"github.com/tianjillm/tianjillm/dataplane/internal/upstream"
)

// Request is what goes to the vendor. A Path starts with a slash and stands
// behind the deployment's base; its query may follow.
type Request struct {
	Method string // POST when empty
	Path   string
	// Base replaces the deployment's base, for vendors with a second host.
	Base   string
	Body   []byte
	Header []upstream.Field
}

// Exchange is one chat in the vendor's wire: the request, and how to read what
// comes back.
type Exchange struct {
	Request Request
	// Whole reads an answer that is not a stream.
	Whole func(body []byte) (*chat.Response, error)
	// Stream reads the frames of a stream. Where it is nil and the client wants
	// a stream, Whole is replayed as one.
	Stream  Decoder
	Framing frame.Framing
}

// Decoder reads the frames of one stream. It is used by one goroutine.
type Decoder interface {
	// Frame adds what a frame says to c, which is empty. A frame that says
	// nothing to clients leaves it so. A *provider.Failure is an error that
	// the vendor sent in the middle.
	Frame(f *frame.Frame, c *chat.Chunk) error
	// Done reports whether the vendor has said all: a stream that ends before
	// is broken.
	Done() bool
}

// Ender is a Decoder of streams that end without a word: what it knows is said
// when they end.
type Ender interface {
	// End adds to c, which is empty, what comes behind the last frame.
	End(c *chat.Chunk)
}

// Chatter translates chats. It is pure: it calls nobody, and is safe for
// concurrent use.
type Chatter interface {
	// Params are the OpenAI chat parameters that the vendor understands,
	// besides messages, model, stream and stream_options.
	Params() []string
	// Chat translates a request, which it may change.
	Chat(req *chat.Request) (*Exchange, error)
}

// Inliner is a Chatter whose vendor does not fetch everything by itself.
type Inliner interface {
	// Inline reports whether what the part points to has to be put into the
	// request.
	Inline(p *chat.Part) bool
}

// Surface is an operation beside chat: the call's body becomes the vendor's
// request, and the vendor's answer becomes that of the surface.
type Surface struct {
	Encode func(call *provider.Call) (*Request, error)
	// Decode translates a whole answer; nil passes it through.
	Decode func(call *provider.Call, body []byte) ([]byte, error)
	// Framing and Stream translate a streamed answer in the surface's wire;
	// nil passes it through.
	Stream func(call *provider.Call, reply provider.Reply) provider.Reply
}

// Authorizer adds what proves who calls: a key in a header, a token that is
// fetched and kept, a signature over the request.
type Authorizer interface {
	Authorize(ctx context.Context, method, url string, body []byte) ([]upstream.Field, error)
}

// Fetcher gets what a part points to, through the guarded client.
type Fetcher interface {
	// Fetch returns the content and its media type.
	Fetch(ctx context.Context, url string) (content []byte, mediaType string, err error)
}

// Doer sends a request to a vendor.
type Doer interface {
	Do(ctx context.Context, req *upstream.Request) (*upstream.Response, error)
}
