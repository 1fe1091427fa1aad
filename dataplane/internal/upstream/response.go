package upstream

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
)

// Response is the answer to a request. It must be read to its end or closed.
// Read may be used by one goroutine at a time; Close by any, which ends a
// waiting Read.
type Response struct {
	StatusCode int
	// Header stays valid after Close.
	Header Header
	// ContentLength is the declared length of the body, -1 if none was.
	ContentLength int64

	conn  *conn
	ctx   context.Context // names the cause when a read is cancelled
	state atomic.Int32
	err   error // what Read returns once the state is ended
}

// States of a Response: its connection may be touched in the first two only, so
// that nobody reads what became somebody else's.
const (
	respOpen int32 = iota
	respReading
	respEnded
	respClosed
)

// Read returns what one read of the connection delivered, decoded; it does not
// wait to fill p. After the last byte it returns io.EOF, for a body that ended
// too early an error that is io.ErrUnexpectedEOF. The connection is free for
// others as soon as the body ended, before Close.
func (r *Response) Read(p []byte) (int, error) {
	if !r.state.CompareAndSwap(respOpen, respReading) {
		if r.state.Load() == respEnded {
			return 0, r.err
		}
		return 0, ErrClosed
	}
	cn := r.conn
	if len(p) == 0 {
		return 0, r.leave(respOpen)
	}
	var n int
	var done bool
	err := errCanceled
	if !cn.wire.canceled.Load() {
		n, done, err = cn.readBody(p)
	}
	switch {
	case err != nil:
		r.err = cn.explain(r.ctx, OpBody, err, ErrIdleTimeout)
		if r.leave(respEnded) == nil {
			cn.discard()
		}
		return n, r.err
	case done:
		r.err = io.EOF
		if err := r.leave(respEnded); err != nil {
			return 0, err
		}
		cn.release()
		if n == 0 {
			return 0, io.EOF
		}
		return n, nil
	}
	return n, r.leave(respOpen)
}

// end is for a response without a body: its connection is free at once.
func (r *Response) end() {
	r.err = io.EOF
	r.state.Store(respEnded)
	r.conn.release()
}

// leave ends a Read. If Close came in between, the connection is the reader's
// to get rid of.
func (r *Response) leave(state int32) error {
	if r.state.CompareAndSwap(respReading, state) {
		return nil
	}
	r.conn.discard()
	return ErrClosed
}

// Close gives the connection back when the rest of the body is small and has
// arrived, and closes it otherwise. It does not wait.
func (r *Response) Close() error {
	switch r.state.Swap(respClosed) {
	case respOpen:
		if r.conn.drain() {
			r.conn.release()
		} else {
			r.conn.discard()
		}
	case respReading:
		_ = r.conn.wire.Close() // only to wake the reader
	}
	return nil
}

// explain turns what the wire or the parser reported into the error of a caller.
func (cn *conn) explain(ctx context.Context, op Op, err, limit error) error {
	switch {
	case errors.Is(err, ErrSource): // says it all
	case errors.Is(err, errCanceled):
		err = cancelCause(ctx)
	case errors.Is(err, errExpired):
		err = limit
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return &Error{Op: op, Host: cn.host.key.addr, Err: err}
}
