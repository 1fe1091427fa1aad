package fakevendor

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Behaviour is what the vendor does with one call.
type Behaviour func(x *exchange)

// exchange is one call that is being answered.
type exchange struct {
	w    http.ResponseWriter
	r    *http.Request
	call *Call
	done <-chan struct{}
}

// abort closes the connection in the middle of whatever is being sent.
func (x *exchange) abort() {
	x.flush()
	panic(http.ErrAbortHandler) // net/http's way to say so
}

func (x *exchange) flush() {
	_ = http.NewResponseController(x.w).Flush() // what a client that left does not get is no matter
}

func (x *exchange) write(s string) { _, _ = io.WriteString(x.w, s) }

// Fail answers with a status and OpenAI's error body.
func Fail(status int, message string) Behaviour {
	return func(x *exchange) { writeError(x.w, status, "invalid_request_error", message, "") }
}

// FailLater is Fail with a Retry-After header.
func FailLater(status int, message, retryAfter string) Behaviour {
	return func(x *exchange) {
		x.w.Header().Set("Retry-After", retryAfter)
		writeError(x.w, status, "requests", message, "rate_limit_exceeded")
	}
}

// writeError is the envelope of
// https://platform.openai.com/docs/guides/error-codes
func writeError(w http.ResponseWriter, status int, kind, message, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	shown := "null"
	if code != "" {
		shown = quote(code)
	}
	_, _ = fmt.Fprintf(w, `{"error":{"message":%s,"type":%s,"param":null,"code":%s}}`, quote(message), quote(kind), shown)
}

// Raw answers 200 with a body of a type, whatever it is.
func Raw(contentType, body string) Behaviour {
	return func(x *exchange) {
		x.w.Header().Set("Content-Type", contentType)
		x.write(body)
	}
}

// Status answers with a status and a body that is not JSON, as a proxy in
// front of a vendor does.
func Status(status int, body string) Behaviour {
	return func(x *exchange) {
		x.w.Header().Set("Content-Type", "text/html")
		x.w.WriteHeader(status)
		x.write(body)
	}
}

// Hang never answers. It ends when the caller hangs up.
func Hang() Behaviour {
	return func(x *exchange) { closed(x.r.Context(), x.done) }
}

// HangUp closes the connection before the response head.
func HangUp() Behaviour {
	return func(*exchange) { panic(http.ErrAbortHandler) }
}

// CutBody announces a length, sends half a JSON answer and closes.
func CutBody() Behaviour {
	return func(x *exchange) {
		body := x.answer(Options{})
		x.w.Header().Set("Content-Type", "application/json")
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		x.write(body[:len(body)/2])
		x.abort()
	}
}

// TruncatedJSON sends half a JSON answer as if it were the whole.
func TruncatedJSON() Behaviour {
	return func(x *exchange) {
		body := x.answer(Options{})
		x.w.Header().Set("Content-Type", "application/json")
		x.write(body[:len(body)/2])
	}
}

// RefusedURL is a base that refuses every connection: the port is bound until
// the test ends, and nobody listens.
func RefusedURL(tb testing.TB) string {
	tb.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(tb, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(fd)
	require.NoError(tb, err)
	in4, ok := name.(*syscall.SockaddrInet4)
	require.True(tb, ok)
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(in4.Port)) + "/v1"
}
