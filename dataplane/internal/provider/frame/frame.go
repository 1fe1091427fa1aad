// Package frame cuts the body of a vendor's stream into frames as they come:
// server-sent events, lines of JSON, and the binary messages of AWS. It reads
// on the goroutine of its caller and has none of its own.
package frame

import (
	"errors"
	"io"
	"sync"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
)

const (
	firstBuffer = 8 << 10
	// keptBuffer is the largest buffer that is used again.
	keptBuffer = 4 * firstBuffer
	// maxFrame bounds one frame; images come in a single one.
	maxFrame = 64 << 20
)

// ErrTooLong is a frame beyond the bound.
var ErrTooLong = errors.New("a frame of the stream is longer than the gateway accepts")

// Frame is one message of a stream. It is valid until the next call of Next.
type Frame struct {
	// Event is the name of the event, where the framing has one and it is set.
	Event string
	Data  []byte
	// Exception is AWS's name of an error that came as a message.
	Exception string
}

// name sets the event, with the memory of the last one where it is the same.
func (f *Frame) name(event []byte) {
	if f.Event != string(event) {
		f.Event = string(event)
	}
}

// Cutter finds the first frame in buf, which starts where the last one ended.
// It returns the length of the frame, framing included, or 0 when it is not
// complete. A frame that carries nothing has no data. from is how much of buf
// an earlier call has looked at in vain. f has the event of the frame before,
// which most frames share.
type Cutter func(buf []byte, from int, f *Frame) (n int, err error)

// Framing is a way to cut a stream. The zero value cuts nothing.
type Framing struct {
	cut Cutter
	// end is put behind the last byte, so that a last frame that the vendor
	// did not end is not lost.
	end string
}

// Reader reads frames.
type Reader struct {
	src     io.Reader
	framing Framing
	pooled  *[]byte // what buf began with
	buf     []byte
	start   int // of what is not handed out yet
	scanned int // of buf[start:]: looked at in vain
	next    Frame
	length  int // of next, 0 when there is none
	found   bool
	err     error
}

// NewReader returns a reader of src, whose Read should return what one read
// of the connection delivered.
func NewReader(src io.Reader, framing Framing) *Reader {
	pooled, _ := buffers.Get().(*[]byte)
	return &Reader{src: src, framing: framing, pooled: pooled, buf: *pooled}
}

//nolint:gochecknoglobals // a pool
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, firstBuffer)
	return &b
}}

// Close gives the memory of the reader back: its frames are not valid any
// more. The source stays open. A reader need not be closed.
func (r *Reader) Close() {
	if r.pooled != nil && cap(r.buf) <= keptBuffer {
		*r.pooled = r.buf[:0]
		buffers.Put(r.pooled)
	}
	*r = Reader{err: errClosed}
}

var errClosed = errors.New("the reader is closed")

// Next returns the next frame that carries something, and io.EOF behind the
// last one.
func (r *Reader) Next() (*Frame, error) {
	for !r.Ready() {
		if r.err != nil {
			return nil, r.err
		}
		r.fill()
	}
	if !r.found {
		return nil, r.err
	}
	r.found = false
	return &r.next, nil
}

// Ready reports whether Next will return without reading. The frame that Next
// returned before is not valid any more.
func (r *Reader) Ready() bool {
	if r.found {
		return true
	}
	r.start += r.length
	r.length = 0
	if err := r.find(); err != nil {
		r.err = unreadable(err)
		return true
	}
	r.found = r.length > 0
	return r.found
}

// unreadable tells a stream that can not be cut from a connection that broke.
func unreadable(err error) error {
	return provider.BadAnswer("the stream is not what the provider documents", err)
}

// find looks for a frame in what is there.
func (r *Reader) find() error {
	for r.start < len(r.buf) {
		r.next = Frame{Event: r.next.Event}
		n, err := r.framing.cut(r.buf[r.start:], r.scanned, &r.next)
		if err != nil {
			return err
		}
		if n == 0 {
			r.scanned = max(0, len(r.buf)-r.start-3)
			return nil
		}
		r.scanned = 0
		if r.next.Data != nil || r.next.Exception != "" {
			r.length = n
			return nil
		}
		r.start += n
	}
	return nil
}

// fill reads once, into the room behind what is there.
func (r *Reader) fill() {
	if r.start > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.start:])]
		r.start = 0
	}
	if len(r.buf) == cap(r.buf) {
		if len(r.buf) >= maxFrame {
			r.err = unreadable(ErrTooLong)
			return
		}
		r.buf = append(r.buf, 0)[:len(r.buf)]
	}
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if err == nil {
		return
	}
	r.err = err
	if errors.Is(err, io.EOF) && len(r.buf) > 0 {
		r.buf = append(r.buf, r.framing.end...)
		r.scanned = 0
	}
}
