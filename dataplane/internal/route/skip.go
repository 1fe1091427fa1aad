package route

import (
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Skip leaves out the deployment that was picked, because a limit of it that
// the router does not count is reached, and picks another. That is neither a
// failure of the deployment nor a retry. Where the group has no other, what
// stands in for it is next; when it says no, Err tells the client why.
func (r *Route) Skip(why *apierr.Error) (next Attempt, ok bool) {
	if !r.held {
		return Attempt{}, false
	}
	r.release()
	r.now = r.router.clock()
	r.skipped = append(r.skipped, r.current)
	r.tried = slices.DeleteFunc(r.tried, func(d *Deployment) bool { return d == r.current })
	if d, refused := r.pick(); refused == nil {
		if wait, again := r.again(d); again {
			maximum := r.maximum
			r.hold(d)
			if r.hop.retries > 0 {
				r.maximum = maximum
			}
			next = r.Current()
			next.Wait = wait
			return next, true
		}
		r.giveBack(d)
	}
	return r.instead(why)
}

// GiveUp leaves the group, because as a whole it may not be called now, for
// what stands in for it.
func (r *Route) GiveUp(why *apierr.Error) (next Attempt, ok bool) {
	r.release()
	if r.table == nil {
		return Attempt{}, false
	}
	r.now, r.current = r.router.clock(), nil
	return r.instead(why)
}

func (r *Route) instead(why *apierr.Error) (Attempt, bool) {
	f := Failure{Status: why.Status, Class: classRateLimit, RetryAfter: why.RetryAfter, Err: why}
	if why.NoneText {
		f.Class = classNone
	}
	r.note(&f)
	return r.fallback(&f)
}

// again says whether a deployment that was picked may be called, and when: one
// that has failed this request is a retry of that call.
func (r *Route) again(d *Deployment) (wait time.Duration, ok bool) {
	switch {
	case !slices.Contains(r.tried, d):
		return 0, true
	case !r.worthRepeating(&r.last):
		return 0, false
	}
	return r.delay(&r.last), true
}

// filterSkipped drops the candidates that were left out before.
func (r *Route) filterSkipped() *refusal {
	if len(r.skipped) == 0 {
		return nil
	}
	r.keep(func(d *Deployment) bool { return !slices.Contains(r.skipped, d) })
	if len(r.candidates) == 0 {
		return r.noneAvailable(health.DefaultCooldown, nil)
	}
	return nil
}
