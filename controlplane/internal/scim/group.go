package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Groups returns a page of teams.
func (s *Service) Groups(ctx context.Context, q *Query) (List[Group], error) {
	most := mostGroups
	if q.NoMembers {
		most = MostListed
	}
	skip, size := q.page(most)
	none := page([]Group{}, 0, skip)
	var wanted groupQuery
	if err := wanted.read(q.Filter); errors.Is(err, errNone) {
		return none, nil
	} else if err != nil {
		return none, err
	}
	if err := wanted.find(ctx, s.store); err != nil {
		return none, err
	}
	total, err := s.store.SCIMGroupCount(ctx, s.store.Reader(), wanted.count())
	if err != nil {
		return none, fmt.Errorf("count teams: %w", err)
	}
	if size == 0 || total == 0 {
		return page([]Group{}, total, skip), nil
	}
	rows, err := s.store.SCIMGroups(ctx, s.store.Reader(), wanted.params(skip, size))
	if err != nil {
		return none, fmt.Errorf("list teams: %w", err)
	}
	all, err := s.showGroups(ctx, s.store.DB(), rows, q.Location)
	return page(all, total, skip), err
}

// Group returns one team.
func (s *Service) Group(ctx context.Context, id, base string) (Group, error) {
	row, err := s.store.TeamByID(ctx, s.store.DB(), id)
	if errors.Is(err, store.ErrNotFound) {
		return Group{}, notFound(id)
	}
	if err != nil {
		return Group{}, fmt.Errorf("read team: %w", err)
	}
	return s.showOne(ctx, s.store.DB(), &row, base)
}

func (s *Service) showOne(ctx context.Context, conn db.DBTX, row *db.TeamTable, base string) (Group, error) {
	all, err := s.showGroups(ctx, conn, []db.TeamTable{*row}, base)
	if err != nil {
		return Group{}, err
	}
	return all[0], nil
}

// showGroups shows teams with their members, as far as those are users.
func (s *Service) showGroups(ctx context.Context, conn db.DBTX, rows []db.TeamTable, base string) ([]Group, error) {
	all, ids := make([]Group, len(rows)), make([][]string, len(rows))
	var everybody []string
	for i := range rows {
		var err error
		if ids[i], err = s.memberIDs(ctx, conn, &rows[i]); err != nil {
			return nil, err
		}
		everybody = append(everybody, ids[i]...)
	}
	display, err := s.shownAs(ctx, conn, everybody)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		all[i] = showGroup(&rows[i], ids[i], base)
		for _, id := range ids[i] {
			name, there := display[id]
			if !there {
				continue
			}
			all[i].Members = append(all[i].Members, Reference{Value: id, Display: name, Type: "User", Ref: base + "/Users/" + url.PathEscape(id)})
		}
	}
	return all, nil
}

// shownAs is how users are shown, by their ids. Those who are not there are not.
func (s *Service) shownAs(ctx context.Context, conn db.DBTX, ids []string) (map[string]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	rows, err := s.store.SCIMUserNames(ctx, conn, slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	display := make(map[string]string, len(rows))
	for _, u := range rows {
		display[u.UserID] = u.Display
	}
	return display, nil
}

func listed(raw json.RawMessage) []team.Member {
	var members []team.Member
	if json.Unmarshal(raw, &members) != nil { // LiteLLM's default is an empty object
		return nil
	}
	return members
}

// memberIDs are the ids of the members of a team. Lists that come from LiteLLM
// may name some by their address alone.
func (s *Service) memberIDs(ctx context.Context, conn db.DBTX, row *db.TeamTable) ([]string, error) {
	members := listed(row.MembersWithRoles)
	ids := make([]string, 0, len(members))
	var emails []string
	for _, m := range members {
		switch {
		case m.UserID != nil:
			ids = append(ids, *m.UserID)
		case m.UserEmail != nil:
			emails = append(emails, strings.ToLower(*m.UserEmail))
		}
	}
	if len(emails) == 0 {
		return ids, nil
	}
	rows, err := s.store.SCIMUsersByEmail(ctx, conn, emails)
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	for _, u := range rows {
		ids = append(ids, u.UserID)
	}
	return ids, nil
}

// CreateGroup makes a team with members.
func (s *Service) CreateGroup(ctx context.Context, who caller.Caller, c *Change) (Group, error) {
	state := &groupState{}
	if err := setAll(state, add, c.Body); err != nil {
		return Group{}, err
	}
	if state.displayName == "" {
		return Group{}, invalid(InvalidValue, "displayName is required")
	}
	if err := s.known(ctx, s.store.DB(), state.members); err != nil {
		return Group{}, err
	}
	first := state.members[:min(len(state.members), mostAtFirst)]
	members := make([]team.Member, len(first))
	for i := range first {
		members[i] = team.Member{UserID: &first[i], Role: policy.TeamMember}
	}
	r := &team.Request{TeamAlias: sent(state.displayName), MembersWithRoles: sent(members)}
	if state.externalID != "" {
		r.Metadata = sent(map[string]any{metaNames: names{ExternalID: state.externalID}})
	}
	made, err := s.teams.New(ctx, acting(who), r)
	if err != nil {
		return Group{}, err //nolint:wrapcheck // it is public, or says what it is
	}
	if len(first) == len(state.members) {
		return s.Group(ctx, made.TeamID, c.Location)
	}
	c = &Change{ID: made.TeamID, Location: c.Location}
	g, err := s.changeGroup(ctx, who, c, func(now *groupState) error { return now.join(state.members) })
	if err != nil {
		err = errors.Join(err, s.DeleteGroup(ctx, who, c)) // the client begins anew
	}
	return g, err
}

// mostAtFirst is how many members a team is made with, one by one; the others join
// it together.
const mostAtFirst = 100

// known refuses members who are no users: an identity provider makes them before
// it puts them into groups.
func (s *Service) known(ctx context.Context, conn db.DBTX, ids []string) error {
	display, err := s.shownAs(ctx, conn, slices.Clone(ids))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, there := display[id]; !there {
			return invalid(InvalidValue, "there is no user with the id "+short(id))
		}
	}
	return nil
}

// ReplaceGroup sets what the body has; what it does not have stays.
func (s *Service) ReplaceGroup(ctx context.Context, who caller.Caller, c *Change) (Group, error) {
	return s.changeGroup(ctx, who, c, func(state *groupState) error { return setAll(state, replace, c.Body) })
}

// PatchGroup makes changes in their order; all of them or none.
func (s *Service) PatchGroup(ctx context.Context, who caller.Caller, c *Change) (Group, error) {
	all, err := operations(c.Body)
	if err != nil {
		return Group{}, err
	}
	return s.changeGroup(ctx, who, c, func(state *groupState) error {
		for i := range all {
			if err := all[i].apply(state); err != nil {
				return err
			}
		}
		return nil
	})
}

// errMoved says that a group has changed between two looks at it.
var errMoved = errors.New("the group has changed meanwhile")

// attempts bounds how often a change of a group begins anew.
const attempts = 5

func (s *Service) changeGroup(ctx context.Context, who caller.Caller, c *Change, change func(*groupState) error) (Group, error) {
	var out Group
	for range attempts {
		// Keys are locked before their team, so who leaves has to be known first.
		leaving, err := s.leaving(ctx, c, change)
		if err != nil {
			return out, err
		}
		err = s.store.InTx(ctx, func(tx *store.Tx) error {
			out, err = s.changeLocked(ctx, tx, who, c, change, leaving)
			return err
		})
		if !errors.Is(err, errMoved) {
			return out, err
		}
	}
	return out, &Error{Status: http.StatusConflict, Detail: "the group changes all the time; try again"}
}

// leaving is who would leave a group by a change, as it stands now.
func (s *Service) leaving(ctx context.Context, c *Change, change func(*groupState) error) ([]string, error) {
	row, err := s.store.TeamByID(ctx, s.store.DB(), c.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound(c.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("read team: %w", err)
	}
	before, err := s.memberIDs(ctx, s.store.DB(), &row)
	if err != nil {
		return nil, err
	}
	state := groupStateOf(&row, before)
	if err := change(state); err != nil {
		return nil, err
	}
	return without(before, state.members), nil
}

// without returns what is in all and not in those.
func without(all, those []string) []string {
	in := setOf(those)
	var left []string
	for _, id := range all {
		if !in[id] {
			left = append(left, id)
		}
	}
	return left
}

func (s *Service) changeLocked(
	ctx context.Context, tx *store.Tx, who caller.Caller, c *Change, change func(*groupState) error, leaving []string,
) (Group, error) {
	keys, err := s.store.SCIMMembersKeysLock(ctx, tx, db.SCIMMembersKeysLockParams{TeamID: c.ID, UserIds: leaving})
	if err != nil {
		return Group{}, fmt.Errorf("read keys of members: %w", err)
	}
	row, err := s.store.TeamForUpdate(ctx, tx, c.ID)
	if errors.Is(err, store.ErrNotFound) {
		return Group{}, notFound(c.ID)
	}
	if err != nil {
		return Group{}, fmt.Errorf("read team: %w", err)
	}
	before, err := s.memberIDs(ctx, tx, &row)
	if err != nil {
		return Group{}, err
	}
	if err := c.match(showGroup(&row, before, c.Location).Meta.Version); err != nil {
		return Group{}, err
	}
	state := groupStateOf(&row, before)
	if err := change(state); err != nil {
		return Group{}, err
	}
	gone, come := without(before, state.members), without(state.members, before)
	if len(without(gone, leaving)) > 0 {
		return Group{}, errMoved
	}
	if err := s.known(ctx, tx, come); err != nil {
		return Group{}, err
	}
	m := &move{Service: s, tx: tx, who: who, row: &row, gone: gone, come: come}
	leaves := setOf(gone)
	var tokens []string
	for _, k := range keys {
		if leaves[k.UserID] {
			tokens = append(tokens, k.Token)
		}
	}
	if err := team.DeleteKeys(ctx, s.store, tx, who, tokens); err != nil {
		return Group{}, err
	}
	if err := m.write(ctx, state); err != nil {
		return Group{}, err
	}
	return s.showOne(ctx, tx, &row, c.Location)
}

// DeleteGroup removes a team with its keys.
func (s *Service) DeleteGroup(ctx context.Context, who caller.Caller, c *Change) error {
	return s.store.InTx(ctx, func(tx *store.Tx) error {
		keys, err := s.store.SCIMTeamKeysLock(ctx, tx, c.ID)
		if err != nil {
			return fmt.Errorf("read keys of team: %w", err)
		}
		row, err := s.store.TeamForUpdate(ctx, tx, c.ID)
		if errors.Is(err, store.ErrNotFound) {
			return notFound(c.ID)
		}
		if err != nil {
			return fmt.Errorf("read team: %w", err)
		}
		present, err := s.memberIDs(ctx, tx, &row)
		if err != nil {
			return err
		}
		if err := c.match(showGroup(&row, present, c.Location).Meta.Version); err != nil {
			return err
		}
		if err := team.DeleteKeys(ctx, s.store, tx, who, keys); err != nil {
			return err
		}
		gone := &audit.Entry{Actor: who.Actor(), Action: audit.Deleted, Table: audit.Teams, ObjectID: c.ID, Before: team.Show(row), After: audit.Nothing{}}
		if err := tx.Audited(ctx, gone); err != nil {
			return err
		}
		return team.Delete(ctx, s.store, tx, who, []string{c.ID})
	})
}
