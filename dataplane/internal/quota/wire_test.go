package quota_test

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// wire is a proxy in front of the server that can be cut, or hold back all that
// is sent until it is mended: as a network that is gone, and one that hangs.
type wire struct {
	to       string
	listener net.Listener
	all      sync.WaitGroup

	mu    sync.Mutex
	held  chan struct{} // closed while bytes may pass
	cut   bool
	conns map[net.Conn]bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{to: to, listener: ln, held: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(w.held)
	w.all.Go(w.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		w.sever()
		w.all.Wait()
	})
	return w
}

func (w *wire) accept() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.to)
		if err != nil {
			_ = in.Close()
			continue
		}
		w.mu.Lock()
		cut := w.cut
		w.conns[in], w.conns[out] = true, true
		w.mu.Unlock()
		if cut {
			w.drop(in, out)
			continue
		}
		w.all.Go(func() { w.pass(in, out) })
		w.all.Go(func() { w.pass(out, in) })
	}
}

func (w *wire) pass(from, to net.Conn) {
	defer w.drop(from, to)
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		w.mu.Lock()
		held := w.held
		w.mu.Unlock()
		<-held
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (w *wire) drop(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		delete(w.conns, c)
		_ = c.Close()
	}
}

// sever ends all connections, and refuses others until the wire is mended.
func (w *wire) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for c := range w.conns {
		_ = c.Close()
	}
	w.release()
}

// hang lets nothing pass until the wire is mended or broken.
func (w *wire) hang() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.held:
		w.held = make(chan struct{})
	default:
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
	w.release()
}

func (w *wire) release() {
	select {
	case <-w.held:
	default:
		close(w.held)
	}
}
