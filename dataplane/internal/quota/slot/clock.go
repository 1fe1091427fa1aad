package slot

import "time"

// clock tells nanoseconds since the table was opened, which only grow.
type clock struct {
	base time.Time
	read func() time.Time // nil: the real one
}

func newClock(read func() time.Time) clock {
	if read != nil {
		return clock{base: read(), read: read}
	}
	return clock{base: time.Now()}
}

func (c *clock) now() int64 {
	if c.read != nil {
		return int64(c.read().Sub(c.base))
	}
	return int64(time.Since(c.base))
}

// timing are the times that follow from the TTL of leases.
type timing struct {
	ttl time.Duration
	// usable is for how long after it was sent a renewal lets slots be used.
	usable       time.Duration
	renew, retry time.Duration
	call         time.Duration // one call of NATS
	grace        time.Duration // before taking more, with another lease
	memory       time.Duration // of what others asked for
	stay         time.Duration // of a slot, where there are too few for all
	sweep        time.Duration
	kept         time.Duration // in the bucket: empty records, leases, tombstones
}

const (
	defaultTTL = 5 * time.Second
	// maxGrace is ample for all to reconnect.
	maxGrace = time.Second
	// answerWait is how long an asker waits for slots of others before it takes
	// the limit for used up.
	answerWait = 5 * time.Millisecond
	// batchWait lets calls that end together hand over their slots together.
	batchWait = 3 * time.Millisecond
	// After an attempt in vain there is none for a while, which doubles.
	minBackoff = 10 * time.Millisecond
	maxBackoff = 100 * time.Millisecond
	// recordTTL removes records that dead holders left and nobody wants. Records
	// in use are written again in time.
	recordTTL   = time.Hour
	recordFresh = 20 * time.Minute
	// unusedSweeps is after how many sweeps without use a limit is forgotten: a
	// minute.
	unusedSweeps = 12
	// hintSweeps is for how many sweeps after a hint records are read again.
	hintSweeps = 2
)

func newTiming(ttl time.Duration) timing {
	if ttl <= 0 {
		ttl = defaultTTL
	}
	return timing{
		ttl: ttl, usable: ttl - ttl/5, renew: ttl / 4, retry: ttl / 20, call: ttl / 5, grace: min(ttl/5, maxGrace),
		memory: ttl / 5, stay: ttl / 50, sweep: ttl, kept: max(unusedSweeps*ttl, time.Second),
	}
}
