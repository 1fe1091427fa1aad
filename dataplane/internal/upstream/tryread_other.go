//go:build !unix

package upstream

import "syscall"

// tryRead never finds anything where sockets cannot be read without waiting:
// dead connections are then noticed when they are used.
type tryRead struct{}

func (*tryRead) bind() {}

func (*tryRead) read(syscall.RawConn, []byte) (int, error) { return 0, errNothing }
