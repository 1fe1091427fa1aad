package fakevendor

import (
	"maps"
	"net/http"
	"time"
)

// SlowHead begins a response and sends its head byte by byte, one each pause,
// without an end, until the caller leaves.
func SlowHead(pause time.Duration) Behaviour {
	return func(x *exchange) {
		conn, _, err := http.NewResponseController(x.w).Hijack()
		if err != nil {
			x.abort()
		}
		defer func() { _ = conn.Close() }()
		tick := time.NewTicker(pause)
		defer tick.Stop()
		head := "HTTP/1.1 200 OK\r\nX-Slow: "
		for i := 0; ; i++ {
			next := byte('a')
			if i < len(head) {
				next = head[i]
			}
			if _, err := conn.Write([]byte{next}); err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-x.done:
				return
			}
		}
	}
}

// BreakFirst begins a stream well and sends the vendor's own error as its first
// event.
func BreakFirst(message string) Behaviour {
	return func(x *exchange) {
		var o Options
		s := x.request.Stream(o.reply(&x.request.Asked))
		maps.Copy(x.w.Header(), s.Header)
		x.frame(s.Broken(message), 0)
	}
}

// StallFirst sends the head of a stream and nothing more, until the caller
// leaves.
func StallFirst() Behaviour {
	return func(x *exchange) {
		var o Options
		maps.Copy(x.w.Header(), x.request.Stream(o.reply(&x.request.Asked)).Header)
		x.flush()
		x.untilLeft()
	}
}

// RawStays begins a stream of a type with a text, whatever it is, and keeps it
// open until the caller leaves.
func RawStays(contentType, text string) Behaviour {
	return func(x *exchange) {
		x.w.Header().Set("Content-Type", contentType)
		x.write([]byte(text))
		x.flush()
		x.untilLeft()
	}
}
