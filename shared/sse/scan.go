// Package sse finds the events of a server-sent event stream inside the bytes
// as they arrive, without copying them.
//
// Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
package sse

import "bytes"

// End returns the position behind the first complete event in buf, blank line
// included, or 0 when buf holds no complete event yet. Lines may end in LF,
// CRLF or CR; from tells where the search may start (what an earlier call with
// a shorter buf has already looked at, minus three bytes).
func End(buf []byte, from int) int {
	for i := max(from, 0); i < len(buf); {
		n := nextBreak(buf, i)
		if n < 0 {
			return 0
		}
		first := lineEnd(buf, n)
		if first < len(buf) {
			if second := lineEnd(buf, first); second > first {
				if buf[second-1] == '\r' && second == len(buf) {
					// The LF of this CRLF may still be on its way; taking the
					// event now would leave it to look like a blank line.
					return 0
				}
				return second
			}
		}
		i = first
	}
	return 0
}

// nextBreak returns the position of the first line break character from i, or
// -1. The carriage return is looked for only in front of the line feed, so a
// long buffer of short events is not searched to its end again and again.
func nextBreak(buf []byte, i int) int {
	rest := buf[i:]
	lf := bytes.IndexByte(rest, '\n')
	if lf >= 0 {
		rest = rest[:lf]
	}
	if cr := bytes.IndexByte(rest, '\r'); cr >= 0 {
		return i + cr
	}
	if lf < 0 {
		return -1
	}
	return i + lf
}

// lineEnd returns the position behind the line break at i, or i when there is none.
func lineEnd(buf []byte, i int) int {
	if i >= len(buf) {
		return i
	}
	switch buf[i] {
	case '\n':
		return i + 1
	case '\r':
		if i+1 < len(buf) && buf[i+1] == '\n' {
			return i + 2
		}
		return i + 1
	}
	return i
}

// Data returns the payload of the first data line of an event and where it
// starts. Every LLM API puts one JSON document on one data line; an event of
// several data lines is passed on untouched, so its first line is all that is
// ever looked at.
func Data(event []byte) (data []byte, start int) {
	for i := 0; i < len(event); {
		end := nextBreak(event, i)
		if end < 0 {
			end = len(event)
		}
		if line := event[i:end]; bytes.HasPrefix(line, []byte("data:")) {
			start = i + len("data:")
			if start < end && event[start] == ' ' {
				start++
			}
			return event[start:end], start
		}
		i = max(lineEnd(event, end), end+1)
	}
	return nil, 0
}

// Name returns what the event line of an event says, or nil.
func Name(event []byte) []byte {
	for i := 0; i < len(event); {
		end := nextBreak(event, i)
		if end < 0 {
			end = len(event)
		}
		if name, ok := bytes.CutPrefix(event[i:end], []byte("event:")); ok {
			return bytes.TrimPrefix(name, []byte(" "))
		}
		i = lineEnd(event, end)
		if i == end {
			break
		}
	}
	return nil
}
