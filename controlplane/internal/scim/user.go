package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/field"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/user"
)

// Users returns a page of users.
func (s *Service) Users(ctx context.Context, q *Query) (List[User], error) {
	skip, size := q.page(MostListed)
	none := page([]User{}, 0, skip)
	var wanted userQuery
	if err := wanted.read(q.Filter); errors.Is(err, errNone) {
		return none, nil
	} else if err != nil {
		return none, err
	}
	if err := wanted.find(ctx, s.store); err != nil {
		return none, err
	}
	total, err := s.store.SCIMUserCount(ctx, s.store.Reader(), wanted.count())
	if err != nil {
		return none, fmt.Errorf("count users: %w", err)
	}
	if size == 0 || total == 0 {
		return page([]User{}, total, skip), nil
	}
	rows, err := s.store.SCIMUsers(ctx, s.store.Reader(), wanted.params(skip, size))
	if err != nil {
		return none, fmt.Errorf("list users: %w", err)
	}
	all := make([]User, len(rows))
	for i := range rows {
		all[i] = showUser(&rows[i], q.Location)
	}
	return page(all, total, skip), s.addGroups(ctx, s.store.DB(), rows, all, q.Location)
}

// addGroups adds to users which groups they are in.
func (s *Service) addGroups(ctx context.Context, conn db.DBTX, rows []db.UserTable, all []User, base string) error {
	var ids []string
	for i := range rows {
		ids = append(ids, rows[i].Teams...)
	}
	if len(ids) == 0 {
		return nil
	}
	teams, err := s.store.SCIMTeamNames(ctx, conn, ids)
	if err != nil {
		return fmt.Errorf("read teams of users: %w", err)
	}
	alias := make(map[string]string, len(teams))
	for _, t := range teams {
		alias[t.TeamID] = t.TeamAlias
	}
	for i := range all { // as many as rows
		u := &all[i]
		for _, id := range rows[i].Teams {
			if name, there := alias[id]; there {
				u.Groups = append(u.Groups, Reference{Value: id, Display: name, Type: "direct", Ref: base + "/Groups/" + url.PathEscape(id)})
			}
		}
	}
	return nil
}

// User returns one user.
func (s *Service) User(ctx context.Context, id, base string) (User, error) {
	row, err := s.store.UserByID(ctx, s.store.DB(), id)
	if errors.Is(err, store.ErrNotFound) {
		return User{}, notFound(id)
	}
	if err != nil {
		return User{}, fmt.Errorf("read user: %w", err)
	}
	return s.whole(ctx, s.store.DB(), &row, base)
}

func (s *Service) whole(ctx context.Context, conn db.DBTX, row *db.UserTable, base string) (User, error) {
	one := []User{showUser(row, base)}
	err := s.addGroups(ctx, conn, []db.UserTable{*row}, one, base)
	return one[0], err
}

// CreateUser makes a user, whose id is their name, as at LiteLLM.
func (s *Service) CreateUser(ctx context.Context, who caller.Caller, c *Change) (User, error) {
	state := &userState{active: true}
	if err := setAll(state, add, c.Body); err != nil {
		return User{}, err
	}
	if err := state.check(); err != nil {
		return User{}, err
	}
	id, err := s.newID(ctx, state.UserName)
	if err != nil {
		return User{}, err
	}
	meta := map[string]any{metaNames: state.names, metaActive: state.active}
	_, err = s.users.New(ctx, acting(who), &user.Request{
		UserID: sent(id), UserEmail: filled(state.email), UserAlias: filled(state.displayName), Metadata: sent(meta), AutoCreateKey: sent(false),
	})
	if err != nil {
		return User{}, err //nolint:wrapcheck // it is public, or says what it is
	}
	return s.User(ctx, id, c.Location)
}

// newID returns the id of a new user of that name.
func (s *Service) newID(ctx context.Context, name string) (string, error) {
	taken, err := s.store.SCIMUsersNamed(ctx, s.store.Reader(), name)
	if err != nil {
		return "", fmt.Errorf("look for users of a name: %w", err)
	}
	if len(taken) > 0 || name == caller.AdminUserID { // who logs in as admin is that user
		return "", &Error{Status: http.StatusConflict, Type: Uniqueness, Detail: "a user with userName " + short(name) + " exists already"}
	}
	_, err = s.store.UserByID(ctx, s.store.DB(), name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return name, nil
	case err != nil:
		return "", fmt.Errorf("read user: %w", err)
	}
	return uuid.NewString(), nil // somebody had the name before who has another one now
}

func sent[T any](value T) field.Of[T] { return field.Of[T]{Sent: true, Value: value} }

func filled(text string) field.Of[string] { return field.Of[string]{Sent: text != "", Value: text} }

// ReplaceUser sets what the body has; what it does not have stays.
func (s *Service) ReplaceUser(ctx context.Context, who caller.Caller, c *Change) (User, error) {
	return s.changeUser(ctx, who, c, func(state *userState) error { return setAll(state, replace, c.Body) })
}

// PatchUser makes changes in their order; all of them or none.
func (s *Service) PatchUser(ctx context.Context, who caller.Caller, c *Change) (User, error) {
	all, err := operations(c.Body)
	if err != nil {
		return User{}, err
	}
	return s.changeUser(ctx, who, c, func(state *userState) error {
		for i := range all {
			if err := all[i].apply(state); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) changeUser(ctx context.Context, who caller.Caller, c *Change, change func(*userState) error) (User, error) {
	var out User
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		row, err := s.store.UserForUpdate(ctx, tx, c.ID)
		if errors.Is(err, store.ErrNotFound) {
			return notFound(c.ID)
		}
		if err != nil {
			return fmt.Errorf("read user: %w", err)
		}
		if err := c.match(showUser(&row, c.Location).Meta.Version); err != nil {
			return err
		}
		state := stateOf(&row)
		before := *state
		if err := change(state); err != nil {
			return err
		}
		if err := state.check(); err != nil {
			return err
		}
		if *state != before {
			if row, err = s.writeUser(ctx, tx, who, &row, state); err != nil {
				return err
			}
		}
		out, err = s.whole(ctx, tx, &row, c.Location)
		return err
	})
	return out, err
}

// match refuses a change of another version than the client has seen.
func (c *Change) match(version string) error {
	if c.IfMatch == "" || Matches(c.IfMatch, version) {
		return nil
	}
	return &Error{Status: http.StatusPreconditionFailed, Detail: "the resource has changed since: its version is " + version}
}

// writeUser stores a user whose row is locked.
func (s *Service) writeUser(ctx context.Context, tx *store.Tx, who caller.Caller, row *db.UserTable, state *userState) (db.UserTable, error) {
	meta := metadata(row.Metadata)
	if err := state.into(meta); err != nil {
		return *row, err
	}
	encoded, err := encode(meta)
	if err != nil {
		return *row, err
	}
	changed, err := s.store.SCIMUserUpdate(ctx, tx, db.SCIMUserUpdateParams{
		UserID: row.UserID, UserEmail: optional(state.email), UserAlias: optional(state.displayName), Metadata: encoded,
	})
	if _, taken := store.Duplicate(err); taken {
		return *row, &Error{Status: http.StatusConflict, Type: Uniqueness, Detail: "another user has that userName or address", cause: err}
	}
	if err != nil {
		return *row, fmt.Errorf("write user: %w", err)
	}
	e := &audit.Entry{
		Actor: who.Actor(), Action: audit.Updated, Table: audit.Users, ObjectID: row.UserID, Before: person.Show(*row), After: person.Show(changed),
	}
	if err := tx.AuditedChange(ctx, e); err != nil {
		return *row, err
	}
	return changed, tx.Changed(ctx, store.KindUser, row.UserID)
}

// encode returns metadata as they are stored, unless they are too large.
func encode(meta map[string]json.RawMessage) (json.RawMessage, error) {
	all := make(map[string]any, len(meta))
	for name, value := range meta {
		all[name] = value
	}
	return bounds.Encode("metadata", all)
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// DeleteUser removes a user with their keys.
func (s *Service) DeleteUser(ctx context.Context, who caller.Caller, c *Change) error {
	present, err := s.User(ctx, c.ID, c.Location)
	if err != nil {
		return err
	}
	if err := c.match(present.Meta.Version); err != nil {
		return err
	}
	_, err = s.users.Delete(ctx, acting(who), &user.DeleteRequest{UserIDs: []string{c.ID}})
	return err //nolint:wrapcheck // it is public, or says what it is
}
