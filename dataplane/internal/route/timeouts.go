package route

import "time"

// Timeouts are those of one attempt.
type Timeouts struct {
	// Head bounds the wait for the response head, of a stream for its first
	// event.
	Head time.Duration
	// Idle bounds the wait between two events of a stream; 0 is no bound.
	Idle time.Duration
}

// TimeoutAsk is what the request says; 0 is nothing.
type TimeoutAsk struct {
	Stream                   bool
	Header, HeaderStream     time.Duration
	BodyTimeout, BodyStreams time.Duration
}

// Timeouts returns those that hold for an attempt: the header's, else the
// body's, the deployment's, the router's.
func (t *Table) Timeouts(d *Deployment, ask *TimeoutAsk) Timeouts {
	head := firstPositive(ask.Header, ask.BodyTimeout, d.Timeout, t.rules.timeout)
	if !ask.Stream {
		return Timeouts{Head: head}
	}
	return Timeouts{
		Head: firstPositive(ask.HeaderStream, ask.Header, ask.BodyStreams, ask.BodyTimeout,
			milliseconds(d.record.StreamTimeoutMS), d.Timeout, t.rules.stream, t.rules.timeout),
		Idle: firstPositive(milliseconds(d.record.StreamIdleTimeoutMS), t.rules.idle),
	}
}

func firstPositive(ds ...time.Duration) time.Duration {
	for _, d := range ds {
		if d > 0 {
			return d
		}
	}
	return 0
}
