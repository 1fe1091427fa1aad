package upstream

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What wire.Read and wire.Write end with besides errors of the socket.
var (
	errCanceled error = &timeoutError{"canceled"}
	errExpired  error = &timeoutError{"time limit reached"}
	// errAborted: the other direction made going on pointless.
	errAborted error = &timeoutError{"given up"}
	// errNothing: reading would have had to wait. crypto/tls keeps its state
	// after an error that calls itself temporary, so reading can go on later.
	errNothing error = &timeoutError{"nothing to read yet"}
)

// farPast is a deadline that fails whatever waits for it.
func farPast() time.Time { return time.Unix(1, 0) }

// wire is a TCP connection under a connection's TLS layers, if any. It owns all
// deadlines: those of the layers above are never used.
//
// Setting a socket deadline moves a runtime timer, so wire does it lazily: an
// armed deadline that is earlier than the wanted one stays, and when it fires
// early the wire arms the wanted one and goes on. A busy connection so moves
// its timers about once in a timeout and not at every read.
//
// The read side may be used by one goroutine at a time. Times are offsets from
// epoch; 0 means no limit.
type wire struct {
	tcp   *net.TCPConn
	raw   syscall.RawConn
	epoch time.Time

	readUntil, readArmed   time.Duration
	writeUntil, writeArmed time.Duration

	// stallAt is when a write that is still waiting calls stalled, once.
	stallAt time.Duration
	stalled func()

	// cork, if it has room, collects what is written until it is full or
	// flushed: crypto/tls writes each record on its own.
	cork []byte
	// writing guards the write side: reading TLS may write too, when the peer
	// asks for new keys, while an early answer is awaited.
	writing sync.Mutex

	canceled    atomic.Bool
	aborted     atomic.Bool // of writes
	readAborted atomic.Bool

	// noWait makes Read return errNothing instead of waiting.
	noWait bool
	try    tryRead
}

func newWire(tcp *net.TCPConn, epoch time.Time) (*wire, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &wire{tcp: tcp, raw: raw, epoch: epoch}
	w.try.bind()
	return w, nil
}

func (w *wire) now() time.Duration { return time.Since(w.epoch) }

func (w *wire) at(d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return w.epoch.Add(d)
}

// cancel fails what waits on the wire now and whatever is tried later. It may
// be called by any goroutine at any time.
func (w *wire) cancel() {
	w.canceled.Store(true)
	_ = w.tcp.SetDeadline(farPast()) // fails on a closed socket only
}

// abortWrite ends a waiting write, so that an early answer can be used.
func (w *wire) abortWrite() {
	w.aborted.Store(true)
	_ = w.tcp.SetWriteDeadline(farPast()) // fails on a closed socket only
}

// abortRead ends a waiting read for good.
func (w *wire) abortRead() {
	w.readAborted.Store(true)
	_ = w.tcp.SetReadDeadline(farPast()) // fails on a closed socket only
}

// limitAt is the point in time after d from now; 0, no limit, when d is not
// positive or beyond all time.
func limitAt(now, d time.Duration) time.Duration {
	if d <= 0 || now+d < now {
		return 0
	}
	return now + d
}

// mustArm tells whether the armed deadline cannot serve for the wanted one.
func mustArm(armed, until, now time.Duration) bool {
	if until == 0 {
		return armed != 0 && armed <= now
	}
	return armed == 0 || armed > until || armed <= now
}

// limitRead gives the following reads until as their limit.
func (w *wire) limitRead(now, until time.Duration) {
	w.readUntil = until
	if mustArm(w.readArmed, until, now) {
		w.armRead()
	}
}

func (w *wire) armRead() {
	w.readArmed = w.readUntil
	_ = w.tcp.SetReadDeadline(w.at(w.readUntil)) // a closed socket fails the read too
	if w.canceled.Load() {                       // after arming: a cancel in between must win
		w.cancel()
	}
	if w.readAborted.Load() {
		w.abortRead()
	}
}

// limitWrite gives the following writes until as their limit; stall, if not 0,
// is when they count as stalled.
func (w *wire) limitWrite(now, until, stall time.Duration) {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.writeUntil, w.stallAt = until, stall
	if mustArm(w.writeArmed, w.writeWait(), now) {
		w.armWrite()
	}
}

// writeWait is the next point in time at which a waiting write must wake up.
func (w *wire) writeWait() time.Duration {
	if w.stallAt != 0 && (w.writeUntil == 0 || w.stallAt < w.writeUntil) {
		return w.stallAt
	}
	return w.writeUntil
}

func (w *wire) armWrite() {
	w.writeArmed = w.writeWait()
	_ = w.tcp.SetWriteDeadline(w.at(w.writeArmed)) // a closed socket fails the write too
	if w.canceled.Load() {
		w.cancel()
	}
	if w.aborted.Load() {
		w.abortWrite()
	}
}

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	if w.noWait {
		return w.readNow(p)
	}
	for {
		n, err := w.tcp.Read(p)
		if n > 0 || err == nil {
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		if w.canceled.Load() {
			return 0, errCanceled
		}
		if w.readAborted.Load() {
			return 0, errAborted
		}
		if w.readUntil != 0 && w.now() >= w.readUntil {
			return 0, errExpired
		}
		w.armRead()
	}
}

// readNow reads what the socket holds already.
func (w *wire) readNow(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := w.try.read(w.raw, p)
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn.
func (w *wire) Write(p []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	if len(w.cork)+len(p) > cap(w.cork) {
		if err := w.flush(); err != nil {
			return 0, err
		}
		if len(p) > cap(w.cork) {
			return w.write(p)
		}
	}
	w.cork = append(w.cork, p...)
	return len(p), nil
}

// setCork holds back what is written until it fills b.
func (w *wire) setCork(b []byte) {
	w.writing.Lock()
	w.cork = b
	w.writing.Unlock()
}

// uncork writes what was held back and ends holding back, in one step: nothing
// may slip in between.
func (w *wire) uncork() error {
	w.writing.Lock()
	defer w.writing.Unlock()
	err := w.flush()
	w.cork = nil
	return err
}

func (w *wire) flush() error {
	if len(w.cork) == 0 {
		return nil
	}
	_, err := w.write(w.cork)
	w.cork = w.cork[:0]
	return err
}

func (w *wire) write(p []byte) (int, error) {
	done := 0
	for {
		n, err := w.tcp.Write(p[done:])
		done += n
		if err == nil {
			return done, nil
		}
		if err := w.writeFailed(err); err != nil {
			return done, err
		}
	}
}

// writev writes segments with as few system calls as the kernel allows. It
// uses segs up.
func (w *wire) writev(segs [][]byte) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	bufs := net.Buffers(segs)
	for {
		_, err := bufs.WriteTo(w.tcp)
		if err == nil {
			return nil
		}
		if err := w.writeFailed(err); err != nil {
			return err
		}
	}
}

// writeFailed returns nil when the write is to go on: the deadline that fired
// was not the limit.
func (w *wire) writeFailed(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	switch {
	case w.canceled.Load():
		return errCanceled
	case w.aborted.Load():
		return errAborted
	}
	now := w.now()
	if w.writeUntil != 0 && now >= w.writeUntil {
		return errExpired
	}
	if w.stallAt != 0 && now >= w.stallAt {
		w.stallAt = 0
		w.stalled()
	}
	w.armWrite()
	return nil
}

// Close implements net.Conn.
func (w *wire) Close() error { return w.tcp.Close() }

// LocalAddr implements net.Conn.
func (w *wire) LocalAddr() net.Addr { return w.tcp.LocalAddr() }

// RemoteAddr implements net.Conn.
func (w *wire) RemoteAddr() net.Addr { return w.tcp.RemoteAddr() }

// SetDeadline implements net.Conn; see the type for why it does nothing.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn. crypto/tls calls it around the alert
// it closes with.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
