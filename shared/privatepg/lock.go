package privatepg

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockDir takes the directory for this process until the file is closed or
// the process ends, however it ends. Locking the directory itself leaves no
// file that another user could not open later.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir) //nolint:gosec // the directory the caller asked for
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("another process runs PostgreSQL in %s: stop it, or choose another data directory", dir)
	}
	return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
}
