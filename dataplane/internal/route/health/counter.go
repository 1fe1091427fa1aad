package health

import "sync/atomic"

const (
	// countBits hold 68 billion a minute; the 28 bits that are left hold Unix
	// minutes until the year 2480.
	countBits  = 36
	countMask  = 1<<countBits - 1
	minuteMask = 1<<(64-countBits) - 1
)

// counter counts within a minute and starts anew with the next one. Minute and
// count are one word, so that nothing is counted into the wrong minute.
type counter struct{ word atomic.Uint64 }

// load returns the count of a minute.
func (c *counter) load(minute int64) int64 { return countAt(c.word.Load(), minuteBits(minute)) }

func countAt(word, minute uint64) int64 {
	if word>>countBits != minute {
		return 0
	}
	return int64(word & countMask)
}

func minuteBits(minute int64) uint64 {
	return uint64(minute) & minuteMask //nolint:gosec // see minuteMask
}

// add changes the count of a minute, which stays within 0 and what fits. What
// comes late counts in the minute that has begun since.
func (c *counter) add(minute, n int64) {
	for {
		word := c.word.Load()
		at := max(minuteBits(minute), word>>countBits)
		if c.swap(word, at, countAt(word, at)+n) {
			return
		}
	}
}

// take adds one unless that, with what others have used, exceeds the limit.
func (c *counter) take(minute, others, limit int64) bool {
	for {
		word := c.word.Load()
		at := max(minuteBits(minute), word>>countBits)
		n := countAt(word, at)
		if n+others >= limit {
			return false
		}
		if c.swap(word, at, n+1) {
			return true
		}
	}
}

// refund takes back one of a minute, if that has not passed.
func (c *counter) refund(minute int64) {
	for {
		word := c.word.Load()
		n := countAt(word, minuteBits(minute))
		if n == 0 || c.swap(word, minuteBits(minute), n-1) {
			return
		}
	}
}

func (c *counter) swap(word, minute uint64, n int64) bool {
	n = min(max(n, 0), countMask)
	return c.word.CompareAndSwap(word, minute<<countBits|uint64(n))
}
