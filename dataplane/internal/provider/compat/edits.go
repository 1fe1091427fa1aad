package compat

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/dataplane/internal/provider"
	"github.com/tianjillm/tianjillm/dataplane/internal/splice"
	"github.com/tianjillm/tianjillm/shared/catalog"
	"github.com/tianjillm/tianjillm/shared/jsonx"
)

// edits are what happens to request bodies, by kind of surface and name of the
// top-level member. They are made once for a deployment.
type edits struct {
	chat, embeddings, other map[string]action
	// defaults are members of the deployment that go into chats which do not
	// have them.
	defaults []defaultMember
	// body is the deployment's extra_body, for bodies that do not have it.
	body []defaultMember

	dropUnknown bool
	allowed     []string
}

type defaultMember struct {
	name    string
	unless  string // a member that means the same, by its name before renames
	written []byte // "name":value
}

// verb says what happens to a member.
type verb uint8

const (
	cut verb = iota + 1
	setModel
	askUsage
	rename
	refuse    // a parameter that the vendor does not know
	fixed     // its value may have to change
	extraBody // its members belong to the top level
	extraCut  // it names members to cut
)

type action struct {
	verb  verb
	quote []byte // rename: the new name with quotes
	to    string // rename
	fix   fix    // fixed
}

// fix returns what a value becomes: nil leaves it and an empty one cuts the
// member. An error is the client's to read.
type fix func(m *member) ([]byte, error)

// member is a value and what a fix may want to know about it.
type member struct {
	b     *Backend
	call  *provider.Call
	plan  *plan
	at    int // among the members of the call
	value []byte
}

var cutIt = []byte{} //nolint:gochecknoglobals // read-only

func newEdits(b *Backend, v *catalog.Vendor, cfg *provider.Config) (edits, error) {
	e := edits{
		dropUnknown: string(cfg.Params["drop_params"]) == "true", allowed: texts(cfg.Params["allowed_openai_params"]),
		chat: common(), embeddings: common(), other: common(),
	}
	e.chat["stream_options"] = action{verb: askUsage}
	b.addQuirks(e.chat)
	byRow(e.chat, v.EditsFor(cfg.Model))
	byRow(e.embeddings, v.Embedding)
	for _, path := range texts(cfg.Params["additional_drop_params"]) {
		for _, all := range []map[string]action{e.chat, e.embeddings, e.other} {
			cutPath(all, splice.ParsePath(path))
		}
	}
	e.addDefaults(b, cfg.Params)
	members, err := extraMembers(cfg.Params["extra_body"])
	e.body = members
	return e, err
}

// common is what happens to the members of every surface.
func common() map[string]action {
	all := map[string]action{"model": {verb: setModel}, "extra_body": {verb: extraBody}}
	for _, name := range provider.Controls() {
		all[name] = action{verb: cut}
	}
	all["additional_drop_params"] = action{verb: extraCut}
	return all
}

func byRow(all map[string]action, e catalog.Edits) {
	for _, name := range e.Unsupported {
		all[name] = action{verb: refuse}
	}
	for _, name := range e.Drops {
		all[name] = action{verb: cut}
	}
	for _, w := range e.Words {
		chain(all, w.Member, func(m *member) ([]byte, error) {
			switch {
			case string(m.value) != w.From:
				return nil, nil
			case w.To == "":
				return cutIt, nil
			}
			return []byte(w.To), nil
		})
	}
	for _, r := range e.Renames {
		all[r.From] = action{verb: rename, quote: jsonx.Quote(r.To), to: r.To}
	}
}

// chain adds a fix to those that a member has already.
func chain(all map[string]action, name string, f fix) {
	before := all[name]
	if before.verb != fixed {
		if before.verb == 0 {
			all[name] = action{verb: fixed, fix: f}
		}
		return // what is cut or refused needs no fix
	}
	all[name] = action{verb: fixed, fix: func(m *member) ([]byte, error) {
		first, err := before.fix(m)
		if err != nil || first != nil && len(first) == 0 {
			return first, err
		}
		next := *m
		if first != nil {
			next.value = first
		}
		second, err := f(&next)
		if second == nil {
			second = first
		}
		return second, err
	}}
}

// cutPath cuts what a path of additional_drop_params leads to.
func cutPath(all map[string]action, p splice.Path) {
	switch {
	case len(p) == 0 || all[p[0]].verb == setModel:
	case len(p) == 1:
		all[p[0]] = action{verb: cut}
	default:
		chain(all, p[0], func(m *member) ([]byte, error) { return splice.Remove(m.value, p[1:]), nil })
	}
}

// addDefaults takes the chat parameters that a deployment sets for requests
// that do not.
func (e *edits) addDefaults(b *Backend, params map[string]json.RawMessage) {
	for _, name := range catalog.ChatParams() {
		value, ok := params[name]
		if !ok || jsonx.IsNull(value) {
			continue
		}
		d := defaultMember{name: name, unless: name}
		a := e.chat[name]
		if a.verb == cut || a.verb == refuse {
			continue
		}
		if a.verb == rename {
			d.name = a.to
		}
		if a.verb == fixed {
			with, err := a.fix(&member{b: b, call: &provider.Call{DropParams: true}, plan: &plan{}, value: value})
			if err != nil || with != nil && len(with) == 0 {
				continue
			}
			if with != nil {
				value = with
			}
		}
		d.written = splice.NewMember(d.name, value)
		e.defaults = append(e.defaults, d)
	}
}

// extraMembers returns the members of an extra_body that may go to the
// vendor: not what was checked on its way here, and nothing that is the
// gateway's.
func extraMembers(value []byte) ([]defaultMember, error) {
	if len(value) == 0 || jsonx.IsNull(value) {
		return nil, nil
	}
	members, err := jsonx.Members(nil, value)
	if err != nil {
		return nil, errExtraBody
	}
	var all []defaultMember
	for i := range members {
		m := &members[i]
		name := string(m.Name)
		switch name {
		case "model", "stream", "messages", "prompt", "input", "extra_body":
			continue
		}
		if slices.Contains(provider.Controls(), name) {
			continue
		}
		all = append(all, defaultMember{name: name, unless: name, written: m.All.Of(value)})
	}
	return all, nil
}

func texts(raw json.RawMessage) []string {
	var list []string
	if len(raw) > 0 && json.Unmarshal(raw, &list) == nil {
		return list
	}
	return nil
}

// of returns the edits of a surface.
func (e *edits) of(s provider.Surface) map[string]action {
	switch s {
	case provider.ChatCompletions, provider.Completions:
		return e.chat
	case provider.Embeddings:
		return e.embeddings
	default:
		return e.other
	}
}

// drops reports whether parameters that the vendor does not know are cut
// instead of refused.
func (b *Backend) drops(call *provider.Call) bool {
	return call.DropParams || b.edits.dropUnknown || string(call.Lookup("drop_params")) == "true"
}

// allowed reports whether a parameter goes to the vendor regardless.
func (b *Backend) allowed(call *provider.Call, name string) bool {
	return slices.Contains(call.Allowed, name) || slices.Contains(b.edits.allowed, name) ||
		slices.Contains(texts(call.Lookup("allowed_openai_params")), name)
}

// refused is what a fix returns for a value that the vendor does not know.
func (m *member) refused() ([]byte, error) {
	name := ""
	if m.at < len(m.call.Members) {
		name = string(m.call.Members[m.at].Name)
	}
	switch {
	case m.b.allowed(m.call, name):
		return nil, nil
	case m.b.drops(m.call):
		return cutIt, nil
	}
	return nil, unsupported(m.b, name)
}

func unsupported(b *Backend, params ...string) error {
	return provider.Unsupported(b.slug, "['"+strings.Join(params, "', '")+"']", b.model)
}
