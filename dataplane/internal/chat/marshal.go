package chat

import (
	"bytes"
	"encoding/json"
	"sync"
)

// encoder is an encoder with the buffer that it writes to; both grow to what
// is usual and are used again.
type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

//nolint:gochecknoglobals // a pool
var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}}

// maxEncoder is the largest buffer that is kept.
const maxEncoder = 256 << 10

// Marshal is json.Marshal without the escapes that only HTML needs.
func Marshal(v any) ([]byte, error) {
	e, _ := encoders.Get().(*encoder)
	e.buf.Reset()
	if err := e.json.Encode(v); err != nil {
		return nil, err
	}
	b := bytes.Clone(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
	if e.buf.Cap() <= maxEncoder {
		encoders.Put(e)
	}
	return b, nil
}
