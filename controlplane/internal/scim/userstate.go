package scim

import (
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/scim/filter"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

const (
	// metaNames is the member of metadata that holds what SCIM calls a user or a
	// team, beside what has a column; metaActive says that a user is not active.
	// Both names are LiteLLM's.
	metaNames  = "scim_metadata"
	metaActive = "scim_active"
)

// names are in metadata.
type names struct {
	UserName   string `json:"userName,omitempty"`   //nolint:tagliatelle // SCIM's name
	ExternalID string `json:"externalId,omitempty"` //nolint:tagliatelle // SCIM's name
	GivenName  string `json:"givenName,omitempty"`  //nolint:tagliatelle // SCIM's name, and LiteLLM's
	FamilyName string `json:"familyName,omitempty"` //nolint:tagliatelle // SCIM's name, and LiteLLM's
}

// userState is a user as far as SCIM changes one.
type userState struct {
	names

	id          string
	displayName string
	email       string
	active      bool
}

// metadata reads the members of metadata.
func metadata(raw json.RawMessage) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	if json.Unmarshal(raw, &all) != nil || all == nil {
		return map[string]json.RawMessage{}
	}
	return all
}

func readNames(meta map[string]json.RawMessage) names {
	var n names
	if json.Unmarshal(meta[metaNames], &n) != nil { // somebody wrote something else there
		return names{}
	}
	return n
}

func stateOf(u *db.UserTable) *userState {
	meta := metadata(u.Metadata)
	s := &userState{names: readNames(meta), id: u.UserID, active: string(meta[metaActive]) != "false"}
	if u.UserAlias != nil {
		s.displayName = *u.UserAlias
	}
	if u.UserEmail != nil {
		s.email = *u.UserEmail
	}
	if s.UserName == "" { // nobody has named them by SCIM
		if s.UserName = s.email; s.email == "" {
			s.UserName = u.UserID
		}
	}
	return s
}

// into puts the names and whether the user is active into metadata.
func (s *userState) into(meta map[string]json.RawMessage) error {
	b, err := json.Marshal(s.names)
	if err != nil {
		return err //nolint:wrapcheck // texts can be encoded
	}
	meta[metaNames] = b
	meta[metaActive] = json.RawMessage("true")
	if !s.active {
		meta[metaActive] = json.RawMessage("false")
	}
	return nil
}

func (s *userState) check() error {
	if s.UserName == "" {
		return invalid(InvalidValue, "userName is required")
	}
	return nil
}

func (s *userState) set(v verb, at filter.Path, value json.RawMessage) error {
	if v == remove {
		value = nil
	}
	switch at.Attr {
	case "id":
		return sameID(s.id, value)
	case "username":
		return setText(&s.UserName, "userName", value)
	case "externalid":
		return setText(&s.ExternalID, "externalId", value)
	case "displayname":
		return setText(&s.displayName, "displayName", value)
	case "active":
		if isNull(value) {
			s.active = true
			return nil
		}
		active, err := boolean("active", value)
		if err == nil {
			s.active = active
		}
		return err
	case "name":
		return s.setName(at.Sub, value)
	case "emails":
		return s.setEmails(v, at, value)
	}
	return nil
}

func setText(to *string, attr string, value json.RawMessage) error {
	s, err := text(attr, value)
	if err == nil {
		*to = s
	}
	return err
}

// sameID refuses another id than the resource has. One that is not made yet has
// none, and gets none from a client.
func sameID(id string, value json.RawMessage) error {
	if id == "" || isNull(value) {
		return nil
	}
	if given, err := text("id", value); err != nil || given != id {
		return invalid(Mutability, "id can not be changed")
	}
	return nil
}

func (s *userState) setName(sub string, value json.RawMessage) error {
	switch sub {
	case "givenname":
		return setText(&s.GivenName, "name.givenName", value)
	case "familyname":
		return setText(&s.FamilyName, "name.familyName", value)
	case "":
	default:
		return nil
	}
	if isNull(value) {
		s.GivenName, s.FamilyName = "", ""
		return nil
	}
	parts, err := readObject(value)
	if err != nil {
		return invalid(InvalidValue, "name must be an object")
	}
	for _, part := range []string{"givenname", "familyname"} {
		if one, sent := parts[part]; sent {
			if err := s.setName(part, one); err != nil {
				return err
			}
		}
	}
	return nil
}

// setEmails sets the one address that is kept: the primary one, else the first
// that is for work, else the first.
func (s *userState) setEmails(v verb, at filter.Path, value json.RawMessage) error {
	if !s.picks(at.Of) {
		return nil
	}
	switch at.Sub {
	case "value":
		return setText(&s.email, "emails.value", value)
	case "":
	default:
		return nil
	}
	all, err := objects("emails", value)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		if v != add {
			s.email = ""
		}
		return nil
	}
	best, first := preferred(all)
	if v == add && s.email != "" && !first {
		return nil // a further address, which is not kept
	}
	return setText(&s.email, "emails.value", best["value"])
}

// preferred returns the address that is kept, and whether there is more to that
// than its place.
func preferred(all []object) (best object, first bool) {
	best = all[0]
	for _, one := range all {
		if primary, err := boolean("primary", one["primary"]); err == nil && primary {
			return one, true
		}
		if kind, err := text("type", one["type"]); err == nil && !first && strings.EqualFold(kind, emailType) {
			best, first = one, true
		}
	}
	return best, first
}

// emailType is the type of the one address of a user.
const emailType = "work"

// picks reports whether conditions are about the address of the user. One that is
// not there yet is picked by the type that it will have.
func (s *userState) picks(of filter.Filter) bool {
	for _, c := range of {
		switch c.Attr {
		case "type":
			if !holds(c, emailType) {
				return false
			}
		case "primary":
			if c.Op == filter.Equal && c.Value != "true" {
				return false
			}
		case "value":
			if s.email == "" || !holds(c, s.email) {
				return false
			}
		}
	}
	return true
}

// holds compares texts that do not differ by case.
func holds(c filter.Condition, have string) bool {
	have, want := strings.ToLower(have), strings.ToLower(c.Value)
	switch c.Op {
	case filter.Equal:
		return have == want
	case filter.Contains:
		return strings.Contains(have, want)
	case filter.StartsWith:
		return strings.HasPrefix(have, want)
	case filter.EndsWith:
		return strings.HasSuffix(have, want)
	case filter.Present:
		return have != ""
	}
	return false
}
