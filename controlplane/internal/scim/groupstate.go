package scim

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/scim/filter"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// groupState is a team as far as SCIM changes one.
type groupState struct {
	id          string
	displayName string
	externalID  string
	members     []string
	// has are the same as a set, made when it is first needed.
	has map[string]bool
}

func groupStateOf(t *db.TeamTable, members []string) *groupState {
	s := &groupState{id: t.TeamID, externalID: readNames(metadata(t.Metadata)).ExternalID, members: slices.Clone(members)}
	if t.TeamAlias != nil {
		s.displayName = *t.TeamAlias
	}
	return s
}

func (s *groupState) set(v verb, at filter.Path, value json.RawMessage) error {
	switch at.Attr {
	case "members":
		return s.setMembers(v, at, value)
	case "id":
		if v == remove {
			return invalid(Mutability, "id can not be removed")
		}
		return sameID(s.id, value)
	}
	if v == remove {
		value = nil
	}
	switch at.Attr {
	case "displayname":
		return setText(&s.displayName, "displayName", value)
	case "externalid":
		return setText(&s.externalID, "externalId", value)
	}
	return nil
}

// setMembers adds, removes or replaces members. Which ones are removed stands in
// the path, or, as Entra ID has it, in the value.
func (s *groupState) setMembers(v verb, at filter.Path, value json.RawMessage) error {
	if at.Sub != "" && at.Sub != "value" {
		return nil // how a member is shown is not kept
	}
	if at.Of != nil {
		return s.setPicked(v, at.Of, value)
	}
	ids, err := memberIDs(value)
	if err != nil {
		return err
	}
	switch {
	case v == add:
		return s.join(ids)
	case v == replace, isNull(value): // all of them go
		s.members, s.has = nil, nil
		return s.join(ids)
	}
	gone := setOf(ids)
	s.leave(func(id string) bool { return gone[id] })
	return nil
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// setPicked changes the members that conditions pick.
func (s *groupState) setPicked(v verb, of filter.Filter, value json.RawMessage) error {
	picked := func(id string) bool {
		for _, c := range of {
			switch c.Attr {
			case "value":
				if c.Op == filter.Equal && c.Value != id || !holds(c, id) {
					return false
				}
			case "type":
				if !holds(c, "User") {
					return false
				}
			default:
				return false
			}
		}
		return true
	}
	if v == remove {
		s.leave(picked)
		return nil
	}
	ids, err := memberIDs(value)
	if err != nil {
		return err
	}
	if v == replace {
		s.leave(picked)
	}
	return s.join(ids)
}

func (s *groupState) leave(who func(id string) bool) {
	s.members, s.has = slices.DeleteFunc(s.members, who), nil
}

func (s *groupState) join(ids []string) error {
	if s.has == nil {
		s.has = setOf(s.members)
	}
	for _, id := range ids {
		if !s.has[id] {
			s.has[id] = true
			s.members = append(s.members, id)
		}
	}
	if len(s.members) > mostMembers {
		return &Error{Status: http.StatusRequestEntityTooLarge, Type: TooMany, Detail: "a group has 10000 members at most"}
	}
	return nil
}

// memberIDs are the ids of users in a list of members.
func memberIDs(value json.RawMessage) ([]string, error) {
	all, err := objects("members", value)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(all))
	for _, one := range all {
		if kind, err := text("members.type", one["type"]); err == nil && kind != "" && kind != "User" {
			return nil, invalid(InvalidValue, "members are users: a group in a group is not kept")
		}
		id, err := text("members.value", one["value"])
		if err != nil {
			return nil, err
		}
		if id == "" {
			return nil, invalid(InvalidValue, "members need a value: the id of a user")
		}
		ids = append(ids, id)
	}
	return ids, nil
}
