package upstream

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Op names the step of an exchange that failed.
type Op string

// The steps of an exchange, in order.
const (
	OpRequest Op = "request" // the request itself is not valid; nothing was sent
	OpDial    Op = "dial"
	OpProxy   Op = "proxy" // talking to the proxy, before the vendor was reached
	OpTLS     Op = "tls"
	OpWrite   Op = "write"
	OpHead    Op = "head"
	OpBody    Op = "body"
)

// Error is what Client.Do and Response.Read fail with. Its text names the step,
// the host and the cause; it never holds a body, a header value or a query.
type Error struct {
	Op   Op
	Host string // host and port of the vendor
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	return "upstream " + string(e.Op) + " " + e.Host + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether time ran out.
func (e *Error) Timeout() bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](e.Err)
	return ok && t.Timeout()
}

// timeoutError is a limit of ours that ran out.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string   { return e.text }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

// Is makes the typed timeouts match what callers of net/http test for.
func (e *timeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}

// Timeouts; each also matches context.DeadlineExceeded.
var (
	ErrDialTimeout   error = &timeoutError{"no connection in time"}
	ErrTLSTimeout    error = &timeoutError{"tls handshake not done in time"}
	ErrHeaderTimeout error = &timeoutError{"no response head in time"}
	ErrIdleTimeout   error = &timeoutError{"no data in time"}
)

// Failures a caller may want to tell apart. A body that ends early is
// io.ErrUnexpectedEOF.
var (
	// ErrClosed: the Client or the Response was closed before.
	ErrClosed = errors.New("already closed")
	// ErrMalformed: the peer does not speak HTTP/1.1 as the RFCs have it.
	ErrMalformed = errors.New("malformed response")
	// ErrHeadTooLong: the response head exceeds Options.MaxHeaderBytes.
	ErrHeadTooLong = errors.New("response head too long")
	// ErrUpgrade: the vendor switched protocols, which nobody asked for.
	ErrUpgrade = errors.New("unexpected switch of protocols")
	// ErrHeader: a header field of a request holds bytes no header may hold, or
	// is one that only the client itself may write.
	ErrHeader = errors.New("header field refused")
	// ErrSource: the reader that a request's body comes from failed.
	ErrSource = errors.New("read request body")
)

// ProxyError is the refusal of a proxy to connect us.
type ProxyError struct{ StatusCode int }

// Error implements error.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("proxy answered CONNECT with status %d", e.StatusCode)
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// canceledError carries the cause a context was cancelled with and still
// matches the context's own error.
type canceledError struct{ ctxErr, cause error }

func (e *canceledError) Error() string   { return e.cause.Error() }
func (e *canceledError) Unwrap() []error { return []error{e.cause, e.ctxErr} }
func (e *canceledError) Timeout() bool   { return errors.Is(e.ctxErr, context.DeadlineExceeded) }

// cancelCause returns why ctx is done.
func cancelCause(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return &canceledError{ctxErr: err, cause: cause}
}
