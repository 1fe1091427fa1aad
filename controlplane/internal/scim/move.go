package scim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// move is a change of a team whose row is locked: of its names, and of who is in
// it.
type move struct {
	*Service

	tx         *store.Tx
	who        caller.Caller
	row        *db.TeamTable
	gone, come []string
}

// write stores the team, if it changes, and its members. row is then the new one.
func (m *move) write(ctx context.Context, state *groupState) error {
	meta := metadata(m.row.Metadata)
	was := readNames(meta)
	renamed := m.row.TeamAlias == nil && state.displayName != "" || m.row.TeamAlias != nil && *m.row.TeamAlias != state.displayName
	if !renamed && was.ExternalID == state.externalID && len(m.gone)+len(m.come) == 0 {
		return nil
	}
	if renamed && state.displayName == "" {
		return invalid(InvalidValue, "displayName is required")
	}
	if was.ExternalID != state.externalID {
		was.ExternalID = state.externalID
		b, err := json.Marshal(was)
		if err != nil {
			return fmt.Errorf("encode metadata: %w", err)
		}
		meta[metaNames] = b
	}
	encoded, err := encode(meta)
	if err != nil {
		return err
	}
	members, err := m.members(ctx)
	if err != nil {
		return err
	}
	changed, err := m.store.SCIMGroupUpdate(ctx, m.tx, db.SCIMGroupUpdateParams{
		TeamID: m.row.TeamID, TeamAlias: optional(state.displayName), Metadata: encoded, MembersWithRoles: members,
	})
	if err != nil {
		return fmt.Errorf("write team: %w", err)
	}
	e := &audit.Entry{
		Actor: m.who.Actor(), Action: audit.Updated, Table: audit.Teams, ObjectID: m.row.TeamID, Before: team.Show(*m.row), After: team.Show(changed),
	}
	*m.row = changed
	if err := m.tx.AuditedChange(ctx, e); err != nil {
		return err
	}
	if err := m.memberships(ctx); err != nil {
		return err
	}
	return m.tx.Changed(ctx, store.KindTeam, changed.TeamID)
}

// members is the list of members as it is stored. Who stays keeps their role.
func (m *move) members(ctx context.Context) (json.RawMessage, error) {
	all := listed(m.row.MembersWithRoles)
	if len(m.gone) > 0 {
		rows, err := m.store.UsersByIDs(ctx, m.tx, m.gone)
		if err != nil {
			return nil, fmt.Errorf("read members: %w", err)
		}
		gone, addresses := setOf(m.gone), map[string]bool{}
		for i := range rows {
			if rows[i].UserEmail != nil {
				addresses[strings.ToLower(*rows[i].UserEmail)] = true
			}
		}
		all = slices.DeleteFunc(all, func(one team.Member) bool {
			if one.UserID != nil {
				return gone[*one.UserID]
			}
			return one.UserEmail != nil && addresses[strings.ToLower(*one.UserEmail)]
		})
	}
	if len(m.come) > 0 {
		rows, err := m.store.UsersByIDs(ctx, m.tx, m.come)
		if err != nil {
			return nil, fmt.Errorf("read members: %w", err)
		}
		for i := range rows {
			all = append(all, team.Member{UserID: &rows[i].UserID, UserEmail: rows[i].UserEmail, Role: policy.TeamMember})
		}
	}
	if all == nil {
		all = []team.Member{}
	}
	b, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("encode members: %w", err)
	}
	return b, nil
}

// memberships lets users enter and leave: what they may spend in a team ends
// with their place in it.
func (m *move) memberships(ctx context.Context) error {
	ids := func(users []string) []string {
		all := make([]string, len(users))
		for i, id := range users {
			all[i] = store.MemberID(m.row.TeamID, id)
		}
		return all
	}
	if len(m.gone) > 0 {
		if err := m.store.SCIMLeave(ctx, m.tx, db.SCIMLeaveParams{TeamID: m.row.TeamID, UserIds: m.gone}); err != nil {
			return fmt.Errorf("delete members: %w", err)
		}
		if err := tier.Drop(ctx, m.store, m.tx, store.KindMember, ids(m.gone)); err != nil {
			return err
		}
	}
	if len(m.come) > 0 {
		if err := m.store.SCIMJoin(ctx, m.tx, db.SCIMJoinParams{TeamID: m.row.TeamID, UserIds: m.come}); err != nil {
			return fmt.Errorf("write members: %w", err)
		}
	}
	if err := m.audit(ctx); err != nil {
		return err
	}
	return m.tx.ChangedAll(ctx, store.KindMember, ids(slices.Concat(m.gone, m.come)))
}

// membership is a member in the audit trail.
type membership struct {
	TeamID string `json:"team_id"`
	UserID string `json:"user_id"`
}

func (m *move) audit(ctx context.Context) error {
	for _, one := range []struct {
		action audit.Action
		users  []string
	}{{audit.Deleted, m.gone}, {audit.Created, m.come}} {
		for _, id := range one.users {
			e := &audit.Entry{Actor: m.who.Actor(), Action: one.action, Table: audit.Memberships, ObjectID: store.MemberID(m.row.TeamID, id)}
			if one.action == audit.Deleted {
				e.Before, e.After = membership{m.row.TeamID, id}, audit.Nothing{}
			} else {
				e.After = membership{m.row.TeamID, id}
			}
			if err := m.tx.Audited(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}
