package scim

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/scim/filter"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// asked is what a filter says of one attribute: a text that it has, for which
// there is an index, and patterns.
type asked struct {
	equal *string
	like  []string
}

// add adds a condition on a text. A second one that asks for equality becomes a
// pattern.
func (a *asked) add(c filter.Condition) error {
	switch {
	case c.Op == filter.Present:
		a.like = append(a.like, "%_%")
		return nil
	case c.Kind != filter.Text:
		return invalid(InvalidFilter, c.Attr+" must be compared with a text")
	}
	escaped := pattern(c.Value)
	switch c.Op {
	case filter.Equal:
		if a.equal == nil {
			a.equal = &c.Value
			return nil
		}
		a.like = append(a.like, escaped)
	case filter.Contains:
		a.like = append(a.like, "%"+escaped+"%")
	case filter.StartsWith:
		a.like = append(a.like, escaped+"%")
	case filter.EndsWith:
		a.like = append(a.like, "%"+escaped)
	case filter.Present:
	}
	return nil
}

// patterns are all of it, where there is no index for equality.
func (a *asked) patterns() []string {
	if a.equal == nil {
		return a.like
	}
	return append(a.like, pattern(*a.equal))
}

// pattern is a text as LIKE takes it.
func pattern(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(text))
}

func unfiltered(c filter.Condition) error {
	return invalid(InvalidFilter, "there is no filter for the attribute "+short(c.Attr))
}

// errNone says that nothing can pass a filter.
var errNone = errors.New("nothing passes the filter")

// userQuery is a filter for users.
type userQuery struct {
	id, userName, email, externalID, display, given, family asked

	active *bool
	groups []string
	// ids are of those who have the name, once it was looked up; nil is nobody's
	// choice.
	ids []string
}

func (q *userQuery) read(text string) error {
	if text == "" {
		return nil
	}
	all, err := filter.Parse(text)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := q.add(c); err != nil {
			return err
		}
	}
	return nil
}

func (q *userQuery) add(c filter.Condition) error {
	switch c.Attr {
	case "id":
		return q.id.add(c)
	case "username":
		return q.userName.add(c)
	case "externalid":
		return q.externalID.add(c)
	case "displayname":
		return q.display.add(c)
	case "name.givenname":
		return q.given.add(c)
	case "name.familyname":
		return q.family.add(c)
	case "emails", "emails.value":
		return q.email.add(c)
	case "emails.type":
		if !holds(c, emailType) {
			return errNone
		}
		return q.email.add(filter.Condition{Attr: c.Attr, Op: filter.Present})
	case "emails.primary":
		if c.Op == filter.Equal && c.Value != "true" {
			return errNone
		}
		return q.email.add(filter.Condition{Attr: c.Attr, Op: filter.Present})
	case "active":
		return q.addActive(c)
	case "groups", "groups.value":
		if c.Op != filter.Equal || c.Kind != filter.Text {
			return invalid(InvalidFilter, "groups can be compared by eq with the id of one")
		}
		q.groups = append(q.groups, c.Value)
		return nil
	}
	return unfiltered(c)
}

func (q *userQuery) addActive(c filter.Condition) error {
	if c.Op == filter.Present {
		return nil
	}
	value := strings.ToLower(c.Value) // Entra ID quotes it
	if c.Op != filter.Equal || value != "true" && value != "false" {
		return invalid(InvalidFilter, "active can be compared by eq with true or false")
	}
	active := value == "true"
	if q.active != nil && *q.active != active {
		return errNone
	}
	q.active = &active
	return nil
}

func (q *userQuery) params(skip, size int32) db.SCIMUsersParams {
	return db.SCIMUsersParams{
		ID: q.id.equal, IDLike: q.id.like, Ids: q.ids, UserNameLike: q.userName.like, Email: q.email.equal, EmailLike: q.email.like,
		ExternalID: q.externalID.equal, ExternalIDLike: q.externalID.like, DisplayLike: q.display.patterns(), GivenLike: q.given.patterns(),
		FamilyLike: q.family.patterns(), Active: q.active, Groups: q.groups, PageSize: size, Skip: skip,
	}
}

func (q *userQuery) count() db.SCIMUserCountParams {
	p := q.params(0, 0)
	return db.SCIMUserCountParams{
		ID: p.ID, IDLike: p.IDLike, Ids: p.Ids, UserNameLike: p.UserNameLike, Email: p.Email, EmailLike: p.EmailLike, ExternalID: p.ExternalID,
		ExternalIDLike: p.ExternalIDLike, DisplayLike: p.DisplayLike, GivenLike: p.GivenLike, FamilyLike: p.FamilyLike, Active: p.Active, Groups: p.Groups,
	}
}

// groupQuery is a filter for groups.
type groupQuery struct {
	id, display, externalID asked

	members []string
	// ids are of those that have the name, or the first of the members, once they
	// were looked up.
	ids []string
}

func (q *groupQuery) read(text string) error {
	if text == "" {
		return nil
	}
	all, err := filter.Parse(text)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := q.add(c); err != nil {
			return err
		}
	}
	return nil
}

func (q *groupQuery) add(c filter.Condition) error {
	switch c.Attr {
	case "id":
		return q.id.add(c)
	case "displayname":
		return q.display.add(c)
	case "externalid":
		return q.externalID.add(c)
	case "members", "members.value":
		if c.Op != filter.Equal || c.Kind != filter.Text {
			return invalid(InvalidFilter, "members can be compared by eq with the id of a user")
		}
		q.members = append(q.members, c.Value)
		return nil
	case "members.type":
		if !holds(c, "User") {
			return errNone
		}
		return nil
	}
	return unfiltered(c)
}

func (q *groupQuery) params(skip, size int32) db.SCIMGroupsParams {
	return db.SCIMGroupsParams{
		ID: q.id.equal, IDLike: q.id.like, Ids: q.ids, DisplayLike: q.display.like, ExternalID: q.externalID.equal,
		ExternalIDLike: q.externalID.like, Members: q.members, PageSize: size, Skip: skip,
	}
}

func (q *groupQuery) count() db.SCIMGroupCountParams {
	p := q.params(0, 0)
	return db.SCIMGroupCountParams{
		ID: p.ID, IDLike: p.IDLike, Ids: p.Ids, DisplayLike: p.DisplayLike, ExternalID: p.ExternalID, ExternalIDLike: p.ExternalIDLike,
		Members: p.Members,
	}
}

// find looks up the users who have the name that is asked for, if one is.
func (q *userQuery) find(ctx context.Context, st *store.Store) error {
	if q.userName.equal == nil {
		return nil
	}
	ids, err := st.SCIMUsersNamed(ctx, st.Reader(), *q.userName.equal)
	if err != nil {
		return fmt.Errorf("look for users of a name: %w", err)
	}
	q.ids = ids
	return nil
}

// find looks up the groups that have the name that is asked for, or a member, if
// one is.
func (q *groupQuery) find(ctx context.Context, st *store.Store) error {
	var err error
	switch {
	case q.display.equal != nil:
		if len(q.members) > 0 {
			q.display.like = q.display.patterns() // the members decide below
			break
		}
		if q.ids, err = st.SCIMGroupsNamed(ctx, st.Reader(), *q.display.equal); err != nil {
			return fmt.Errorf("look for teams of a name: %w", err)
		}
		return nil
	case len(q.members) == 0:
		return nil
	}
	if q.ids, err = st.SCIMTeamsOfUser(ctx, st.Reader(), q.members[0]); err != nil {
		return fmt.Errorf("look for teams of a user: %w", err)
	}
	return nil
}
