package accessgroup

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// holder is a team or a key whose groups have changed.
type holder struct {
	id     string
	groups []string
}

// assign gives the group to those that were sent, and takes it from all others
// of their kind.
func (s *Service) assign(ctx context.Context, tx *store.Tx, who caller.Caller, id string, r *Request) error {
	if r.Teams.Sent {
		gained, lost, err := s.teams(ctx, tx, id, r.Teams.Or([]string{}))
		if err != nil {
			return err
		}
		if err := note(ctx, tx, who, id, store.KindTeam, audit.Teams, gained, lost); err != nil {
			return err
		}
	}
	if !r.Keys.Sent {
		return nil
	}
	gained, lost, err := s.keys(ctx, tx, id, r.Keys.Or([]string{}))
	if err != nil {
		return err
	}
	return note(ctx, tx, who, id, store.KindKey, audit.Keys, gained, lost)
}

func (s *Service) teams(ctx context.Context, tx *store.Tx, id string, want []string) (gained, lost []holder, err error) {
	known, err := s.store.AccessGroupTeamsKnown(ctx, tx, want)
	if err != nil {
		return nil, nil, fmt.Errorf("read teams: %w", err)
	}
	if team, ok := missing(want, known); ok {
		return nil, nil, refused(http.StatusNotFound, "Team '%s' not found", team)
	}
	joined, err := s.store.AccessGroupJoinTeams(ctx, tx, db.AccessGroupJoinTeamsParams{ID: id, Ids: want})
	if err != nil {
		return nil, nil, fmt.Errorf("write teams: %w", err)
	}
	for _, row := range joined {
		gained = append(gained, holder{row.TeamID, row.AccessGroupIds})
	}
	left, err := s.store.AccessGroupLeaveTeams(ctx, tx, db.AccessGroupLeaveTeamsParams{ID: id, Keep: want})
	if err != nil {
		return nil, nil, fmt.Errorf("write teams: %w", err)
	}
	for _, row := range left {
		lost = append(lost, holder{row.TeamID, row.AccessGroupIds})
	}
	return gained, lost, nil
}

func (s *Service) keys(ctx context.Context, tx *store.Tx, id string, want []string) (gained, lost []holder, err error) {
	known, err := s.store.AccessGroupKeysKnown(ctx, tx, want)
	if err != nil {
		return nil, nil, fmt.Errorf("read keys: %w", err)
	}
	if _, ok := missing(want, known); ok {
		return nil, nil, refused(http.StatusNotFound, "assigned_key_ids has a key that does not exist")
	}
	joined, err := s.store.AccessGroupJoinKeys(ctx, tx, db.AccessGroupJoinKeysParams{ID: id, Tokens: want})
	if err != nil {
		return nil, nil, fmt.Errorf("write keys: %w", err)
	}
	for _, row := range joined {
		gained = append(gained, holder{row.Token, row.AccessGroupIds})
	}
	left, err := s.store.AccessGroupLeaveKeys(ctx, tx, db.AccessGroupLeaveKeysParams{ID: id, Keep: want})
	if err != nil {
		return nil, nil, fmt.Errorf("write keys: %w", err)
	}
	for _, row := range left {
		lost = append(lost, holder{row.Token, row.AccessGroupIds})
	}
	return gained, lost, nil
}

// note audits and publishes what has changed.
func note(ctx context.Context, tx *store.Tx, who caller.Caller, id string, kind store.Kind, table audit.Table, gained, lost []holder) error {
	ids := make([]string, 0, len(gained)+len(lost))
	entry := func(h holder, before []string) error {
		ids = append(ids, h.id)
		return tx.Audited(ctx, &audit.Entry{
			Actor: who.Actor(), Action: audit.Updated, Table: table, ObjectID: h.id,
			Before: map[string][]string{"access_group_ids": before}, After: map[string][]string{"access_group_ids": h.groups},
		})
	}
	for _, h := range gained {
		if err := entry(h, slices.DeleteFunc(slices.Clone(h.groups), func(g string) bool { return g == id })); err != nil {
			return err
		}
	}
	for _, h := range lost {
		if err := entry(h, append(slices.Clone(h.groups), id)); err != nil {
			return err
		}
	}
	return tx.ChangedAll(ctx, kind, ids)
}
