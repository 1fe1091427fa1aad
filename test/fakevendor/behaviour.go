package fakevendor

import (
	"context"
	"maps"
	"net/http"
	"strconv"
)

// Behaviour is what the vendor does with one call.
type Behaviour func(x *exchange)

// Answer is what a vendor does when nothing is scripted: a good answer of the
// kind that was asked for. Tools that it may use it calls, all at once; it has
// an object for whom asks for JSON, thoughts for whom asks it to think, says
// what images it sees and what tools gave, and tells what it was asked to whom
// asks with [ReportPrompt].
func Answer(o Options) Behaviour {
	return func(x *exchange) {
		reply := o.reply(&x.request.Asked)
		switch {
		case x.request.Upgrade != nil:
			x.request.Upgrade(x.w, x.r)
		case x.request.Stream != nil && x.call.Stream:
			x.stream(x.request.Stream(reply), o)
		default:
			x.send(x.request.Answer(reply))
		}
	}
}

// Fail answers with a status and the vendor's error body.
func Fail(status int, message string) Behaviour {
	return failWith(Failure{Status: status, Message: message})
}

// FailLater is Fail with a Retry-After header.
func FailLater(status int, message, retryAfter string) Behaviour {
	return failWith(Failure{Status: status, Message: message, RetryAfter: retryAfter})
}

func failWith(f Failure) Behaviour {
	return func(x *exchange) {
		if f.RetryAfter != "" {
			x.w.Header().Set("Retry-After", f.RetryAfter)
		}
		x.send(x.wire.Fail(f))
	}
}

// Raw answers 200 with a body of a type, whatever it is.
func Raw(contentType, body string) Behaviour {
	return func(x *exchange) {
		x.w.Header().Set("Content-Type", contentType)
		x.write([]byte(body))
	}
}

// Mistyped is the good answer, whole, under another content type.
func Mistyped(contentType string) Behaviour {
	return func(x *exchange) {
		d := x.document()
		d.Header.Set("Content-Type", contentType)
		x.send(d)
	}
}

// Status answers with a status and a body that is not JSON, as a proxy in
// front of a vendor does.
func Status(status int, body string) Behaviour {
	return func(x *exchange) {
		x.w.Header().Set("Content-Type", "text/html")
		x.w.WriteHeader(status)
		x.write([]byte(body))
	}
}

// Hang never answers. It ends when the caller hangs up.
func Hang() Behaviour {
	return func(x *exchange) { x.untilLeft() }
}

// HangUp closes the connection before the response head.
func HangUp() Behaviour {
	return func(*exchange) { panic(http.ErrAbortHandler) }
}

// CutBody announces a length, sends half a JSON answer and closes.
func CutBody() Behaviour {
	return func(x *exchange) {
		d := x.document()
		d.Header.Set("Content-Length", strconv.Itoa(len(d.Body)))
		d.Body = d.Body[:len(d.Body)/2]
		x.send(d)
		x.abort()
	}
}

// Stall announces a length, sends half a JSON answer and nothing more, until
// the caller leaves.
func Stall() Behaviour {
	return func(x *exchange) {
		d := x.document()
		d.Header.Set("Content-Length", strconv.Itoa(len(d.Body)))
		d.Body = d.Body[:len(d.Body)/2]
		x.send(d)
		x.flush()
		x.untilLeft()
		x.abort()
	}
}

// TruncatedJSON sends half a JSON answer as if it were the whole.
func TruncatedJSON() Behaviour {
	return func(x *exchange) {
		d := x.document()
		d.Body = d.Body[:len(d.Body)/2]
		x.send(d)
	}
}

// exchange is one call that is being answered.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	call    *Call
	wire    Wire
	request *Request
	done    <-chan struct{}
}

// document is the good answer in one piece.
func (x *exchange) document() Document {
	var o Options
	return x.request.Answer(o.reply(&x.request.Asked))
}

func (x *exchange) send(d Document) {
	maps.Copy(x.w.Header(), d.Header)
	if d.Status != 0 {
		x.w.WriteHeader(d.Status)
	}
	x.write(d.Body)
}

// stream sends frames as the options pace them.
func (x *exchange) stream(s Stream, o Options) {
	maps.Copy(x.w.Header(), s.Header)
	content := 0
	for _, f := range s.Frames {
		if f.Content {
			if !x.pace(s, o, content) {
				return
			}
			content++
		}
		x.frame(f.Data, o.Dribble)
	}
}

// pace does what the options want before the nth chunk of content, and reports
// whether the stream goes on.
func (x *exchange) pace(s Stream, o Options, n int) bool {
	if n == 0 {
		return true
	}
	if o.Gate != nil {
		select {
		case <-o.Gate:
		case <-x.r.Context().Done():
			return false
		case <-x.done:
			return false
		}
	}
	switch n {
	case o.CutAfter:
		x.abort()
	case o.BreakAfter:
		x.frame(s.Broken("The vendor broke."), 0)
		return false
	case o.StallAfter:
		x.untilLeft()
		return false
	}
	return true
}

func (x *exchange) frame(data []byte, step int) {
	if step <= 0 {
		step = len(data)
	}
	for len(data) > 0 {
		n := min(step, len(data))
		x.write(data[:n])
		x.flush()
		data = data[n:]
	}
}

// abort closes the connection in the middle of whatever is being sent.
func (x *exchange) abort() {
	x.flush()
	panic(http.ErrAbortHandler) // net/http's way to say so
}

func (x *exchange) flush() {
	_ = http.NewResponseController(x.w).Flush() // what a client that left does not get is no matter
}

func (x *exchange) write(b []byte) { _, _ = x.w.Write(b) }

// untilLeft waits for the end of the call or of the vendor.
func (x *exchange) untilLeft() { closed(x.r.Context(), x.done) }

func closed(ctx context.Context, done <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-done:
	}
}
