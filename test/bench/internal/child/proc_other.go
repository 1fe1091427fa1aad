//go:build !linux

package child

import (
	"syscall"
	"time"
)

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// Cores lists the cores that this process may use; none are known here.
func Cores() []int { return nil }

// PinSelf moves all threads of this process to cores.
func PinSelf([]int) error { return ErrUnsupported }

func onCores(_ []int, start func() error) error { return start() }

func cpuTime(int) (time.Duration, error) { return 0, ErrUnsupported }

func residentSize(int) (int64, error) { return 0, ErrUnsupported }

func descendants(int) []int { return nil }
