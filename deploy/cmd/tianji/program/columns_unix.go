//go:build unix

package program

import (
	"os"

	"golang.org/x/sys/unix"
)

// unknownWidth is of a terminal that does not say how wide it is.
const unknownWidth = 100

// columns is how wide a terminal is, or 0 when the file is none.
func columns(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	switch {
	case err != nil:
		return 0
	case size.Col == 0:
		return unknownWidth
	}
	return int(size.Col)
}
