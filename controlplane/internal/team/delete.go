package team

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
)

// Delete removes teams, whose keys are gone already, with their members. The
// teams are kept where deleted teams are.
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
	for i, m := range members {
		users[i], ids[i] = m.UserID, store.MemberID(m.TeamID, m.UserID)
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
