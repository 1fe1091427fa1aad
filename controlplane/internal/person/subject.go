package person

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/controlplane/internal/store"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/policy"
)

// Subject is a user for package policy: whoever governs one is an admin of all
// that they are in.
func Subject(ctx context.Context, st *store.Store, conn db.DBTX, u *db.UserTable) (*policy.User, error) {
	s := &policy.User{ID: u.UserID}
	if u.UserRole != nil {
		s.Role = policy.RoleOf(*u.UserRole)
	}
	orgs, err := st.UsersOrgs(ctx, conn, []string{u.UserID})
	if err != nil {
		return nil, fmt.Errorf("read organizations of user: %w", err)
	}
	for _, m := range orgs {
		s.Orgs = append(s.Orgs, m.OrganizationID)
	}
	teams, err := st.UserTeams(ctx, conn, u.Teams)
	if err != nil {
		return nil, fmt.Errorf("read teams of user: %w", err)
	}
	for i := range teams {
		org := ""
		if id := teams[i].OrganizationID; id != nil {
			org = *id
		}
		s.Orgs = append(s.Orgs, org)
	}
	return s, nil
}
