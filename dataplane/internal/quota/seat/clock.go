package seat

import (
	"sync/atomic"
	"time"
)

const (
	// sampleEvery is how often the server is asked for its time.
	sampleEvery = 30 * time.Second
	// drift is how much two clocks may part: one part in so many.
	drift = 10_000
)

// serverClock follows the clock of the NATS server by the monotonic clock of
// this machine, so that it does not matter when the latter is set.
type serverClock struct{ last atomic.Pointer[sample] }

// sample is what the server said.
type sample struct {
	server time.Time
	at     time.Time // in the middle between question and answer
	trip   time.Duration
}

// now returns the server's time, if it is known.
func (c *serverClock) now() (time.Time, bool) {
	s := c.last.Load()
	if s == nil {
		return time.Time{}, false
	}
	return s.server.Add(time.Since(s.at)), true
}

// due reports whether the server ought to be asked.
func (c *serverClock) due() bool {
	s := c.last.Load()
	return s == nil || time.Since(s.at) > sampleEvery
}

// learn takes what the server answered to a question that was asked then. The
// longer that took, the less is known by it: what is known better is carried
// on, unless it is proved wrong, or the connection is a new one.
func (c *serverClock) learn(server, asked time.Time, anew bool) {
	trip := time.Since(asked)
	next := &sample{server: server, at: asked.Add(trip / 2), trip: trip}
	if s := c.last.Load(); s != nil && !anew {
		age := next.at.Sub(s.at)
		carried := sample{server: s.server.Add(age), at: next.at, trip: s.trip + 2*age/drift}
		if carried.trip < trip && next.server.Sub(carried.server).Abs() <= trip {
			*next = carried
		}
	}
	c.last.Store(next)
}
