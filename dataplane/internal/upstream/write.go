package upstream

import (
	"errors"
	"io"
	"time"
)

const (
	// writeBufSize is up to which size head and body are put together for one
	// write. It is what a TLS record holds.
	writeBufSize = 16 << 10
	// corkSize holds four full TLS records for one system call.
	corkSize = 4 * (writeBufSize + 256)
	// stallAfter is how long a write may wait before the connection is read
	// for an early answer.
	stallAfter = 250 * time.Millisecond
	// answerGrace is how long a connection that broke while we wrote may take
	// to show the answer it broke for.
	answerGrace = time.Second
)

// message is a request ready to be sent, and sent again.
type message struct {
	req    *Request
	head   []byte // has room for a small body
	length int64  // of req.Body
}

// send writes m. An error is that of the wire or an ErrSource.
func (cn *conn) send(m *message, now time.Duration) error {
	if m.req.Stream == nil && int64(len(m.head))+m.length <= writeBufSize {
		b := m.head
		for _, s := range m.req.Body {
			b = append(b, s...)
		}
		cn.wire.limitWrite(now, cn.until, 0)
		_, err := cn.rw.Write(b)
		return err
	}
	cn.limitLongWrite()
	switch {
	case m.req.Stream != nil && m.req.StreamLength < 0:
		return cn.sendChunked(m)
	case m.req.Stream != nil:
		return cn.sendStream(m)
	case cn.tls != nil:
		return cn.sendCorked(m)
	}
	cn.segs = append(append(cn.segs[:0], m.head), m.req.Body...)
	err := cn.wire.writev(cn.segs)
	clear(cn.segs)
	return err
}

func (cn *conn) limitLongWrite() {
	now := cn.wire.now()
	stall := now + stallAfter
	if cn.early != nil {
		stall = 0
	}
	cn.wire.limitWrite(now, cn.until, stall)
}

// sendCorked collects TLS records; for a prompt of 100 KB that saves a fifth of
// what the whole exchange costs.
func (cn *conn) sendCorked(m *message) error {
	cork, _ := cn.client.corks.Get().(*[corkSize]byte)
	defer cn.client.corks.Put(cork)
	cn.wire.setCork(cork[:0])
	if err := cn.sendRecords(m); err != nil {
		cn.wire.setCork(nil)
		return err
	}
	return cn.wire.uncork()
}

// sendRecords writes full TLS records: the head goes into one with the start of
// the body, and of the rest only what does not fill a record is copied.
func (cn *conn) sendRecords(m *message) error {
	b := m.head
	for _, s := range m.req.Body {
		for len(s) > 0 {
			switch whole := len(s) - len(s)%writeBufSize; {
			case len(b) >= writeBufSize:
				if _, err := cn.rw.Write(b); err != nil {
					return err
				}
				b = b[:0]
			case len(b) == 0 && whole > 0:
				if _, err := cn.rw.Write(s[:whole]); err != nil {
					return err
				}
				s = s[whole:]
			default:
				n := min(writeBufSize-len(b), len(s))
				b = append(b, s[:n]...)
				s = s[n:]
			}
		}
	}
	if len(b) == 0 {
		return nil
	}
	_, err := cn.rw.Write(b)
	return err
}

// sendStream writes a body of known length.
func (cn *conn) sendStream(m *message) error {
	b := m.head
	for left := m.req.StreamLength; left > 0; {
		if len(b) >= writeBufSize {
			if err := cn.writePart(b); err != nil {
				return err
			}
			b = b[:0]
		}
		room := b[len(b):writeBufSize]
		n, err := readSome(m.req.Stream, room[:min(int64(len(room)), left)])
		if errors.Is(err, io.EOF) {
			err = sourceError(io.ErrUnexpectedEOF)
		}
		if err != nil {
			return err
		}
		left -= int64(n)
		if err := cn.writePart(b[:len(b)+n]); err != nil {
			return err
		}
		b = b[:0]
	}
	if len(b) > 0 {
		return cn.writePart(b)
	}
	return nil
}

// sendChunked writes a body of unknown length. A chunk is as much as one read
// of the source gave.
func (cn *conn) sendChunked(m *message) error {
	const (
		prefix = len("ffff\r\n")
		suffix = len("\r\n")
		hex    = "0123456789abcdef"
	)
	b := m.head
	for {
		if len(b) > writeBufSize/2 {
			if err := cn.writePart(b); err != nil {
				return err
			}
			b = b[:0]
		}
		start := len(b)
		n, err := readSome(m.req.Stream, b[start+prefix:writeBufSize-suffix])
		if errors.Is(err, io.EOF) {
			return cn.writePart(append(b, "0\r\n\r\n"...))
		}
		if err != nil {
			return err
		}
		b = append(b, hex[n>>12&15], hex[n>>8&15], hex[n>>4&15], hex[n&15], '\r', '\n')
		b = append(b[:len(b)+n], "\r\n"...)
		if err := cn.writePart(b); err != nil {
			return err
		}
		b = b[:0]
	}
}

// writePart writes a part of a Stream; the source may have paused before it.
func (cn *conn) writePart(b []byte) error {
	cn.limitLongWrite()
	_, err := cn.rw.Write(b)
	return err
}

// readSome reads at least a byte, or returns io.EOF or an ErrSource.
func readSome(r io.Reader, p []byte) (int, error) {
	for range 100 {
		n, err := r.Read(p)
		switch {
		case n < 0 || n > len(p):
			return 0, sourceError(errors.New("count out of range"))
		case n > 0:
			return n, nil // an error comes again
		case errors.Is(err, io.EOF):
			return 0, io.EOF
		case err != nil:
			return 0, sourceError(err)
		}
	}
	return 0, sourceError(io.ErrNoProgress)
}

// earlyAnswer is a response that is awaited while the request is still being
// written.
type earlyAnswer struct {
	done chan struct{}
	resp *Response
	err  error
}

// wait waits for the goroutine of startEarly. When the request could not be
// written to its end, it does not wait for long: an answer to half a request
// is there already or will not come.
func (e *earlyAnswer) wait(w *wire, werr error) {
	if werr != nil {
		grace := answerGrace
		if errors.Is(werr, ErrSource) {
			grace = 0
		}
		timer := time.AfterFunc(grace, w.abortRead)
		defer timer.Stop()
	}
	<-e.done
}

// startEarly is called by the wire when a write stalls: the vendor may have
// answered already, say with 413, and not be reading any more. An answer that
// refuses the request ends the write. exchange waits for the goroutine.
func (cn *conn) startEarly() {
	e := &earlyAnswer{done: make(chan struct{})}
	cn.early = e
	go func() {
		defer close(e.done)
		cn.wire.limitRead(cn.wire.now(), cn.until)
		e.resp, e.err = cn.readHead(cn.method)
		if e.err != nil || e.resp.StatusCode >= 300 {
			cn.wire.abortWrite()
		}
	}()
}
