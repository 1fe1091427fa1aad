package route

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/route/health"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/contract"
)

// Table is the deployments of one state of the configuration. Nobody changes
// it.
type Table struct {
	env   *Environment
	rules *rules
	byID  map[string]*Deployment

	public scope
	teams  map[string]*scope
	// single and written lead from an id and from a vendor's name of a model to
	// deployments; such names can be called and are not listed.
	single  map[string]*Group
	written map[string]*Group
	aliases map[string]contract.GroupAlias
	names   []string
	access  []string
}

// scope is the names that one team, or everybody, may use.
type scope struct {
	groups   map[string]*Group
	patterns []pattern // the most specific first, without "*"
	any      *Group    // "*"
}

// Target is what a name leads to.
type Target struct {
	Group *Group
	// Star is what the first star of a pattern stands for.
	Star string
	// Name is the model group as clients see it: that which an alias leads to;
	// the name of a model where the group's is a pattern.
	Name string
	// Asked is the name that was asked for, which may be an alias.
	Asked string

	match string // the name that matches the group's pattern
}

// Build makes a table. A deployment that can not be built is left out and
// logged with the reason: one broken row must not take the others away. The
// backends of deployments that did not change are taken from prev.
func Build(env Environment, records []*contract.Deployment, settings *contract.RouterSettings, prev *Table) *Table {
	switch {
	case env.Router != nil:
		env.states = env.Router.registry
	case prev != nil:
		env.states = prev.env.states
	default:
		env.states = health.NewRegistry()
	}
	t := &Table{
		env: &env, rules: newRules(settings, env.Logger), byID: map[string]*Deployment{}, public: newScope(), teams: map[string]*scope{},
		single: map[string]*Group{}, written: map[string]*Group{}, aliases: map[string]contract.GroupAlias{},
	}
	if settings != nil {
		t.aliases = settings.Aliases
	}
	ids := map[string]bool{}
	for _, rec := range records {
		ids[rec.ID] = true // also of one that is left out: it may come back
		d := prev.unchanged(rec)
		if d == nil {
			built, err := env.build(rec)
			if err != nil {
				env.Logger.Error("deployment left out", slog.String("model_name", rec.ModelName), slog.String("deployment", rec.ID), slog.Any("error", err))
				continue
			}
			d = built
		}
		t.add(d)
	}
	env.states.Keep(ids)
	t.finish()
	return t
}

func newScope() scope { return scope{groups: map[string]*Group{}} }

func (t *Table) unchanged(rec *contract.Deployment) *Deployment {
	if t == nil {
		return nil
	}
	d := t.byID[rec.ID]
	if d == nil || !same(d.record, rec) {
		return nil
	}
	return d
}

func same(a, b *contract.Deployment) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func (t *Table) add(d *Deployment) {
	t.env.appraise(d)
	if d.models != nil {
		d.models.each(t.env.appraise)
	}
	t.byID[d.ID] = d
	if d.models == nil {
		put(t.single, d.ID, d)
		t.single[d.ID].Name = d.ModelName
	}
	if d.TeamID == "" {
		t.public.put(d.ModelName, d)
		if d.models == nil && d.Provider != "" {
			put(t.written, d.Provider+"/"+d.Model, d)
			t.written[d.Provider+"/"+d.Model].Name = d.ModelName
		}
		return
	}
	team := t.teams[d.TeamID]
	if team == nil {
		team = new(newScope())
		t.teams[d.TeamID] = team
	}
	public := d.record.TeamPublicName
	if public == "" || d.models == nil { // a pattern stands for one name only
		team.put(d.ModelName, d)
	}
	if public != "" && public != d.ModelName {
		team.put(public, d)
	}
}

func put(groups map[string]*Group, name string, d *Deployment) {
	g := groups[name]
	if g == nil {
		g = &Group{Name: name}
		groups[name] = g
	}
	g.Deployments = append(g.Deployments, d)
}

// put adds a deployment under a name. One that is made for a pattern has only
// names that are patterns.
func (s *scope) put(name string, d *Deployment) {
	if (d.models != nil) == strings.Contains(name, "*") {
		put(s.groups, name, d)
	}
}

func (t *Table) finish() {
	// A team's deployments stand beside everybody's of the same name.
	for _, team := range t.teams {
		for name, g := range team.groups {
			if everybodys := t.public.groups[name]; everybodys != nil && g.Deployments[0].ModelName == name {
				g.Deployments = append(g.Deployments, everybodys.Deployments...)
			}
		}
	}
	for _, groups := range []map[string]*Group{t.single, t.written} {
		for _, g := range groups {
			g.finish(t.rules)
		}
	}
	t.public.finish(t.rules)
	for _, team := range t.teams {
		team.finish(t.rules)
	}
	t.names = t.list("")
	for _, g := range t.public.groups {
		t.access = append(t.access, g.access...)
	}
	slices.Sort(t.access)
	t.access = slices.Compact(t.access)
}

func (s *scope) finish(rules *rules) {
	for name, g := range s.groups {
		g.finish(rules)
		if !strings.Contains(name, "*") {
			continue
		}
		p := newPattern(name, g)
		g.pattern = &p
		if name == "*" {
			s.any = g
		} else {
			s.patterns = append(s.patterns, p)
		}
	}
	bySpecificity(s.patterns)
}

// list returns the names that a team may ask for, sorted.
func (t *Table) list(team string) []string {
	var names []string
	for name := range t.public.groups {
		names = append(names, name)
	}
	if s := t.teams[team]; s != nil {
		for name, g := range s.groups {
			// The name by which a team calls a deployment hides the other one.
			if public := g.Deployments[0].record.TeamPublicName; public == "" || public == name {
				names = append(names, name)
			}
		}
	}
	for alias, to := range t.aliases {
		if _, ok := t.ResolveFor(team, alias); ok && !to.Hidden {
			names = append(names, alias)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Names returns the names that everybody may ask for, sorted; hidden aliases
// are left out. Nobody may change it.
func (t *Table) Names() []string { return t.names }

// NamesFor returns the names that a team may ask for, sorted.
func (t *Table) NamesFor(team string) []string {
	if t.teams[team] == nil {
		return slices.Clone(t.names)
	}
	return t.list(team)
}

// AccessGroups returns the names of all access groups, sorted.
func (t *Table) AccessGroups() []string { return t.access }

// Deployment returns a deployment by its id, or nil.
func (t *Table) Deployment(id string) *Deployment { return t.byID[id] }

// Resolve returns what a name leads to for callers without a team.
func (t *Table) Resolve(name string) (Target, bool) { return t.ResolveFor("", name) }

// ResolveFor returns what a name leads to for a team: an alias, a model group,
// a deployment's id, the most specific pattern, "*", or a model as
// litellm_params write it.
func (t *Table) ResolveFor(team, name string) (Target, bool) {
	to := Target{Name: name, Asked: name}
	if alias, ok := t.aliases[name]; ok {
		to.Name = alias.Model
	}
	if to.Name == "" {
		return to, false
	}
	own := t.teams[team]
	if !strings.Contains(to.Name, "*") {
		if g := own.exact(to.Name); g != nil {
			to.Group = g
			return to, true
		}
		if g := t.public.groups[to.Name]; g != nil {
			to.Group = g
			return to, true
		}
		if g := t.single[to.Name]; g != nil && (g.Deployments[0].TeamID == "" || g.Deployments[0].TeamID == team) {
			to.Group, to.Name = g, g.Name
			return to, true
		}
	}
	if own.resolve(&to) || t.public.resolve(&to) {
		return to, true
	}
	if g := t.written[to.Name]; g != nil {
		to.Group = g
		return to, true
	}
	return to, false
}

func (s *scope) exact(name string) *Group {
	if s == nil {
		return nil
	}
	return s.groups[name]
}

// resolve looks for a pattern: of the name, of the name with the provider that
// it implies, and at last the one that takes any.
func (s *scope) resolve(to *Target) bool {
	if s == nil || len(s.patterns) == 0 && s.any == nil {
		return false
	}
	if s.match(to, to.Name) {
		return true
	}
	if len(s.patterns) > 0 {
		if slug, model, err := catalog.Split(to.Name, ""); err == nil && model == to.Name && s.match(to, slug+"/"+model) {
			return true
		}
	}
	if s.any != nil {
		to.Group, to.Star, to.match = s.any, to.Name, to.Name
		return true
	}
	return false
}

func (s *scope) match(to *Target, name string) bool {
	for i := range s.patterns {
		if star, ok := s.patterns[i].match(name); ok {
			to.Group, to.Star, to.match = s.patterns[i].group, star, name
			return true
		}
	}
	return false
}
