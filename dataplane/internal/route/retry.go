package route

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
)

// The waits are LiteLLM's, which are the OpenAI SDK's (INITIAL_RETRY_DELAY,
// MAX_RETRY_DELAY, JITTER).
const (
	firstDelay    = 500 * time.Millisecond
	maxDelay      = 8 * time.Second
	maxJitter     = 750 * time.Millisecond
	maxRetryAfter = time.Minute
)

// Next says what to do after a failure: which call to make next and when. When
// it says no, the request has failed: Err is what the client is told.
func (r *Route) Next(f Failure) (next Attempt, ok bool) {
	if r.table == nil {
		return Attempt{}, false
	}
	if f.Class == "" {
		f.Class = classOf(f.Status)
	}
	mocked := r.hop.mocked
	r.hop.mocked = false
	if r.held && r.started && !mocked {
		r.Finished(Outcome{Failure: &f})
	}
	r.release()
	r.now, r.last = r.router.clock(), f
	r.note(&f)
	if !mocked || r.ask.Mock&mockFallback == 0 {
		if next, ok := r.retry(&f); ok {
			return next, true
		}
	}
	return r.fallback(&f)
}

// retry makes another attempt in the same group, where that makes sense.
func (r *Route) retry(f *Failure) (Attempt, bool) {
	named, ok := r.table.rules.policyFor(f.Class, r.names()...)
	ok = ok && (r.ask.Retries == nil || *r.ask.Retries != 0) // a request that wants none gets none
	r.maximum = r.allowance()
	if ok {
		r.maximum = named
	}
	if r.fallbacks == 0 {
		r.trail.maximum = r.maximum
	}
	if r.hop.retries >= r.maximum || !ok && !r.worthRetrying(f) {
		return Attempt{}, false
	}
	d, refused := r.pick()
	if refused != nil {
		return Attempt{}, false
	}
	wait := time.Duration(0)
	if slices.Contains(r.tried, d) {
		if !ok && !r.worthRepeating(f) {
			r.giveBack(d)
			return Attempt{}, false
		}
		wait = r.delay(f)
	}
	maximum := r.maximum
	r.hold(d)
	r.maximum = maximum
	r.hop.retries++
	r.retries++
	r.router.metrics.retried(f.Status)
	next := r.Current()
	next.Wait, next.Fallback = wait, false
	return next, true
}

// giveBack frees a deployment that was picked and is not used.
func (r *Route) giveBack(d *Deployment) {
	usage := d.member.State.Usage
	usage.Leave()
	usage.Refund(r.minute)
}

// allowance is the number of retries where no policy names the error: the
// request's own, else the deployment's, the caller's, the router's.
func (r *Route) allowance() int {
	if n := r.ask.Retries; n != nil {
		return min(max(0, *n), max(maxClientRetries, r.table.rules.retries))
	}
	if r.current != nil && r.current.record.NumRetries != nil {
		return *r.current.record.NumRetries
	}
	if n := r.ask.DefaultRetries; n != nil {
		return max(0, *n)
	}
	return r.table.rules.retries
}

// worthRetrying reports whether another attempt may end otherwise.
func (r *Route) worthRetrying(f *Failure) bool {
	switch {
	case f.Class == classNotFound, f.Class == classNone:
		return false
	case f.Status == http.StatusUnauthorized, f.Status == http.StatusForbidden:
		return len(r.hop.target.Group.Deployments) > 1 // with other credentials
	}
	return health.Retryable(f.Status)
}

// worthRepeating reports whether the same deployment may do better now.
func (r *Route) worthRepeating(f *Failure) bool {
	switch f.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return false
	case http.StatusTooManyRequests:
		return !r.hasFallback(f)
	}
	return true
}

// delay is the vendor's Retry-After, else grows with each retry. The jitter
// keeps those that failed together from coming back together.
func (r *Route) delay(f *Failure) time.Duration {
	jitter := rand.N(maxJitter) //nolint:gosec // spreads load, guards nothing
	if f.RetryAfter > 0 && f.RetryAfter <= maxRetryAfter {
		return f.RetryAfter + jitter
	}
	grown := min(firstDelay<<min(r.hop.retries, 8), maxDelay)
	return max(grown, r.table.rules.retryAfter) + jitter
}

// names are those by which the settings may call the present group.
func (r *Route) names() []string {
	t := &r.hop.target
	return []string{t.Asked, t.Name, t.Group.Name}
}

// classOf is LiteLLM's class for a status.
func classOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "AuthenticationError"
	case http.StatusForbidden:
		return "PermissionDeniedError"
	case http.StatusNotFound:
		return classNotFound
	case http.StatusRequestTimeout:
		return classTimeout
	case http.StatusUnprocessableEntity:
		return "UnprocessableEntityError"
	case http.StatusTooManyRequests:
		return classRateLimit
	case http.StatusBadGateway:
		return "BadGatewayError"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailableError"
	}
	if status >= http.StatusInternalServerError {
		return classInternal
	}
	return "BadRequestError"
}
