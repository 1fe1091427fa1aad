package budget

import (
	"time"

	"github.com/tianjillm/tianjillm/shared/limits"
)

// skew is how much the clock of a data plane may be ahead of ours. A call that
// ended later than that counts as if it had ended then.
const skew = time.Minute

// Running is what somebody has spent in a period, as their row in the database
// has it: the amount, and when the period that it is of ends. The zero time is
// for one that never ends, and for a row that does not say yet.
type Running struct {
	Nano int64
	Ends time.Time
}

// RunningOf reads the columns of a row.
func RunningOf(nano int64, ends *time.Time) Running {
	if ends == nil {
		return Running{Nano: nano}
	}
	return Running{Nano: nano, Ends: ends.UTC()}
}

// Current is what a row shows as spent: nothing, when the period has ended that
// its spend is of. Nothing happens in the database when a period ends; the next
// booking begins the new one.
func Current(nano int64, ends *time.Time, now time.Time) int64 {
	if ends != nil && !now.Before(*ends) {
		return 0
	}
	return nano
}

// At returns the running spend of the present period. When a budget's duration
// was changed, what was spent until then is taken along into the period that
// the new one is in, as at LiteLLM.
func (r Running) At(w limits.Window, now time.Time) Running {
	if w.Forever() {
		return Running{Nano: r.Nano}
	}
	start, end := w.Bounds(now)
	switch _, ahead := w.Bounds(now.Add(skew)); {
	case r.Ends.IsZero():
		return Running{Nano: r.Nano, Ends: end}
	case !r.Ends.After(start):
		return Running{Ends: end}
	case r.Ends.Equal(ahead): // somebody's clock is ahead of ours
		return r
	default:
		return Running{Nano: r.Nano, Ends: end}
	}
}

// Ended is when a call counts as ended that says so by the clock of a data plane.
func Ended(at, now time.Time) time.Time {
	if latest := now.Add(skew); at.After(latest) {
		return latest
	}
	return at
}

// Book adds the cost of a call to the running spend of the present period (see
// At), and begins a new one when it ended in a later. What ended in an earlier
// period does not count. begun says that a period was begun.
func (r Running) Book(w limits.Window, ended time.Time, nano int64) (next Running, counted, begun bool) {
	if !w.Forever() {
		_, end := w.Bounds(ended)
		switch {
		case end.After(r.Ends):
			r, begun = Running{Ends: end}, true
		case end.Before(r.Ends):
			return r, false, false
		}
	}
	r.Nano += nano
	return r, true, begun
}
