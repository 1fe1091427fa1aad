package upstream

import (
	"context"
	"errors"
	"time"
)

// exchange sends m and reads the response head. stale tells that the
// connection broke before a byte of the answer, as one does that the peer had
// closed. After an error the connection is gone.
func (cn *conn) exchange(ctx context.Context, m *message, now, until time.Duration) (resp *Response, stale bool, err error) {
	cn.method, cn.until = m.req.Method, until
	cn.got, cn.close, cn.early = false, false, nil
	cn.buf = cn.client.getBuf()
	cn.watch(ctx)

	werr := cn.send(m, now)
	resp, op, err := cn.answer(werr, now)
	if err != nil {
		cn.discard()
		stale = !cn.got && !errors.Is(err, errCanceled) && !errors.Is(err, errExpired) && !errors.Is(err, ErrSource)
		return nil, stale, cn.explain(ctx, op, err, ErrHeaderTimeout)
	}
	if werr != nil {
		cn.close = true
	}
	resp.ctx = ctx
	cn.body.idle = m.req.IdleTimeout
	if cn.body.kind == bodyNone {
		resp.end()
	}
	return resp, false, nil
}

// answer reads the response head after the request was written, or after it
// could not be written to its end.
func (cn *conn) answer(werr error, now time.Duration) (*Response, Op, error) {
	switch {
	case cn.early != nil:
		cn.early.wait(cn.wire, werr)
		return cn.fromEarly(werr)
	case werr == nil:
		cn.wire.limitRead(now, cn.until)
		resp, err := cn.readHead(cn.method)
		return resp, OpHead, err
	case errors.Is(werr, errCanceled) || errors.Is(werr, errExpired) || errors.Is(werr, ErrSource):
		return nil, OpWrite, werr
	}
	// Broken: a vendor that refuses a body answers and hangs up, and what it
	// said is still to be read.
	now = cn.wire.now()
	limit := now + answerGrace
	if cn.until != 0 {
		limit = min(limit, cn.until)
	}
	cn.wire.limitRead(now, limit)
	resp, err := cn.readHead(cn.method)
	switch {
	case errors.Is(err, errCanceled):
		return nil, OpHead, err
	case err != nil:
		return nil, OpWrite, werr
	}
	cn.client.stats.earlyAnswers.Add(1)
	return resp, OpHead, nil
}

// fromEarly picks what to tell when writing and reading went on at once.
func (cn *conn) fromEarly(werr error) (*Response, Op, error) {
	err := cn.early.err
	switch {
	case errors.Is(werr, ErrSource):
		return nil, OpWrite, werr
	case err == nil:
		cn.client.stats.earlyAnswers.Add(1)
		return cn.early.resp, OpHead, nil
	case errors.Is(err, errAborted):
		return nil, OpWrite, werr
	case werr == nil || cn.got:
		return nil, OpHead, err
	case errors.Is(werr, errAborted): // by the reader, which saw more
		return nil, OpWrite, err
	}
	return nil, OpWrite, werr
}
