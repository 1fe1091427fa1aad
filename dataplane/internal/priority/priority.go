// Package priority shares out the capacity of model groups among classes of
// callers: LiteLLM's dynamic rate limiter.
//
// A group can do as many requests and tokens a minute as its deployments
// together; that is never passed. Each priority has a share of it. While the
// group is used less than the threshold, anybody may use what is idle, which is
// counted on their share all the same; from the threshold on, whoever has used
// up the share is refused. So nobody's share can be taken away by others, but
// for what was borrowed before the group was busy: that is not taken back until
// the minute ends.
//
// What others use is known from the last lease, and at least twice a second. What
// is borrowed is told to the others ten times a second, so whoever borrows very
// much in less than that may get up to its share on top. The capacity itself is
// kept exactly.
//
// It counts nothing itself: it says what a request is to be held to, and package
// quota does that. It owns no goroutine.
package priority

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tianjillm/tianjillm/dataplane/internal/quota"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/contract"
	"github.com/tianjillm/tianjillm/shared/limits"
)

// Counter knows how much of a limit was used. Engine in package quota is one.
type Counter interface {
	Used(l *limits.Limit) int64
}

// Limiter shares out capacity. It is safe for concurrent use.
type Limiter struct {
	counter Counter
	plan    atomic.Pointer[plan]
}

// plan is one configuration; nobody changes it.
type plan struct {
	threshold float64
	groups    map[string]*group
}

type group struct {
	capacity []limits.Limit // of requests, of tokens, or of both
	shares   map[string][]limits.Limit
}

// New returns a limiter that shares out nothing until it is configured.
func New(c Counter) *Limiter { return &Limiter{counter: c} }

// Configure shares out the capacity of the deployments' groups. Without
// priorities nothing is shared out.
func (l *Limiter) Configure(p *contract.Priorities, deployments []*contract.Deployment) {
	if p == nil {
		l.plan.Store(nil)
		return
	}
	capacities := map[string]*limits.Capacity{}
	for _, d := range deployments {
		c := capacities[d.ModelName]
		if c == nil {
			c = &limits.Capacity{}
			capacities[d.ModelName] = c
		}
		c.Add(d)
	}
	made := &plan{threshold: p.Saturation, groups: make(map[string]*group, len(capacities))}
	for name, c := range capacities {
		if capacity := c.Limits(name); len(capacity) > 0 { // what nobody told can not be shared out
			made.groups[name] = &group{capacity: capacity, shares: c.Shares(name, p)}
		}
	}
	l.plan.Store(made)
}

// Demands adds to buf what a request of a priority is held to in a group.
func (l *Limiter) Demands(buf []quota.Demand, name, priority string) []quota.Demand {
	p := l.plan.Load()
	if p == nil {
		return buf
	}
	g := p.groups[name]
	if g == nil {
		return buf
	}
	for i := range g.capacity {
		buf = append(buf, quota.Demand{Limit: &g.capacity[i]})
	}
	borrow := l.saturation(g) < p.threshold
	share := g.of(priority)
	for i := range share {
		buf = append(buf, quota.Demand{Limit: &share[i], Track: borrow})
	}
	return buf
}

func (g *group) of(priority string) []limits.Limit {
	if share, ok := g.shares[priority]; ok {
		return share
	}
	return g.shares[limits.DefaultPriority]
}

// Saturation is the used fraction of a group's capacity, as far as this replica
// knows; 0 where none is shared out.
func (l *Limiter) Saturation(name string) float64 {
	if p := l.plan.Load(); p != nil && p.groups[name] != nil {
		return l.saturation(p.groups[name])
	}
	return 0
}

// saturation is the used fraction of what a group has least left of.
func (l *Limiter) saturation(g *group) float64 {
	most := 0.0
	for i := range g.capacity {
		one := &g.capacity[i]
		most = max(most, float64(l.counter.Used(one))/float64(one.Max))
	}
	return most
}

// Refused words a refusal of a demand that this limiter made, as LiteLLM does.
// The name is the one that the client knows.
func (l *Limiter) Refused(r *quota.Refusal, name, priority string) *apierr.Error {
	if priority == "" {
		priority = limits.DefaultPriority
	}
	message := fmt.Sprintf("Model capacity reached for %s. Priority: %s, Rate limit type: %s, Remaining: %d", name, priority, r.Limit.Unit, r.Remaining)
	if r.Limit.Scope == limits.Priority {
		message = fmt.Sprintf("Priority-based rate limit exceeded. Priority: %s, Rate limit type: %s, Remaining: %d, Model saturation: %.1f%%",
			priority, r.Limit.Unit, r.Remaining, 100*l.Saturation(r.Limit.Model))
	}
	e := apierr.New(http.StatusTooManyRequests, apierr.TypeThrottling, "%s", message)
	if r.RetryAfter > 0 {
		e = e.After(max(r.RetryAfter, time.Second))
	}
	return e
}
