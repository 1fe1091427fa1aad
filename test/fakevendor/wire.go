package fakevendor

import "net/http"

// Wire is how a vendor speaks. Its methods only read and render; who sends,
// when, and how badly, is the script's business.
type Wire interface {
	// Provider is what stands before the slash in a deployment's model.
	Provider() string
	// Base is the path that a deployment's api_base ends with.
	Base() string
	// Params are the lines of litellm_params that lead to a vendor at a host
	// and let it in.
	Params(host string) []string
	// Read understands a call, or says why the vendor refuses it. It fills in
	// what the call asks for.
	Read(c *Call) (*Request, *Failure)
	// Fail renders a failure.
	Fail(f Failure) Document
}

// Request is a call that was understood, by the endpoint that it is for.
type Request struct {
	// Asked is what the call wants of a model.
	Asked Asked
	// Answer renders the whole answer.
	Answer func(r Reply) Document
	// Stream renders the answer as a stream; nil when there is no such thing.
	Stream func(r Reply) Stream
	// Upgrade takes the connection over; nil in all but WebSocket endpoints.
	Upgrade func(w http.ResponseWriter, r *http.Request)
}

// Settled is a request whose answer does not depend on a model.
func Settled(d Document) *Request {
	return &Request{Answer: func(Reply) Document {
		d.Header = d.Header.Clone()
		return d
	}}
}

// Failure is a refusal of the vendor's.
type Failure struct {
	Status  int
	Message string
	// Kind is the vendor's own word for it; empty means the one that goes with
	// the status.
	Kind string
	// RetryAfter is the header of that name.
	RetryAfter string
}

// Refuse is a failure with the status 400.
func Refuse(message string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Message: message}
}

// Document is a response that is sent in one piece.
type Document struct {
	// Status is 200 when it is 0.
	Status int
	Header http.Header
	Body   []byte
}

// JSON is a document of that type.
func JSON(status int, body []byte) Document {
	return Document{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// Stream is a response in frames.
type Stream struct {
	Header http.Header
	Frames []Frame
	// Broken is what the vendor sends when it fails in the middle.
	Broken func(message string) []byte
}

// Frame is an event of a stream.
type Frame struct {
	Data []byte
	// Content marks the frames that the script paces: text, thoughts and
	// arguments of tool calls.
	Content bool
}
