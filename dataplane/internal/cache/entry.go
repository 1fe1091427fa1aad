package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/chat"
)

// Bounds of an entry.
const (
	// MaxBody bounds the body of an answer that is stored.
	MaxBody  = 16 << 20
	maxLabel = 512
)

// Entry is an answer. One that was found is shared: it must not be changed.
type Entry struct {
	Status      int
	ContentType string
	// Stream says that Body are the bytes of a stream, from the first to the
	// last event.
	Stream bool
	Body   []byte
	// Usage is what the answer cost when it was made.
	Usage chat.Usage
	// Model is the name that the provider knows.
	Model string
	// StoredAt is set by Put.
	StoredAt time.Time

	expires int64 // Unix milliseconds
}

// The encoded form: a byte for the version, one for the flags, then numbers as
// varints and texts behind their lengths, and the body up to the end.
const (
	entryVersion = 1
	flagStream   = 1 << 0
)

// ErrEntry is wrapped by the errors of decoding.
var ErrEntry = errors.New("not a cached answer")

func (e *Entry) numbers() [14]*int64 {
	u := &e.Usage
	return [...]*int64{
		&u.Input, &u.Output, &u.CachedInput, &u.CacheWrite, &u.CacheWrite1h, &u.Reasoning, &u.AudioInput, &u.AudioOutput,
		&u.ImageInput, &u.ImageOutput, &u.AcceptedPrediction, &u.RejectedPrediction, &u.WebSearches, &e.expires,
	}
}

// encode writes the entry, and lets Body be the part of it that is the body, so
// that both take the memory of one.
func (e *Entry) encode() []byte {
	b := make([]byte, 0, len(e.Body)+len(e.ContentType)+len(e.Model)+64)
	var flags byte
	if e.Stream {
		flags |= flagStream
	}
	b = append(b, entryVersion, flags)
	b = binary.AppendUvarint(b, uint64(e.Status)) //nolint:gosec // an HTTP status
	b = binary.AppendVarint(b, e.StoredAt.UnixMilli())
	for _, n := range e.numbers() {
		b = binary.AppendVarint(b, *n)
	}
	b = appendText(appendText(b, e.ContentType), e.Model)
	head := len(b)
	b = append(b, e.Body...)
	e.Body = b[head:]
	return b
}

// decodeEntry reads what encode wrote; the body is part of b.
func decodeEntry(b []byte) (*Entry, error) {
	if len(b) < 2 || b[0] != entryVersion {
		return nil, fmt.Errorf("%w: another version", ErrEntry)
	}
	r := reader{b: b[2:]}
	e := &Entry{Stream: b[1]&flagStream != 0}
	e.Status = int(r.uvarint()) //nolint:gosec // bounded by uvarint
	e.StoredAt = time.UnixMilli(r.varint())
	for _, n := range e.numbers() {
		*n = r.varint()
	}
	e.ContentType, e.Model = r.text(), r.text()
	e.Body = r.b
	if r.bad || e.Status < 100 || e.Status > 599 || len(e.Body) == 0 || len(e.Body) > MaxBody {
		return nil, fmt.Errorf("%w: cut short or out of bounds", ErrEntry)
	}
	return e, nil
}

// reader takes values from the front of b.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if !r.took(n) || v > 1<<31-1 {
		r.bad = true
		return 0
	}
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if !r.took(n) {
		return 0
	}
	return v
}

func (r *reader) took(n int) bool {
	if n <= 0 {
		r.bad, r.b = true, nil
		return false
	}
	r.b = r.b[n:]
	return true
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > maxLabel || n > uint64(len(r.b)) {
		r.bad = true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
