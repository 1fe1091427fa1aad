package upstream

import "sync/atomic"

// Stats counts what a Client did since it was made, and what it holds.
type Stats struct {
	Dials        uint64 // connections made, proxies and TLS included
	DialErrors   uint64 // of which failed
	Reuses       uint64 // exchanges that began on a pooled connection
	DeadIdle     uint64 // pooled connections that were closed, too old or talking out of turn when wanted
	StaleRetries uint64 // exchanges repeated because a pooled connection broke before its answer
	EarlyAnswers uint64 // exchanges answered while their body was still being sent
	Idle         int64  // connections in the pool now
}

type counters struct {
	dials, dialErrors, reuses, deadIdle, staleRetries, earlyAnswers atomic.Uint64
	idle                                                            atomic.Int64
}

// Stats returns the counters. They are read one by one, so they need not add up.
func (c *Client) Stats() Stats {
	return Stats{
		Dials:        c.stats.dials.Load(),
		DialErrors:   c.stats.dialErrors.Load(),
		Reuses:       c.stats.reuses.Load(),
		DeadIdle:     c.stats.deadIdle.Load(),
		StaleRetries: c.stats.staleRetries.Load(),
		EarlyAnswers: c.stats.earlyAnswers.Load(),
		Idle:         c.stats.idle.Load(),
	}
}
