package route

import (
	"slices"
	"strings"
)

// Group is all deployments behind one name.
type Group struct {
	Name        string
	Deployments []*Deployment

	// pattern is set where the name has stars in it.
	pattern *pattern
	needs   needs
	access  []string
}

// needs are the checks that a group's deployments ask for; most ask for none.
type needs uint8

const (
	needTeam needs = 1 << iota
	needOrder
	needWindow
	needRPM
	needTPM
	needParallel
)

// AccessGroups returns the access groups that the group belongs to, sorted.
// Whoever may use one of them may use the group.
func (g *Group) AccessGroups() []string { return g.access }

// finish puts the group in order once its deployments are complete.
func (g *Group) finish(rules *rules) {
	slices.SortFunc(g.Deployments, func(a, b *Deployment) int { return strings.Compare(a.ID, b.ID) })
	for _, d := range g.Deployments {
		g.needs |= d.needs(rules)
		g.access = append(g.access, d.record.AccessGroups...)
	}
	slices.Sort(g.access)
	g.access = slices.Compact(g.access)
}

func (d *Deployment) needs(rules *rules) needs {
	var n needs
	for _, need := range [...]struct {
		is   bool
		need needs
	}{
		{d.TeamID != "", needTeam},
		{d.order != noOrder, needOrder},
		// The window of a model behind a pattern is known when it is asked for.
		{d.window.Load() > 0 || d.models != nil, needWindow},
		{d.member.RPM > 0, needRPM},
		{d.member.TPM > 0, needTPM},
		{d.maxParallel(rules) > 0, needParallel},
	} {
		if need.is {
			n |= need.need
		}
	}
	return n
}

func (d *Deployment) maxParallel(rules *rules) int64 {
	if n := d.record.MaxParallel; n > 0 {
		return n
	}
	return rules.maxParallel
}
