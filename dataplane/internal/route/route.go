package route

import (
	"encoding/json"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// maxClientRetries bounds what a request may ask for.
const maxClientRetries = 10

// Ask is what a request wants.
type Ask struct {
	Target Target
	Stream bool
	TeamID string
	Tags   []string
	// UserAgent is what tag_regex is held against.
	UserAgent string
	// Region is what the caller is bound to: "eu", "us", or a region's name.
	Region string
	// InputTokens counts the tokens of the request. It is called at most once,
	// and only when a limit depends on it. It may be nil.
	InputTokens func() int64
	// Retries is what the request says, DefaultRetries what the settings of its
	// key or team do.
	Retries, DefaultRetries *int
	// Fallbacks, ContextWindowFallbacks and ContentPolicyFallbacks are the
	// members of the body of those names, or nil.
	Fallbacks              json.RawMessage
	ContextWindowFallbacks json.RawMessage
	ContentPolicyFallbacks json.RawMessage
	DisableFallbacks       bool
	Mock                   Mock
	// AllowGroup reports whether the caller may use a fallback that the request
	// names, and with CheckConfigured (enforce_fallback_model_access) one that
	// the configuration names as well. Nil allows all.
	AllowGroup      func(name string) bool
	CheckConfigured bool
}

// Outcome is how a call ended.
type Outcome struct {
	// Failure is nil for a success.
	Failure *Failure
	// Aborted says that the client went away: the call says nothing about the
	// deployment.
	Aborted   bool
	FirstByte time.Duration
	Took      time.Duration
	// Tokens is all that were used, OutputTokens those of the answer.
	Tokens       int64
	OutputTokens int64
}

// Failure is a call that failed.
type Failure struct {
	Status int
	// Class is LiteLLM's name of the error, such as RateLimitError.
	Class      string
	RetryAfter time.Duration
	// CallersTimeout says that the request's own timeout, shorter than the
	// deployment's, has passed: that is not the deployment's fault.
	CallersTimeout bool
	// CallersKey says that the call went with credentials of the request's own:
	// how they fare says nothing about the deployment.
	CallersKey bool
	// Err is what the client is told if this is the end.
	Err *apierr.Error
}

// Attempt is a call that is to be made.
type Attempt struct {
	Deployment *Deployment
	// Wait is how long to wait before the call.
	Wait time.Duration
	// Group serves the call, under the name that clients know.
	Group *Group
	Name  string
	// Merge is a JSON object whose members replace those of the request's own
	// body; nil is none. It holds for one fallback with its retries.
	Merge json.RawMessage
	// Fallback says that this attempt begins something else than a retry: the
	// body has to be made anew from the request's own.
	Fallback bool
}

// Route is one request's way through retries and fallbacks. It is reused, and
// for one goroutine at a time.
type Route struct {
	router *Router
	table  *Table
	ask    Ask
	now    time.Time

	hop      hop
	current  *Deployment
	held     bool // current is counted as under way
	started  bool
	finished bool
	minute   int64 // in which the call was counted

	retries   int // in all
	fallbacks int
	maximum   int // of retries, of the present group

	candidates []*Deployment
	tried      []*Deployment // of the present group
	skipped    []*Deployment // see Skip
	last       Failure       // of a call
	tokens     int64
	counted    bool

	trail trail
}

// hop is a group on the way, with what the request changes there.
type hop struct {
	target  Target
	merge   json.RawMessage
	retries int
	floor   int64 // orders up to this one have had their turn
	floored bool
	mocked  bool
	chained bool // what stands in for it is on the trail
}

// Reset forgets the request. A call that is still under way is over, without a
// verdict.
func (r *Route) Reset() {
	r.release()
	clear(r.candidates[:cap(r.candidates)])
	clear(r.tried[:cap(r.tried)])
	clear(r.skipped[:cap(r.skipped)])
	*r = Route{candidates: r.candidates[:0], tried: r.tried[:0], skipped: r.skipped[:0]}
}

// Begin picks the first deployment. Where the group has none that can be used,
// a fallback may begin at once: Current says so. The error is an *apierr.Error
// for the client.
func (r *Route) Begin(router *Router, table *Table, ask Ask) (*Deployment, error) {
	r.Reset()
	r.router, r.table, r.ask, r.now = router, table, ask, router.clock()
	r.hop = hop{target: ask.Target}
	d, refused := r.pick()
	if refused == nil {
		r.hold(d)
		return d, nil
	}
	f := refused.failure()
	r.note(&f)
	if next, ok := r.fallback(&f); ok {
		return next.Deployment, nil
	}
	return nil, r.Err()
}

// Current returns the attempt that is to be made or under way.
func (r *Route) Current() Attempt {
	return Attempt{Deployment: r.current, Group: r.hop.target.Group, Name: r.hop.target.Name, Merge: r.hop.merge, Fallback: r.fallbacks > 0}
}

// Started says that the call goes out.
func (r *Route) Started() { r.started = true }

// Finished says how the call ended.
func (r *Route) Finished(o Outcome) {
	if r.current == nil || r.finished {
		return
	}
	r.finished = true
	d, now := r.current, r.router.clock()
	r.now = now
	s := d.member.State
	s.Usage.Spend(health.Minute(now), o.Tokens)
	if !o.Aborted {
		r.judge(d, &o)
	}
	r.release()
}

// judge lets an outcome count.
func (r *Route) judge(d *Deployment, o *Outcome) {
	s, rules := d.member.State, r.table.rules
	if o.Failure == nil {
		s.Succeeded(r.now)
		r.measure(d, o)
		return
	}
	f := *o.Failure
	if f.Class == "" {
		f.Class = classOf(f.Status)
	}
	if f.CallersTimeout || f.CallersKey {
		return
	}
	if f.Class == classTimeout {
		// Whoever does not answer at all must not look fast.
		s.Measure(r.now, timeoutPenalty, r.ask.Stream, rules.ttl)
	}
	peers := len(r.hop.target.Group.Deployments) - 1
	verdict := rules.cooldown.Verdict(s, &d.rules, health.Failure{Status: f.Status, Class: f.Class, RetryAfter: f.RetryAfter}, peers, r.now)
	if verdict > 0 {
		r.router.cool(d, r.now, verdict, f.Status)
	}
}

// timeoutPenalty is LiteLLM's.
const timeoutPenalty = 1000 * time.Second

// measure remembers how long a call took: until the first byte of a stream,
// else for each token of the answer, so that long answers do not look slow.
func (r *Route) measure(d *Deployment, o *Outcome) {
	took := o.Took
	if r.ask.Stream {
		took = o.FirstByte
	} else if o.OutputTokens > 1 {
		took /= time.Duration(o.OutputTokens)
	}
	if took > 0 {
		d.member.State.Measure(r.now, took, r.ask.Stream, r.table.rules.ttl)
	}
}

// hold counts a deployment as under way. Its place and its request of the
// minute were taken when it was picked.
func (r *Route) hold(d *Deployment) {
	r.current, r.held, r.started, r.finished = d, true, false, false
	d.member.State.Begin()
	r.tried = append(r.tried, d)
	r.maximum = r.allowance()
}

// release ends what hold began.
func (r *Route) release() {
	if !r.held {
		return
	}
	r.held = false
	s := r.current.member.State
	s.End()
	s.Usage.Leave()
	if !r.started {
		s.Usage.Refund(r.minute)
	}
}

// Attempts returns how often the request was repeated, and how often something
// else was tried in its place.
func (r *Route) Attempts() (retries, fallbacks int) { return r.retries, r.fallbacks }

// Limits returns how many retries and fallbacks the request may have. The
// number of retries depends on the error; before there is one, it is the
// general one.
func (r *Route) Limits() (retries, fallbacks int) {
	if r.table == nil {
		return 0, 0
	}
	return r.maximum, r.table.rules.maxFallbacks
}

// InFallback reports whether the present attempt is another than the request
// asked for.
func (r *Route) InFallback() bool { return r.fallbacks > 0 }
