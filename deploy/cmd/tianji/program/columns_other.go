//go:build !unix

package program

import "os"

// columns is 0: nothing is drawn for a terminal here.
func columns(*os.File) int { return 0 }
