//go:build unix && !linux

package privatepg

import "syscall"

// dieWithParent has no counterpart here: the next start stops what was left.
func dieWithParent(*syscall.SysProcAttr) {}
