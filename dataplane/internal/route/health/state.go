package health

import (
	"sync"
	"sync/atomic"
	"time"
)

// State is what is known of one deployment, or of one model of a deployment
// whose name is a pattern. It is safe for concurrent use.
type State struct {
	// ID is the deployment's; Model is the name that was asked for where the
	// deployment's is a pattern.
	ID, Model string
	// Usage is that of the whole deployment; the models of a pattern share it.
	Usage *Usage

	until    atomic.Int64 // cooling down up to then, in Unix nanoseconds
	own      atomic.Int64 // the same, as far as this replica decided it
	status   atomic.Int64 // what caused it
	inFlight atomic.Int64
	remote   atomic.Int64 // in flight on other replicas

	mu       sync.Mutex
	outcomes outcomes
	whole    latency
	first    latency
}

func newState(id, model string, usage *Usage) *State {
	return &State{ID: id, Model: model, Usage: usage}
}

// Cooling reports whether the deployment must not be used at a time, in Unix
// nanoseconds.
func (s *State) Cooling(now int64) bool { return s.until.Load() > now }

// CoolingFor returns how much longer the deployment must not be used.
func (s *State) CoolingFor(now time.Time) time.Duration {
	return max(0, time.Duration(s.until.Load()-now.UnixNano()))
}

// Cool keeps the deployment out of use for a while. own says that this replica
// has decided it, and so tells the others. It reports whether that is news: a
// cooldown is never made shorter.
func (s *State) Cool(now time.Time, d time.Duration, status int, own bool) bool {
	until := now.Add(d).UnixNano()
	if own {
		raise(&s.own, until)
	}
	if !raise(&s.until, until) {
		return false
	}
	s.status.Store(int64(status))
	return true
}

func raise(v *atomic.Int64, to int64) bool {
	for {
		old := v.Load()
		if old >= to {
			return false
		}
		if v.CompareAndSwap(old, to) {
			return true
		}
	}
}

// Own returns how much longer the cooldown lasts that this replica decided,
// and the status that caused it.
func (s *State) Own(now time.Time) (left time.Duration, status int) {
	return max(0, time.Duration(s.own.Load()-now.UnixNano())), int(s.status.Load())
}

// Begin and End count a call that is under way.
func (s *State) Begin() { s.inFlight.Add(1) }

// End ends what Begin began.
func (s *State) End() { s.inFlight.Add(-1) }

// InFlight returns the calls under way on all replicas.
func (s *State) InFlight() int64 { return s.inFlight.Load() + s.remote.Load() }

// Local returns the calls under way on this replica.
func (s *State) Local() int64 { return s.inFlight.Load() }

// AddRemote changes the calls under way on other replicas.
func (s *State) AddRemote(n int64) { s.remote.Add(n) }

// Latency returns the mean seconds that calls took, for streams until their
// first byte, and whether that was measured.
func (s *State) Latency(now int64, stream bool) (seconds float64, known bool) {
	if stream {
		return s.first.load(now)
	}
	return s.whole.load(now)
}

// Measure remembers a latency for ttl.
func (s *State) Measure(now time.Time, took time.Duration, stream bool, ttl time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stream {
		s.first.add(now, took.Seconds(), ttl)
		return
	}
	s.whole.add(now, took.Seconds(), ttl)
}

// Succeeded counts a success.
func (s *State) Succeeded(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes.in(now).successes++
}

// failed counts a failure and returns the counts of the minute: successes and
// failures in all, and failures of that class.
func (s *State) failed(now time.Time, class string) (successes, failures, ofClass int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.outcomes.in(now)
	o.failures++
	return o.successes, o.failures, o.count(class)
}

// outcomes are those of one minute.
type outcomes struct {
	minute              int64
	successes, failures int64
	classes             []classCount
}

type classCount struct {
	class string
	n     int64
}

// maxClasses bounds what is remembered; LiteLLM has fewer classes.
const maxClasses = 24

func (o *outcomes) in(now time.Time) *outcomes {
	if minute := Minute(now); minute != o.minute {
		*o = outcomes{minute: minute, classes: o.classes[:0]}
	}
	return o
}

func (o *outcomes) count(class string) int64 {
	for i := range o.classes {
		if c := &o.classes[i]; c.class == class {
			c.n++
			return c.n
		}
	}
	if len(o.classes) < maxClasses {
		o.classes = append(o.classes, classCount{class, 1})
	}
	return 1
}

// Minute returns the Unix minute of a time.
func Minute(t time.Time) int64 { return t.Unix() / 60 }
