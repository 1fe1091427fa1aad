//go:build unix

package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Buckets of a histogram are a sixteenth of a power of two wide, so what is read
// from it is at most a sixteenth too high.
const (
	subBits = 4
	buckets = (64 - subBits + 1) << subBits
)

// histogram counts durations. It is safe for concurrent use.
type histogram struct {
	counts [buckets]atomic.Uint64
	most   atomic.Int64
}

func bucket(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < 1<<subBits {
		return int(n)
	}
	shift := bits.Len64(n) - 1 - subBits
	return (shift+1)<<subBits | int(n>>shift&(1<<subBits-1))
}

// upper is the greatest duration of a bucket.
func upper(i int) time.Duration {
	if i < 1<<subBits {
		return time.Duration(i)
	}
	shift := i>>subBits - 1
	return time.Duration((uint64(1<<subBits|i&(1<<subBits-1))+1)<<shift - 1) //nolint:gosec // buckets of durations
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(d)].Add(1)
	for {
		most := h.most.Load()
		if int64(d) <= most || h.most.CompareAndSwap(most, int64(d)) {
			return
		}
	}
}

// latencies is a histogram that is sent.
type latencies struct {
	Counts map[int]uint64 `json:"counts,omitempty"`
	Most   time.Duration  `json:"most"`
}

func (h *histogram) latencies() latencies {
	l := latencies{Counts: map[int]uint64{}, Most: time.Duration(h.most.Load())}
	for i := range h.counts {
		if n := h.counts[i].Load(); n > 0 {
			l.Counts[i] = n
		}
	}
	return l
}

// add adds what another replica measured.
func (l *latencies) add(other latencies) {
	if l.Counts == nil {
		l.Counts = map[int]uint64{}
	}
	for i, n := range other.Counts {
		l.Counts[i] += n
	}
	l.Most = max(l.Most, other.Most)
}

// quantile is the duration that the fraction q of all does not exceed.
func (l *latencies) quantile(q float64) time.Duration {
	var all uint64
	for _, n := range l.Counts {
		all += n
	}
	rest := uint64(q * float64(all))
	for i := range buckets {
		n := l.Counts[i]
		if n > rest {
			return min(upper(i), l.Most)
		}
		rest -= n
	}
	return l.Most
}
