package stack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// Patience is how long a condition may take that is met within
	// milliseconds on an idle machine.
	Patience = 20 * time.Second
	lookEach = 5 * time.Millisecond
)

// Await waits for a condition, and fails the test when it is not met in time.
func Await(tb testing.TB, what string, met func() bool) {
	tb.Helper()
	require.True(tb, await(tb, met), "waited %s in vain: %s", Patience, what)
}

// await reports whether the condition was met in time.
func await(tb testing.TB, met func() bool) bool {
	tb.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	look := time.NewTicker(lookEach)
	defer look.Stop()
	for !met() {
		select {
		case <-look.C:
		case <-deadline.C:
			return false
		}
	}
	return true
}
