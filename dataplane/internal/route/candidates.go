package route

import (
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/dataplane/internal/route/strategy"
)

// pick chooses a deployment of the present group and takes a place on it. What
// never changes is looked at first, so that a group whose only fitting
// deployment cools down is not taken for one that has none.
func (r *Route) pick() (*Deployment, *refusal) {
	g, rules := r.hop.target.Group, r.table.rules
	if refused := r.gather(g); refused != nil {
		return nil, refused
	}
	if refused := r.filterSkipped(); refused != nil {
		return nil, refused
	}
	if rules.tags {
		if refused := r.filterTags(); refused != nil {
			return nil, refused
		}
	}
	if rules.preCall && g.needs&needWindow != 0 {
		if refused := r.filterWindow(); refused != nil {
			return nil, refused
		}
	}
	now := r.now.UnixNano()
	r.keep(func(d *Deployment) bool { return !d.member.State.Cooling(now) })
	if len(r.candidates) == 0 {
		return nil, r.allCooling()
	}
	if refused := r.filterLimits(g); refused != nil {
		return nil, refused
	}
	r.preferUntried()
	if g.needs&needOrder != 0 {
		r.filterOrder()
	}
	return r.choose()
}

// keep drops the candidates that f does not want.
func (r *Route) keep(f func(*Deployment) bool) {
	kept := r.candidates[:0]
	for _, d := range r.candidates {
		if f(d) {
			kept = append(kept, d)
		}
	}
	r.candidates = kept
}

// gather collects the deployments that the caller may use.
func (r *Route) gather(g *Group) *refusal {
	r.candidates = r.candidates[:0]
	if g.pattern == nil && g.needs&needTeam == 0 && r.ask.Region == "" && !r.hop.floored {
		r.candidates = append(r.candidates, g.Deployments...)
		return nil
	}
	for _, d := range g.Deployments {
		if g.pattern != nil {
			if d = d.get(r.table.env, g.pattern, r.hop.target.match); d == nil {
				continue
			}
		}
		if d.TeamID != "" && d.TeamID != r.ask.TeamID || r.ask.Region != "" && !inRegion(d.Region, r.ask.Region) ||
			r.hop.floored && d.order <= r.hop.floor {
			continue
		}
		r.candidates = append(r.candidates, d)
	}
	if len(r.candidates) == 0 {
		return r.nothingFits()
	}
	return nil
}

// filterTags keeps the deployments that the request's tags select, else those
// that are there for the rest.
func (r *Route) filterTags() *refusal {
	selected := func(d *Deployment) bool { return d.selected(r.ask.Tags, r.ask.UserAgent, r.table.rules.matchAll) }
	byDefault := func(d *Deployment) bool { return slices.Contains(d.record.Tags, defaultTag) }
	untagged := func(d *Deployment) bool { return len(d.record.Tags) == 0 }
	switch {
	case slices.ContainsFunc(r.candidates, selected):
		r.keep(selected)
	case slices.ContainsFunc(r.candidates, byDefault):
		r.keep(byDefault)
	case len(r.ask.Tags) > 0:
		return r.noTag()
	case slices.ContainsFunc(r.candidates, untagged):
		r.keep(untagged)
	}
	return nil
}

// defaultTag marks deployments for requests that no other tag selects.
const defaultTag = "default"

func (d *Deployment) selected(tags []string, userAgent string, matchAll bool) bool {
	has := func(tag string) bool { return slices.Contains(d.record.Tags, tag) }
	switch {
	case len(tags) == 0 || len(d.record.Tags) == 0:
	case matchAll:
		if !slices.ContainsFunc(tags, func(tag string) bool { return !has(tag) }) {
			return true
		}
	case slices.ContainsFunc(tags, has):
		return true
	}
	if userAgent == "" || matchAll && len(d.record.Tags) > 0 { // a pattern is no way around strict tags
		return false
	}
	for _, re := range d.tagRegex {
		if re.MatchString("User-Agent: " + userAgent) {
			return true
		}
	}
	return false
}

// filterWindow drops the deployments that can not take a request so long.
func (r *Route) filterWindow() *refusal {
	if !slices.ContainsFunc(r.candidates, func(d *Deployment) bool { return d.window.Load() > 0 }) {
		return nil
	}
	tokens := r.inputTokens()
	fits := func(d *Deployment) bool {
		window := d.window.Load()
		return window <= 0 || tokens <= window
	}
	if !slices.ContainsFunc(r.candidates, fits) {
		return r.tooLong(tokens)
	}
	r.keep(fits)
	return nil
}

func (r *Route) inputTokens() int64 {
	if !r.counted && r.ask.InputTokens != nil {
		r.tokens = r.ask.InputTokens()
	}
	r.counted = true
	return r.tokens
}

// filterLimits drops the deployments that have no place left, or have used up
// the minute.
func (r *Route) filterLimits(g *Group) *refusal {
	rules := r.table.rules
	if g.needs&needParallel != 0 {
		r.keep(func(d *Deployment) bool {
			limit := d.maxParallel(rules)
			return limit <= 0 || d.member.State.Usage.Slots() < limit
		})
		if len(r.candidates) == 0 {
			return r.allBusy()
		}
	}
	if g.needs&(needRPM|needTPM) == 0 || !rules.limited() {
		return nil
	}
	var tokens int64
	if g.needs&needTPM != 0 && rules.strategy == strategy.Usage {
		tokens = r.inputTokens()
	}
	minute := health.Minute(r.now)
	hasRoom := func(d *Deployment) bool {
		m := &d.member
		return (m.RPM <= 0 || m.State.Usage.Requests(minute) < m.RPM) && (m.TPM <= 0 || within(m.State.Usage.Tokens(minute), tokens, m.TPM))
	}
	if !slices.ContainsFunc(r.candidates, hasRoom) {
		return r.usedUp(r.candidates[0])
	}
	r.keep(hasRoom)
	return nil
}

// within reports whether a request of some tokens fits into a limit. One that
// is larger than the limit fits into an empty minute, else it would never.
func within(used, tokens, limit int64) bool {
	return used < limit && (used == 0 || used+tokens <= limit)
}

// preferUntried drops the deployments that have failed this request, unless
// there are no others.
func (r *Route) preferUntried() {
	if len(r.tried) == 0 {
		return
	}
	untried := func(d *Deployment) bool { return !slices.Contains(r.tried, d) }
	if slices.ContainsFunc(r.candidates, untried) {
		r.keep(untried)
	}
}

// filterOrder keeps the deployments of the lowest order.
func (r *Route) filterOrder() {
	lowest := int64(noOrder)
	for _, d := range r.candidates {
		lowest = min(lowest, d.order)
	}
	r.keep(func(d *Deployment) bool { return d.order == lowest })
}

// choose lets the strategy pick, and takes a place and a request of the minute.
// Others may have been faster; then it picks among those that are left.
func (r *Route) choose() (*Deployment, *refusal) {
	rules := r.table.rules
	ask := strategy.Ask{Now: r.now.UnixNano(), Minute: health.Minute(r.now), Stream: r.ask.Stream, Buffer: rules.buffer}
	for {
		i := strategy.Pick(rules.strategy, r.candidates, &ask)
		d := r.candidates[i]
		if r.take(d, ask.Minute) {
			r.minute = ask.Minute
			return d, nil
		}
		last := len(r.candidates) - 1
		r.candidates[i] = r.candidates[last]
		r.candidates = r.candidates[:last]
		if last == 0 {
			return nil, r.usedUp(d)
		}
	}
}

func (r *Route) take(d *Deployment, minute int64) bool {
	usage, rules := d.member.State.Usage, r.table.rules
	if !usage.Enter(d.maxParallel(rules)) {
		return false
	}
	limit := int64(0)
	if rules.limited() {
		limit = d.member.RPM
	}
	if !usage.Take(minute, limit) {
		usage.Leave()
		return false
	}
	return true
}
