package team

import (
	"github.com/tianjillm/tianjillm/controlplane/internal/caller"
	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

// mayNew decides about a new team. An admin of an organisation makes teams of it,
// and is an admin of them.
func (r *Request) mayNew(who caller.Caller, members []Member) ([]Member, error) {
	const path = "/team/new"
	may := who.May()
	if may.Admin() {
		return members, nil
	}
	if err := may.ManageOrg(r.OrganizationID.Or(""), path); err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.UserID != nil && *m.UserID == who.UserID {
			return members, nil
		}
	}
	return append(members, Member{UserID: &who.UserID, Role: "admin"}), nil
}

// mayUpdate decides about a change of a team.
func (r *Request) mayUpdate(who caller.Caller, row *db.TeamTable) error {
	const path = "/team/update"
	may, t := who.May(), who.In(row)
	governs := r.Metadata.Sent || r.Models.Sent || r.ModelAliases.Sent || r.OrganizationID.Sent || r.Blocked.Sent || r.SetsLimits()
	if !governs {
		return may.ManageTeam(t, path)
	}
	if err := may.GovernTeam(t, path); err != nil {
		return err
	}
	if r.OrganizationID.Sent && r.OrganizationID.Or("") != t.OrgID {
		return may.ManageOrg(r.OrganizationID.Or(""), path)
	}
	return nil
}
