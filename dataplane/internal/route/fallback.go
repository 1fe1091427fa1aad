package route

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// maxTargets bounds the fallbacks that a request may name.
const maxTargets = 32

// Kinds of fallbacks, for metrics.
const (
	byOrder         = "order"
	byRequest       = "request"
	byContextWindow = "context_window"
	byContentPolicy = "content_policy"
	byGeneral       = "general"
)

// trail is the way through the fallbacks. It is empty until something fails.
type trail struct {
	chains    []chain
	attempted []string
	// What the client is told: the failure of the group that was asked for, how
	// often that was retried, what was to stand in for it, and how the last of
	// those failed.
	primary   Failure
	retried   int
	maximum   int
	unlisted  bool // there are fallbacks, and none for that group
	available []target
	hint      string
	lastText  string

	parsed    bool
	byRequest requestChains
	listed    bool // the request's list is among the chains
}

// chain is what stands in for one group, as far as it was not tried yet.
type chain struct {
	kind    string
	targets []target
}

// requestChains are the fallbacks that the request itself names.
type requestChains struct {
	general, contextWindow, contentPolicy *chains
	// list is for every group and error.
	list []target
}

// note remembers a failure for what the client is told.
func (r *Route) note(f *Failure) {
	if r.fallbacks == 0 {
		r.trail.primary, r.trail.retried, r.trail.maximum = *f, r.hop.retries, r.maximum
		return
	}
	if f.Err != nil {
		r.trail.lastText = f.Err.Message
	}
}

// fallback makes an attempt with something else: the next order of the same
// group, else what stands in for the group. Each thing is tried once, and there
// are at most as many as the settings allow, so this ends.
func (r *Route) fallback(f *Failure) (Attempt, bool) {
	if r.ask.DisableFallbacks {
		return Attempt{}, false
	}
	if f.Class != classContextWindow && f.Class != classContentPolicy {
		if d, ok := r.nextOrder(); ok {
			return r.begin(d, byOrder), true
		}
	}
	failed := *f
	for {
		r.chainFor(&failed)
		kind, t, ok := r.nextTarget()
		if !ok || r.fallbacks >= r.table.rules.maxFallbacks {
			return Attempt{}, false
		}
		to, ok := r.enter(&t, kind)
		if !ok {
			continue
		}
		r.fallbacks++
		r.hop, r.tried, r.current = hop{target: to, merge: t.merge}, r.tried[:0], nil
		d, refused := r.pick()
		if refused == nil {
			r.fallbacks-- // begin counts it
			return r.begin(d, kind), true
		}
		failed = refused.failure()
		r.trail.lastText = refused.err.Message
	}
}

// begin starts the attempt that a fallback has found.
func (r *Route) begin(d *Deployment, kind string) Attempt {
	r.fallbacks++
	r.hold(d)
	r.router.metrics.fallbacks.WithLabelValues(kind).Inc()
	next := r.Current()
	next.Fallback = true
	return next
}

// nextOrder picks a deployment behind those whose order has had its turn.
func (r *Route) nextOrder() (*Deployment, bool) {
	g := r.hop.target.Group
	if r.current == nil || g.needs&needOrder == 0 || r.fallbacks >= r.table.rules.maxFallbacks {
		return nil, false
	}
	floor := r.hop
	r.hop.floor, r.hop.floored = r.current.order, true
	d, refused := r.pick()
	if refused != nil {
		r.hop.floor, r.hop.floored = floor.floor, floor.floored
		return nil, false
	}
	r.hop.retries = 0
	return d, true
}

// chainFor puts what stands in for the present group on the trail, once.
func (r *Route) chainFor(f *Failure) {
	if r.hop.chained {
		return
	}
	r.hop.chained = true
	first := len(r.trail.attempted) == 0
	if first {
		r.trail.attempted = append(r.trail.attempted, r.hop.target.Asked, r.hop.target.Name)
	}
	kind, targets := r.standIns(f)
	if first {
		r.trail.available = targets
		r.trail.unlisted = len(targets) == 0 && len(r.general().written) > 0
		r.trail.hint = r.hintFor(f, kind)
	}
	if len(targets) == 0 || kind == byRequest && r.trail.listed {
		return
	}
	r.trail.listed = r.trail.listed || kind == byRequest
	r.trail.chains = append(r.trail.chains, chain{kind: kind, targets: targets})
}

// standIns returns what stands in for the present group after a failure.
func (r *Route) standIns(f *Failure) (kind string, targets []target) {
	r.parse()
	if list := r.trail.byRequest.list; list != nil {
		return byRequest, list
	}
	rules, names := r.table.rules, r.names()
	switch f.Class {
	case classContextWindow:
		if to := orElseChains(r.trail.byRequest.contextWindow, &rules.contextWindow).find(names...); len(to) > 0 {
			return byContextWindow, to
		}
	case classContentPolicy:
		if to := orElseChains(r.trail.byRequest.contentPolicy, &rules.contentPolicy).find(names...); len(to) > 0 {
			return byContentPolicy, to
		}
	}
	return byGeneral, r.general().find(names...)
}

func orElseChains(own, otherwise *chains) *chains {
	if own != nil {
		return own
	}
	return otherwise
}

func (r *Route) general() *chains {
	return orElseChains(r.trail.byRequest.general, &r.table.rules.general)
}

// hasFallback reports whether something else may be tried after a failure.
func (r *Route) hasFallback(f *Failure) bool {
	if r.ask.DisableFallbacks || r.fallbacks >= r.table.rules.maxFallbacks {
		return false
	}
	_, targets := r.standIns(f)
	if slices.ContainsFunc(targets, r.fresh) {
		return true
	}
	return slices.ContainsFunc(r.trail.chains, func(c chain) bool { return slices.ContainsFunc(c.targets, r.fresh) })
}

// fresh reports whether a fallback was not tried yet.
func (r *Route) fresh(t target) bool {
	return !slices.Contains(r.trail.attempted, t.key()) && t.key() != r.hop.target.Asked && t.key() != r.hop.target.Name
}

// key tells fallbacks apart: the same model with other parameters is another.
func (t *target) key() string {
	if t.merge == nil {
		return t.model
	}
	return t.model + "\x00" + string(t.merge)
}

// nextTarget takes the next fallback from the trail: of the group that failed
// last, then of the one before it.
func (r *Route) nextTarget() (kind string, t target, ok bool) {
	for n := len(r.trail.chains); n > 0; n = len(r.trail.chains) {
		c := &r.trail.chains[n-1]
		if len(c.targets) == 0 {
			r.trail.chains = r.trail.chains[:n-1]
			continue
		}
		t, c.targets = c.targets[0], c.targets[1:]
		return c.kind, t, true
	}
	return "", target{}, false
}

// enter finds the group of a fallback. It says no to one that was tried, that
// the caller may not use, or that does not exist.
func (r *Route) enter(t *target, kind string) (Target, bool) {
	if t.model == "" { // a request may change its other members only
		t.model = r.ask.Target.Asked
	}
	if slices.Contains(r.trail.attempted, t.key()) {
		return Target{}, false
	}
	r.trail.attempted = append(r.trail.attempted, t.key())
	named := kind == byRequest || r.trail.byRequest.names(kind)
	if (named || r.ask.CheckConfigured) && r.ask.AllowGroup != nil && !r.ask.AllowGroup(t.model) {
		return Target{}, false
	}
	to, ok := r.table.ResolveFor(r.ask.TeamID, t.model)
	if !ok {
		r.trail.lastText = fmt.Sprintf("litellm.BadRequestError: You passed in model=%s. There is no 'model_name' with this string", t.model)
	}
	return to, ok
}

// names reports whether the fallbacks of a kind are the request's own.
func (c *requestChains) names(kind string) bool {
	switch kind {
	case byContextWindow:
		return c.contextWindow != nil
	case byContentPolicy:
		return c.contentPolicy != nil
	case byGeneral:
		return c.general != nil
	}
	return false
}

// parse reads the request's fallbacks, when they are needed for the first time.
// What is wrong with them was told the client before (CheckFallbacks).
func (r *Route) parse() {
	if r.trail.parsed {
		return
	}
	r.trail.parsed = true
	c := &r.trail.byRequest
	c.list, c.general, _ = parseFallbacks(r.ask.Fallbacks)
	_, c.contextWindow, _ = parseFallbacks(r.ask.ContextWindowFallbacks)
	_, c.contentPolicy, _ = parseFallbacks(r.ask.ContentPolicyFallbacks)
}

// CheckFallbacks reads the member "fallbacks" of a request, or one of its kin,
// and returns the model groups that it names.
func CheckFallbacks(raw json.RawMessage) (models []string, err error) {
	list, mapped, err := parseFallbacks(raw)
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		if t.model != "" {
			models = append(models, t.model)
		}
	}
	if mapped != nil {
		for _, f := range mapped.written {
			for _, t := range f.To {
				models = append(models, t.Model)
			}
		}
	}
	slices.Sort(models)
	return slices.Compact(models), nil
}

var errFallbacks = errors.New("want a list of model names, of objects with a model, or of {model: [fallbacks]}")
