package frame

import (
	"bytes"

	"github.com/tianjillm/tianjillm/shared/sse"
)

// SSE is server-sent events.
func SSE() Framing { return Framing{cut: cutEvent, end: "\n\n"} }

// Lines is documents that stand on a line each.
func Lines() Framing { return Framing{cut: cutLine, end: "\n"} }

func cutEvent(buf []byte, from int, f *Frame) (int, error) {
	end := sse.End(buf, from)
	if end == 0 {
		return 0, nil
	}
	event := buf[:end]
	f.Data = eventData(event)
	f.name(sse.Name(event))
	return end, nil
}

func cutLine(buf []byte, from int, f *Frame) (int, error) {
	end := bytes.IndexByte(buf[min(from, len(buf)):], '\n')
	if end < 0 {
		return 0, nil
	}
	end += min(from, len(buf))
	if line := bytes.TrimSpace(buf[:end]); len(line) > 0 {
		f.Data = line
	}
	return end + 1, nil
}

// eventData returns the payload of an event. Vendors write one line; those of
// several are put together as the format says.
func eventData(event []byte) []byte {
	data, start := sse.Data(event)
	rest := event[start+len(data):]
	if !bytes.Contains(rest, []byte("data:")) {
		return data
	}
	joined := bytes.Clone(data)
	for {
		line, at := sse.Data(rest)
		if at == 0 {
			return joined
		}
		joined = append(append(joined, '\n'), line...)
		rest = rest[at+len(line):]
	}
}
