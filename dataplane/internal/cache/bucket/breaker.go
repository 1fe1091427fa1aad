package bucket

import (
	"sync/atomic"
	"time"
)

const (
	// tolerated is how many lookups in a row may fail before none is made.
	tolerated = 3
	// pause is how long none is made until one tries again.
	pause = 250 * time.Millisecond
)

// breaker decides whether it is worth to ask. The zero value is closed.
type breaker struct {
	failures atomic.Int32
	reopens  atomic.Int64 // Unix nanoseconds of the next attempt
}

// allow reports whether to ask. While open it lets one through per pause.
func (b *breaker) allow(now time.Time) bool {
	if b.failures.Load() < tolerated {
		return true
	}
	at := b.reopens.Load()
	return now.UnixNano() >= at && b.reopens.CompareAndSwap(at, now.Add(pause).UnixNano())
}

func (b *breaker) success() {
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
}

func (b *breaker) failure(now time.Time) {
	if b.failures.Add(1) == tolerated {
		b.reopens.Store(now.Add(pause).UnixNano())
	}
}

func (b *breaker) open() bool { return b.failures.Load() >= tolerated }
