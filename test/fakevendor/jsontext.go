package fakevendor

import (
	"bytes"
	"encoding/json"
)

// Object renders names and values, alternating, in the order given. What JSON
// does not have becomes null.
func Object(pairs ...any) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(render(pairs[i]))
		b.WriteByte(':')
		b.Write(render(pairs[i+1]))
	}
	b.WriteByte('}')
	return b.Bytes()
}

// List renders an array.
func List[T any](items []T) json.RawMessage {
	if len(items) == 0 {
		return json.RawMessage("[]")
	}
	return render(items)
}

// render renders one value without the escapes that are meant for HTML: vendors
// do not send them.
func render(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil { //nolint:errchkjson // it is
		return []byte("null")
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Render renders a value as JSON text.
func Render(v any) string { return string(render(v)) }

// Event renders a server-sent event; without a name it has data only.
func Event(name string, data []byte) []byte {
	var b bytes.Buffer
	if name != "" {
		b.WriteString("event: " + name + "\n")
	}
	b.WriteString("data: ")
	b.Write(data)
	b.WriteString("\n\n")
	return b.Bytes()
}
