//go:build unix

package upstream

import (
	"errors"
	"syscall"
)

// tryRead is a read of a non-blocking socket that does not wait. It is part of
// the wire so that neither the callback nor its variables are allocated again
// for every use.
type tryRead struct {
	call func(fd uintptr)
	p    []byte
	n    int
	err  error
}

func (t *tryRead) bind() {
	t.call = func(fd uintptr) {
		for {
			t.n, t.err = syscall.Read(int(fd), t.p)
			if !errors.Is(t.err, syscall.EINTR) {
				return
			}
		}
	}
}

// read returns errNothing when the socket holds nothing, and 0 at its end.
func (t *tryRead) read(raw syscall.RawConn, p []byte) (int, error) {
	t.p = p
	err := raw.Control(t.call)
	t.p = nil
	if err != nil {
		return 0, err
	}
	if errors.Is(t.err, syscall.EAGAIN) || errors.Is(t.err, syscall.EWOULDBLOCK) {
		return 0, errNothing
	}
	return t.n, t.err
}
