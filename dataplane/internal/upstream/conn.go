package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

const (
	// readBufSize holds a usual head with a small body, or what arrived of a
	// stream; longer bodies are read into the caller's memory directly.
	readBufSize = 4 << 10
	// directRead is from how many wanted bytes on the buffer is passed by.
	directRead = readBufSize / 2
	// maxInterim is how many 1xx responses may precede the final one.
	maxInterim = 8
	// maxScratch is how many header fields a connection keeps room for.
	maxScratch = 128
	// maxDrain is how much of a body that nobody wants is read to keep the
	// connection.
	maxDrain = 64 << 10
)

// conn is one connection to a vendor. It lives as long as its socket and is
// owned by one exchange or by the idle pool.
type conn struct {
	client *Client
	host   *host
	wire   *wire
	rw     net.Conn      // wire, or the TLS layer above it
	tls    *tls.Conn     // nil without TLS
	since  time.Duration // when it became idle, as an offset from the client's epoch

	// The read buffer is borrowed from the client while an exchange is under way.
	buf    []byte
	lo, hi int
	got    bool // a byte of the response arrived

	// Of the exchange under way.
	method string
	until  time.Duration // limit of the response head
	stop   func() bool   // ends the watch on the context
	body   body
	early  *earlyAnswer
	close  bool // not to be used again

	probe      [1]byte
	cancelFunc func()   // wire.cancel, bound once
	segs       [][]byte // scratch of writev
	fields     []Field  // scratch of the head parser
}

// body is where reading the response body stands.
type body struct {
	kind    bodyKind
	left    int64
	chunked chunked
	idle    time.Duration
}

func newConn(c *Client, h *host, w *wire) *conn {
	cn := &conn{client: c, host: h, wire: w, rw: w}
	cn.cancelFunc = w.cancel
	w.stalled = cn.startEarly
	return cn
}

// watch lets ctx cancel the exchange from now on.
func (cn *conn) watch(ctx context.Context) {
	if ctx.Done() != nil {
		cn.stop = context.AfterFunc(ctx, cn.cancelFunc)
	}
}

// unwatch reports false when the cancellation was on its way already; the
// connection then is not usable any more.
func (cn *conn) unwatch() bool {
	ok := cn.stop == nil || cn.stop()
	cn.stop = nil
	return ok
}

// release ends an exchange whose response was read to its end.
func (cn *conn) release() {
	clean := cn.unwatch() && !cn.close && cn.lo == cn.hi && !cn.wire.aborted.Load()
	cn.dropBuffer()
	if !clean {
		cn.shut()
		return
	}
	cn.host.put(cn)
}

// discard ends an exchange whose connection is of no more use.
func (cn *conn) discard() {
	cn.unwatch()
	cn.dropBuffer()
	_ = cn.wire.Close() // nothing depends on it
}

// shut closes a connection that is in order, telling a TLS peer so.
func (cn *conn) shut() {
	if cn.tls != nil {
		now := cn.wire.now()
		cn.wire.limitWrite(now, now+time.Second, 0)
		_ = cn.tls.Close() // nothing depends on it
	}
	_ = cn.wire.Close() // nothing depends on it
}

func (cn *conn) dropBuffer() {
	cn.client.putBuf(cn.buf)
	cn.buf, cn.lo, cn.hi = nil, 0, 0
}

// alive tells whether an idle connection can be used: nothing is to be read
// from it, neither its end nor bytes nobody asked for. With TLS the read also
// handles messages of the protocol itself, such as session tickets.
func (cn *conn) alive() bool {
	cn.wire.noWait = true
	_, err := cn.rw.Read(cn.probe[:])
	cn.wire.noWait = false
	return errors.Is(err, errNothing)
}

// fill reads once more into the buffer. It returns io.EOF at the end.
func (cn *conn) fill() error {
	if cn.lo > 0 {
		cn.hi = copy(cn.buf, cn.buf[cn.lo:cn.hi])
		cn.lo = 0
	}
	n, err := cn.read(cn.buf[cn.hi:])
	cn.hi += n
	cn.got = cn.got || n > 0
	return err
}

// read reads once: data or an error, never both. crypto/tls returns both when
// the peer's farewell comes with the last bytes; it repeats the error.
func (cn *conn) read(p []byte) (int, error) {
	n, err := cn.rw.Read(p)
	if n > 0 {
		return n, nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return 0, err
}

// rawHead reads a complete response head and returns it, valid until the next
// read. budget is what is left of the bytes a head may have.
func (cn *conn) rawHead(budget *int) ([]byte, error) {
	from := 0
	for {
		end, next := headEnd(cn.buf[cn.lo:cn.hi], from)
		if end > *budget || end == 0 && cn.hi-cn.lo >= *budget {
			return nil, ErrHeadTooLong
		}
		if end > 0 {
			head := cn.buf[cn.lo : cn.lo+end]
			cn.lo += end
			*budget -= end
			return head, nil
		}
		from = next
		if cn.lo == 0 && cn.hi == len(cn.buf) {
			cn.buf = append(cn.buf, make([]byte, len(cn.buf))...)
		}
		if err := cn.fill(); err != nil {
			if errors.Is(err, io.EOF) && cn.got {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// readHead reads the final response head and sets the connection up for its
// body.
func (cn *conn) readHead(method string) (*Response, error) {
	budget := cn.client.opts.MaxHeaderBytes
	for range maxInterim + 1 {
		raw, err := cn.rawHead(&budget)
		if err != nil {
			return nil, err
		}
		if len(raw) > 9 && raw[9] == '1' {
			if err := interim(raw); err != nil {
				return nil, err
			}
			continue
		}
		return cn.parseHead(string(raw), method)
	}
	return nil, malformed("too many interim responses")
}

// interim checks a 1xx head, or what looks like one.
func interim(raw []byte) error {
	line, _ := cutLine(string(raw))
	st, err := parseStatus(line)
	if err == nil && st.code == 101 {
		return ErrUpgrade
	}
	return err
}

func (cn *conn) parseHead(s, method string) (*Response, error) {
	st, fields, err := parseHead(s, cn.fields[:0])
	if err != nil {
		return nil, err
	}
	fr, err := frame(st, fields, method)
	if err != nil {
		return nil, err
	}
	resp := &Response{StatusCode: st.code, ContentLength: fr.length, Header: append(Header(nil), fields...), conn: cn}
	clear(fields) // the scratch must not keep the head alive
	if cn.fields = fields; cap(fields) > maxScratch {
		cn.fields = nil
	}
	cn.close = cn.close || fr.close
	cn.body = body{kind: fr.kind, left: fr.length}
	return resp, nil
}

// readBody reads once. done tells that the body is complete.
func (cn *conn) readBody(p []byte) (n int, done bool, err error) {
	switch b := &cn.body; b.kind {
	case bodyLength:
		if int64(len(p)) > b.left {
			p = p[:b.left]
		}
		n, err = cn.readRaw(p)
		b.left -= int64(n)
		done = b.left == 0
	case bodyChunked:
		n, err = cn.readChunked(p)
		done = b.chunked.state == chunkDone
	case bodyUntilClose:
		n, err = cn.readRaw(p)
		if errors.Is(err, io.EOF) {
			return n, true, nil
		}
	default:
		return 0, true, nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, done, err
}

// readRaw gives what is buffered, or else what one read delivers.
func (cn *conn) readRaw(p []byte) (int, error) {
	if cn.lo == cn.hi {
		cn.limitIdle()
		if len(p) >= directRead {
			return cn.read(p)
		}
		if err := cn.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, cn.buf[cn.lo:cn.hi])
	cn.lo += n
	return n, nil
}

// readChunked reads again only when what it read was framing and no data.
func (cn *conn) readChunked(p []byte) (int, error) {
	d := &cn.body.chunked
	for {
		n, used, err := d.decode(p, cn.buf[cn.lo:cn.hi])
		cn.lo += used
		if n > 0 || err != nil || d.state == chunkDone {
			return n, err
		}
		cn.limitIdle()
		if d.state == chunkData && cn.lo == cn.hi && min(int64(len(p)), d.left) >= directRead {
			n, err := cn.read(p[:min(int64(len(p)), d.left)])
			d.took(n)
			return n, err
		}
		if err := cn.fill(); err != nil {
			return 0, err
		}
	}
}

// limitIdle gives the coming read the time a body may pause.
func (cn *conn) limitIdle() {
	switch {
	case cn.wire.noWait:
	case cn.body.idle <= 0:
		cn.wire.limitRead(0, 0)
	default:
		now := cn.wire.now()
		cn.wire.limitRead(now, limitAt(now, cn.body.idle))
	}
}

// drain reads the rest of a body as far as it has arrived and reports whether
// that was all of it.
func (cn *conn) drain() bool {
	b := &cn.body
	if cn.close || b.kind == bodyUntilClose || (b.kind == bodyLength && b.left > maxDrain) {
		return false
	}
	scratch := cn.client.getBuf()
	defer cn.client.putBuf(scratch)
	cn.wire.noWait = true
	defer func() { cn.wire.noWait = false }()
	for total := 0; total <= maxDrain; {
		n, done, err := cn.readBody(scratch)
		if done || err != nil {
			return done && err == nil
		}
		total += n
	}
	return false
}
