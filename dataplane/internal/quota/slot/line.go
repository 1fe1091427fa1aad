package slot

import (
	"context"
	"time"
)

// line does something with entries after a delay, which is the same for all.
type line struct {
	delay time.Duration
	act   func(*entry, *attempt) // with the entry locked
	queue chan delayed
}

type delayed struct {
	entry   *entry
	attempt *attempt
	due     time.Time
}

func newLine(delay time.Duration, act func(*entry, *attempt)) *line {
	return &line{delay: delay, act: act, queue: make(chan delayed, maxQueued)}
}

// put refuses when too many wait.
func (l *line) put(e *entry, a *attempt) bool {
	select {
	case l.queue <- delayed{e, a, time.Now().Add(l.delay)}:
		return true
	default:
		return false
	}
}

func (l *line) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-l.queue:
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(d.due)):
			}
			d.entry.mu.Lock()
			l.act(d.entry, d.attempt)
			d.entry.mu.Unlock()
		}
	}
}
