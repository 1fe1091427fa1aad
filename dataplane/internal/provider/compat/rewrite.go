package compat

import (
	"slices"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/apierr"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

var errExtraBody = apierr.BadRequest("Invalid type for 'extra_body': expected an object")

// The option that asks for the usage of a stream.
const (
	usageOption = `"stream_options":{"include_usage":true}`
	usageMember = `"include_usage":true`
)

// found is what the members of a body leave to be done.
type found struct {
	addUsage bool
	extra    []byte // the client's extra_body
	cuts     []byte // its additional_drop_params
}

// rewrite makes the vendor's body of the client's.
func (b *Backend) rewrite(s *scratch, call *provider.Call) error {
	actions := b.edits.of(call.Surface)
	left := found{addUsage: call.AddUsage && call.Stream && b.streamUsage && !s.plan.replay}
	for i := range call.Members {
		if a, ok := actions[string(call.Members[i].Name)]; ok {
			if err := b.act(s, call, i, &a, &left); err != nil {
				return err
			}
		}
	}
	if len(s.unknown) > 0 {
		return unsupported(b, s.unknown...)
	}
	if left.addUsage {
		s.extra = append(s.extra, []byte(usageOption))
	}
	if err := b.addExtra(s, call, left.extra); err != nil {
		return err
	}
	if left.cuts != nil {
		b.cutMore(s, call, left.cuts)
	}
	s.segments = jsonx.Rewrite(s.segments, call.Body, call.Members, s.changes, s.extra...)
	return nil
}

// act does to a member what its name calls for.
func (b *Backend) act(s *scratch, call *provider.Call, i int, a *action, left *found) error {
	value := call.Members[i].Value.Of(call.Body)
	c := jsonx.Change{Index: i}
	switch a.verb {
	case setModel:
		c.Value = b.modelJSON
	case cut:
		c.Drop = true
	case rename:
		c.Name, c.Drop = a.quote, call.Lookup(a.to) != nil
	case askUsage:
		c.Drop = s.plan.replay
		if left.addUsage {
			left.addUsage = false
			c.Value = withUsage(value)
		}
		if !c.Drop && c.Value == nil {
			return nil
		}
	case extraBody:
		left.extra, c.Drop = value, true
	case extraCut:
		left.cuts, c.Drop = value, true
	case refuse:
		b.unknown(s, call, i)
		return nil
	case fixed:
		return b.fix(s, call, i, a.fix)
	}
	s.changes = append(s.changes, c)
	return nil
}

// unknown deals with a parameter that the vendor does not know.
func (b *Backend) unknown(s *scratch, call *provider.Call, i int) {
	name := string(call.Members[i].Name)
	switch {
	case b.allowed(call, name):
	case b.drops(call):
		s.changes = append(s.changes, jsonx.Change{Index: i, Drop: true})
	default:
		s.unknown = append(s.unknown, name)
	}
}

func (b *Backend) fix(s *scratch, call *provider.Call, i int, f fix) error {
	s.member = member{b: b, call: call, plan: &s.plan, at: i, value: call.Members[i].Value.Of(call.Body)}
	with, err := f(&s.member)
	switch {
	case err != nil:
		return err
	case with == nil:
	case len(with) == 0:
		s.changes = append(s.changes, jsonx.Change{Index: i, Drop: true})
	default:
		s.changes = append(s.changes, jsonx.Change{Index: i, Value: with})
	}
	return nil
}

// addExtra adds what the client did not write at the top level: members of its
// extra_body, which win, of the deployment, and those of the plan.
func (b *Backend) addExtra(s *scratch, call *provider.Call, extra []byte) error {
	s.extra = append(s.extra, s.plan.extra...)
	own, err := extraMembers(extra)
	if err != nil {
		return err
	}
	for _, m := range own {
		if i := slices.IndexFunc(call.Members, func(c provider.Member) bool { return string(c.Name) == m.name }); i >= 0 {
			s.change(i, jsonx.Change{Index: i, Drop: true})
		}
		s.extra = append(s.extra, m.written)
	}
	if call.Surface == provider.ChatCompletions || call.Surface == provider.Completions {
		addMissing(s, call, own, b.edits.defaults)
	}
	addMissing(s, call, own, b.edits.body)
	return nil
}

func addMissing(s *scratch, call *provider.Call, own, defaults []defaultMember) {
	for i := range defaults {
		d := &defaults[i]
		has := func(m defaultMember) bool { return m.name == d.name }
		if call.Lookup(d.unless) == nil && call.Lookup(d.name) == nil && !slices.ContainsFunc(own, has) {
			s.extra = append(s.extra, d.written)
		}
	}
}

// change sets what happens to a member, whatever was decided before.
func (s *scratch) change(i int, c jsonx.Change) {
	at, found := s.find(i)
	if found {
		s.changes[at] = c
		return
	}
	s.changes = slices.Insert(s.changes, at, c)
}

func (s *scratch) find(i int) (at int, found bool) {
	return slices.BinarySearchFunc(s.changes, i, func(c jsonx.Change, i int) int { return c.Index - i })
}

// maxCuts bounds the paths of one request: each is a walk through the body.
const maxCuts = 64

// cutMore cuts what the client's own additional_drop_params name.
func (b *Backend) cutMore(s *scratch, call *provider.Call, list []byte) {
	paths := texts(list)
	for _, text := range paths[:min(len(paths), maxCuts)] {
		path := splice.ParsePath(text)
		i := slices.IndexFunc(call.Members, func(m provider.Member) bool { return len(path) > 0 && string(m.Name) == path[0] })
		if i < 0 || string(call.Members[i].Name) == "model" {
			continue
		}
		c := jsonx.Change{Index: i}
		if at, found := s.find(i); found {
			c = s.changes[at]
		}
		if len(path) == 1 {
			c.Drop = true
		} else {
			value := c.Value
			if value == nil {
				value = call.Members[i].Value.Of(call.Body)
			}
			c.Value = splice.Remove(value, path[1:])
		}
		s.change(i, c)
	}
}

// withUsage adds include_usage to the client's stream_options, or returns nil
// when they are no object and so the vendor's to refuse.
func withUsage(options []byte) []byte {
	if jsonx.IsNull(options) {
		return []byte("{" + usageMember + "}")
	}
	if options[0] != '{' {
		return nil
	}
	return splice.Object(options, func(name string, _ []byte) splice.Edit {
		return splice.Edit{Cut: name == "include_usage"}
	}, []byte(usageMember))
}
