package health

import (
	"math"
	"sync/atomic"
	"time"
)

// samples is how many latencies are remembered, as LiteLLM's
// max_latency_list_size.
const samples = 10

// latency is the mean of the last samples. Writers hold the state's lock;
// readers need none.
type latency struct {
	values  [samples]float64
	count   int
	next    int
	mean    atomic.Uint64 // bits of a float64, in seconds
	expires atomic.Int64  // Unix nanoseconds
}

func (l *latency) add(now time.Time, seconds float64, ttl time.Duration) {
	if now.UnixNano() >= l.expires.Load() {
		l.count, l.next = 0, 0 // what is there is too old
	}
	l.values[l.next] = seconds
	l.next = (l.next + 1) % samples
	l.count = min(l.count+1, samples)
	sum := 0.0
	for _, v := range l.values[:l.count] {
		sum += v
	}
	l.mean.Store(math.Float64bits(sum / float64(l.count)))
	l.expires.Store(now.Add(ttl).UnixNano())
}

// load returns the mean, and whether there is one.
func (l *latency) load(now int64) (seconds float64, known bool) {
	if now >= l.expires.Load() {
		return 0, false
	}
	return math.Float64frombits(l.mean.Load()), true
}
