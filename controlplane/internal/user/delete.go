package user

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/tianjillm/tianjillm/controlplane/internal/audit"
	"github.com/tianjillm/tianjillm/controlplane/internal/bounds"
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/invitation"
	"github.com/tianjillm/tianjillm/controlplane/internal/key"
	"github.com/tianjillm/tianjillm/controlplane/internal/person"
	"github.com/tianjillm/tianjillm/controlplane/internal/session"
	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/controlplane/internal/team"
	"github.com/tianjillm/tianjillm/controlplane/internal/tier"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

const routeDelete = "/user/delete"

// kindOrgMember is whose the budget of a member of an organisation is.
const kindOrgMember store.Kind = "org_member"

// DeleteRequest is the body of /user/delete.
type DeleteRequest struct {
	UserIDs []string `json:"user_ids"`
}

// Delete removes users with their keys, invitations and memberships; all of them
// or none. It returns how many.
func (s *Service) Delete(ctx context.Context, who caller.Caller, r *DeleteRequest) (int, error) {
	if err := bounds.CheckIDs("user_ids", r.UserIDs); err != nil {
		return 0, err
	}
	ids := unique(r.UserIDs)
	err := s.store.InTx(ctx, func(tx *store.Tx) error {
		// Keys before teams before users, as everybody locks them.
		keys, err := s.store.UsersKeysLock(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read keys of users: %w", err)
		}
		teams, err := s.store.UsersTeamsLock(ctx, tx, ids)
		if err != nil {
			return fmt.Errorf("read teams of users: %w", err)
		}
		users, err := s.lockDoomed(ctx, tx, who, ids)
		if err != nil {
			return err
		}
		if err := s.deleteKeys(ctx, tx, who, keys); err != nil {
			return err
		}
		if err := s.leaveTeams(ctx, tx, who, teams, users); err != nil {
			return err
		}
		if err := s.leaveOrgs(ctx, tx, ids); err != nil {
			return err
		}
		return s.deleteRows(ctx, tx, who, users)
	})
	return len(ids), err
}

// lockDoomed locks users who are to go, and refuses who may not delete them.
func (s *Service) lockDoomed(ctx context.Context, tx *store.Tx, who caller.Caller, ids []string) ([]db.UserTable, error) {
	users, err := s.store.UsersLock(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	may := who.May()
	for _, id := range ids {
		i := slices.IndexFunc(users, func(u db.UserTable) bool { return u.UserID == id })
		if i < 0 {
			if !may.Admin() {
				return nil, may.AdminsOnly(routeDelete) // do not tell who there is
			}
			return nil, apierr.Detail(http.StatusNotFound, "User not found, passed user_id=%s", id)
		}
		subject, err := person.Subject(ctx, s.store, tx, &users[i])
		if err != nil {
			return nil, err
		}
		if err := may.DeleteUser(subject, routeDelete); err != nil {
			return nil, err
		}
	}
	return users, nil
}

// deleteKeys removes the keys of users. All but those of sessions are kept where
// deleted keys are.
func (s *Service) deleteKeys(ctx context.Context, tx *store.Tx, who caller.Caller, keys []db.VerificationToken) error {
	var kept, all []string
	for i := range keys {
		k := &keys[i]
		all = append(all, k.Token)
		if k.TeamID == nil || *k.TeamID != session.TeamID {
			kept = append(kept, k.Token)
		}
		gone := &audit.Entry{Actor: who.Actor(), Action: audit.Deleted, Table: audit.Keys, ObjectID: k.Token, Before: key.View(*k), After: audit.Nothing{}}
		if err := tx.Audited(ctx, gone); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	err := s.store.KeysArchive(ctx, tx, db.KeysArchiveParams{
		DeletedBy: who.ID(), DeletedByApiKey: filled(&who.KeyHash), LitellmChangedBy: filled(&who.ChangedBy), Tokens: kept,
	})
	if err != nil {
		return fmt.Errorf("keep deleted keys: %w", err)
	}
	if err := s.store.KeysDelete(ctx, tx, all); err != nil {
		return fmt.Errorf("delete keys of users: %w", err)
	}
	return tx.ChangedAll(ctx, store.KindKey, all)
}

// leaveTeams takes users out of their teams, whose rows are locked.
func (s *Service) leaveTeams(ctx context.Context, tx *store.Tx, who caller.Caller, teams []db.TeamTable, users []db.UserTable) error {
	for i := range teams {
		members := membersOf(&teams[i])
		before := len(members)
		members = slices.DeleteFunc(members, func(m team.Member) bool {
			return slices.ContainsFunc(users, func(u db.UserTable) bool { return names(m, &u) })
		})
		if len(members) == before {
			continue
		}
		if err := s.setMembers(ctx, tx, who, &teams[i], members); err != nil {
			return err
		}
	}
	ids := make([]string, len(users))
	for i := range users {
		ids[i] = users[i].UserID
	}
	gone, err := s.store.UsersLeaveMemberships(ctx, tx, ids)
	if err != nil {
		return fmt.Errorf("delete members of teams: %w", err)
	}
	memberIDs := make([]string, len(gone))
	for i, m := range gone {
		memberIDs[i] = store.MemberID(m.TeamID, m.UserID)
	}
	if err := tier.Drop(ctx, s.store, tx, store.KindMember, memberIDs); err != nil {
		return err
	}
	return tx.ChangedAll(ctx, store.KindMember, memberIDs)
}

// names reports whether a member of a team is a user. Lists that come from
// LiteLLM may name some by their address alone.
func names(m team.Member, u *db.UserTable) bool {
	if m.UserID != nil {
		return *m.UserID == u.UserID
	}
	return m.UserEmail != nil && u.UserEmail != nil && *m.UserEmail == *u.UserEmail
}

func (s *Service) leaveOrgs(ctx context.Context, tx *store.Tx, ids []string) error {
	gone, err := s.store.UsersLeaveOrgs(ctx, tx, ids)
	if err != nil {
		return fmt.Errorf("delete members of organizations: %w", err)
	}
	owners := make([]string, len(gone))
	for i, m := range gone {
		owners[i] = store.MemberID(m.OrganizationID, m.UserID)
	}
	return tier.Drop(ctx, s.store, tx, kindOrgMember, owners)
}

// deleteRows removes users and their invitations.
func (s *Service) deleteRows(ctx context.Context, tx *store.Tx, who caller.Caller, users []db.UserTable) error {
	ids := make([]string, len(users))
	for i := range users {
		ids[i] = users[i].UserID
		if err := tx.Audited(ctx, entry(who, audit.Deleted, ids[i], person.Show(users[i]), audit.Nothing{})); err != nil {
			return err
		}
	}
	links, err := s.store.InvitationsOfUsersDelete(ctx, tx, ids)
	if err != nil {
		return fmt.Errorf("delete invitations: %w", err)
	}
	for i := range links {
		if err := tx.Audited(ctx, invitation.Gone(who.Actor(), &links[i])); err != nil {
			return err
		}
	}
	if err := s.store.UsersDelete(ctx, tx, ids); err != nil {
		return fmt.Errorf("delete users: %w", err)
	}
	return tx.ChangedAll(ctx, store.KindUser, ids)
}
