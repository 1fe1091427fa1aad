package team

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// DeleteRequest is the body of /team/delete.
type DeleteRequest struct {
	TeamIDs []string `json:"team_ids"`
}

// Deleted is the reply of /team/delete.
type Deleted struct {
	Teams []string `json:"deleted_teams"`
}

// Delete removes teams with their keys and members; all of them or none.
func (s *Service) Delete(ctx context.Context, who caller.Caller, r *DeleteRequest) (Deleted, error) {
	if err := bounds.CheckIDs("team_ids", r.TeamIDs); err != nil {
		return Deleted{}, err
	}
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		// Keys before teams, as everybody locks them.
		keys, err := s.store.TeamsKeysLock(ctx, tx, r.TeamIDs)
		if err != nil {
			return fmt.Errorf("read keys of teams: %w", err)
		}
		rows, err := s.store.TeamsLock(ctx, tx, r.TeamIDs)
		if err != nil {
			return fmt.Errorf("read teams: %w", err)
		}
		byID := make(map[string]*db.TeamTable, len(rows))
		for i := range rows {
			byID[rows[i].TeamID] = &rows[i]
		}
		for _, id := range r.TeamIDs {
			row := byID[id]
			if row == nil {
				return lost(who, id, "/team/delete")
			}
			if err := who.May().GovernTeam(who.In(row), "/team/delete"); err != nil {
				return err
			}
		}
		if err := DeleteKeys(ctx, s.store, tx, who, keys); err != nil {
			return err
		}
		return remove(ctx, s.store, tx, who, rows)
	})
	return Deleted{r.TeamIDs}, err
}

// lost says that there is no team, to those who may know which ones there are.
func lost(who caller.Caller, id, path string) error {
	if may := who.May(); !may.Sees() {
		if err := may.ManageTeam(who.In(&db.TeamTable{TeamID: id}), path); err != nil {
			return err
		}
	}
	return apierr.Detail(http.StatusNotFound, "Team not found, passed team_id=%s", id)
}

// Remove removes teams, whose keys are gone already, with their members, and
// audits that they are gone.
func Remove(ctx context.Context, st *store.Store, tx *store.Tx, who caller.Caller, teams []string) error {
	rows, err := st.TeamsLock(ctx, tx, teams)
	if err != nil {
		return fmt.Errorf("read teams: %w", err)
	}
	return remove(ctx, st, tx, who, rows)
}

func remove(ctx context.Context, st *store.Store, tx *store.Tx, who caller.Caller, rows []db.TeamTable) error {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].TeamID
		if err := tx.Audited(ctx, entry(who, audit.Deleted, ids[i], Show(rows[i]), audit.Nothing{})); err != nil {
			return err
		}
	}
	return Delete(ctx, st, tx, who, ids)
}

// Delete removes teams, whose keys are gone already, with their members, and
// audits the members alone: that a team is gone is for the caller to write, see
// Remove. The teams are kept where deleted teams are.
func Delete(ctx context.Context, st *store.Store, tx *store.Tx, who caller.Caller, teams []string) error {
	if len(teams) == 0 {
		return nil
	}
	err := st.TeamsArchive(ctx, tx, db.TeamsArchiveParams{
		DeletedBy: who.ID(), DeletedByApiKey: given(who.KeyHash), LitellmChangedBy: given(who.ChangedBy), Ids: teams,
	})
	if err != nil {
		return fmt.Errorf("keep deleted teams: %w", err)
	}
	if err := st.TeamsDelete(ctx, tx, teams); err != nil {
		return fmt.Errorf("delete teams: %w", err)
	}
	members, err := st.MembersDeleteByTeams(ctx, tx, teams)
	if err != nil {
		return fmt.Errorf("delete members: %w", err)
	}
	users, ids := make([]string, len(members)), make([]string, len(members))
	for i := range members {
		users[i], ids[i] = members[i].UserID, store.MemberID(members[i].TeamID, members[i].UserID)
		gone := &traced{Membership: showMembership(members[i], nil, nil)}
		if err := auditMember(ctx, tx, who, gone, nil); err != nil {
			return err
		}
	}
	if err := st.UsersLeaveTeams(ctx, tx, db.UsersLeaveTeamsParams{TeamIds: teams, UserIds: users}); err != nil {
		return fmt.Errorf("write users: %w", err)
	}
	for _, gone := range []struct {
		kind store.Kind
		ids  []string
	}{{store.KindTeam, teams}, {store.KindMember, ids}} {
		if err := tier.Drop(ctx, st, tx, gone.kind, gone.ids); err != nil {
			return err
		}
		if err := tx.ChangedAll(ctx, gone.kind, gone.ids); err != nil {
			return err
		}
	}
	return nil
}

// DeleteKeys removes keys whose owner goes, with their former texts. They are
// kept where deleted keys are.
func DeleteKeys(ctx context.Context, st *store.Store, tx *store.Tx, who caller.Caller, tokens []string) error {
	if len(tokens) == 0 {
		return nil
	}
	rows, err := st.KeysRead(ctx, tx, tokens)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	for i := range rows {
		gone := &audit.Entry{
			Actor: who.Actor(), Action: audit.Deleted, Table: audit.Keys, ObjectID: rows[i].Token, Before: key.View(rows[i]), After: audit.Nothing{},
		}
		if err := tx.Audited(ctx, gone); err != nil {
			return err
		}
	}
	err = st.KeysArchive(ctx, tx, db.KeysArchiveParams{
		DeletedBy: who.ID(), DeletedByApiKey: given(who.KeyHash), LitellmChangedBy: given(who.ChangedBy), Tokens: tokens,
	})
	if err != nil {
		return fmt.Errorf("keep deleted keys: %w", err)
	}
	if err := st.KeysDelete(ctx, tx, tokens); err != nil {
		return fmt.Errorf("delete keys: %w", err)
	}
	former, err := st.KeysRevoke(ctx, tx, tokens)
	if err != nil {
		return fmt.Errorf("end former keys: %w", err)
	}
	return tx.ChangedAll(ctx, store.KindKey, append(former, tokens...))
}

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
